"""How long and how safely things are kept: checks of objects, second copies, holds, retention, deletion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class CheckState(StrEnum):
    """What the last check of an object's bytes found."""

    UNCHECKED = "unchecked"              # its hash was taken when it came; nobody has read it back since
    SOUND = "sound"
    DAMAGED = "damaged"                  # the bytes are not what their name says
    MISSING = "missing"


class CopyState(StrEnum):
    """Where the second copy of an object stands."""

    NONE = "none"                        # no second copy is configured
    WAITING = "waiting"                  # to be made, or to be made again
    COPIED = "copied"                    # its hash was verified at the destination


@dataclass(frozen=True, slots=True)
class ObjectCare:
    """What is known of one object's safety, beside the row that promises it."""

    sha256: str
    size_bytes: int
    sm3: str                             # hex, added by the first check; "" until then
    state: CheckState
    checked_at: datetime                 # until the first check: when it was stored, for its hash was taken then
    copy_state: CopyState
    copy_due: datetime | None            # when the copy is tried next
    copied_at: datetime | None           # when its hash was last verified at the destination
    copy_attempts: int
    copy_error: str


@dataclass(frozen=True, slots=True)
class CareCounts:
    """The state of all objects in numbers."""

    objects: int
    size_bytes: int
    unchecked: int
    damaged: int
    missing: int
    oldest_check_at: datetime | None
    copies_waiting: int
    copies_waiting_bytes: int
    copies_failing: int                  # waiting after at least one failed try
    oldest_waiting_at: datetime | None   # when the object that waits for longest was stored


@dataclass(frozen=True, slots=True)
class DayOfIntake:
    """What was kept on one day, in the gateway's time zone."""

    day: date
    objects: int
    size_bytes: int


class CareClass(StrEnum):
    """What the retention of a study follows from (EMR rules, art. 19)."""

    OUTPATIENT = "outpatient"            # counted from the last visit
    INPATIENT = "inpatient"              # counted from the last discharge
    UNKNOWN = "unknown"                  # nobody said; kept as long as the longest class


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long a class is kept."""

    care_class: CareClass
    years: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody, or an order, said of the visit that a study belongs to."""

    study_id: str
    care_class: CareClass
    ended_at: datetime | None            # end of the visit, or discharge; None: the study itself is the last we know
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A study that was sealed (封存): nothing of it may be deleted until somebody releases it."""

    id: str
    study_id: str
    site_id: str
    reason: str
    demanded_by: str                     # the person or body that asked for it, by name
    placed_by: str
    placed_at: datetime
    manifest: str                        # canonical JSON: what was there, by hash
    manifest_sha256: str
    released_at: datetime | None = None
    released_by: str | None = None
    release_reason: str = ""


class DeletionState(StrEnum):
    ASKED = "asked"                      # one administrator asked; another must agree
    APPROVED = "approved"                # agreed; waits for its day
    DELETING = "deleting"                # the index rows are gone, the bytes are going
    DELETED = "deleted"
    WITHDRAWN = "withdrawn"              # a person took it back, or what allowed it no longer holds


@dataclass(frozen=True, slots=True)
class Deletion:
    """The way of one study out of the store: asked by one, approved by another."""

    id: str
    study_id: str
    study_instance_uid: str
    site_id: str
    state: DeletionState
    reason: str
    retain_until: datetime               # as it was when it was asked for
    asked_by: str
    asked_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    due_at: datetime | None = None       # end of the waiting period
    done_at: datetime | None = None
    note: str = ""                       # why it was withdrawn
    objects: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a deleted object: names and hashes, no patient data and no bytes."""

    id: str
    deletion_id: str
    study_id: str
    site_id: str
    study_instance_uid: str
    sop_instance_uid: str                # "" for what had none
    sop_class_uid: str
    object_sha256: str
    size_bytes: int
    kind: str                            # received, quarantined, report
    deleted_at: datetime
    removed_at: datetime | None = None   # when the bytes were gone, or found to be shared with something kept
