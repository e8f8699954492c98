"""Room, checks, second copies, retention, holds and deletions, for the administrator's page."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.http.messages import PatientView


class SpaceView(msgspec.Struct, frozen=True):
    """The room that is left, and how long it lasts."""

    level: str                           # enough, low (still taken, with an alarm), full (refused)
    free_bytes: int | None
    reserve_bytes: int
    quota_bytes: int                     # 0: none
    kept_objects: int
    kept_bytes: int
    room_bytes: int | None               # until new objects are refused
    usual_day_bytes: int | None          # median of the last `measured_days` complete days
    measured_days: int
    days_left: float | None
    today_bytes: int
    warning_bytes: int
    warning_days: float


class ChecksView(msgspec.Struct, frozen=True):
    """How far the background check of all objects is."""

    objects: int
    unchecked: int                       # never read back since they came, and without SM3 yet
    damaged: int
    missing: int
    oldest_check_at: datetime | None
    mb_per_s: float                      # 0: switched off
    every_days: float


class CopiesView(msgspec.Struct, frozen=True):
    """Where the second copies stand."""

    address: str                         # "": none is configured
    is_on_same_disk: bool                # then one broken disk takes both
    waiting: int
    waiting_bytes: int
    failing: int
    oldest_waiting_at: datetime | None
    problem: str                         # why the place takes nothing now, "" if it does


class BadObjectView(msgspec.Struct, frozen=True):
    sha256: str
    size_bytes: int
    state: str
    checked_at: datetime


class RetentionRuleView(msgspec.Struct, frozen=True):
    care_class: str                      # outpatient, inpatient, unknown
    years: int
    legal_years: int


class RetentionRuleRequest(msgspec.Struct, frozen=True):
    years: int


class KeepingView(msgspec.Struct, frozen=True):
    """All of it at a glance."""

    space: SpaceView
    checks: ChecksView
    copies: CopiesView
    bad_objects: list[BadObjectView]
    rules: list[RetentionRuleView]
    deletion_wait_days: float


class StandingView(msgspec.Struct, frozen=True):
    """A study and how long it must be kept."""

    study_id: str
    study_instance_uid: str
    site_id: str
    patient: PatientView
    modality: str
    description: str
    instance_count: int
    last_arrival_at: datetime
    care_class: str
    years: int
    counted_from: datetime
    retain_until: datetime
    holds: int                           # in force
    obstacles: list[str]                 # machine words for what forbids its deletion now
    deletion_state: str                  # "" where nobody asked for it


class VisitRequest(msgspec.Struct, frozen=True):
    care_class: str
    ended_at: datetime | None = None     # end of the visit, or discharge


class HoldRequest(msgspec.Struct, frozen=True):
    reason: str
    demanded_by: str


class HoldView(msgspec.Struct, frozen=True):
    id: str
    study_id: str
    study_instance_uid: str              # "" once the study is gone
    site_id: str
    reason: str
    demanded_by: str
    placed_by: str                       # a name
    placed_at: datetime
    manifest_sha256: str
    released_at: datetime | None
    released_by: str
    release_reason: str


class DeletionView(msgspec.Struct, frozen=True):
    id: str
    study_id: str
    study_instance_uid: str
    site_id: str
    state: str                           # asked, approved, deleting, deleted, withdrawn
    reason: str
    retain_until: datetime
    asked_by_id: str
    asked_by: str                        # a name
    asked_at: datetime
    approved_by: str
    approved_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None
    note: str
    objects: int
    size_bytes: int
