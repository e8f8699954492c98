"""Unified Procedure Steps: readings as other systems see, claim and follow them (PS3.4 annex CC)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class UpsState(StrEnum):
    """Procedure Step State (0074,1000)."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True)
class Workitem:
    """One Unified Procedure Step. Its state follows its reading; who it is about is read from the study."""

    uid: str                             # SOP Instance UID
    study_id: str
    site_id: str
    reading_id: str | None               # None: asked for before the study was routed
    is_request: bool                     # asked for by another system; else our own offer of a reading
    is_current: bool                     # False: another one took its place, or it was taken back
    state: UpsState
    created_at: datetime
    modified_at: datetime
    requester: str = ""                  # who asked for it, as `Outsider.actor`
    performer: str = ""                  # who claimed it from outside, as `Outsider.actor`
    transaction_uid: str = ""            # the lock that the performer gave; never shown to anybody
    replaces: str = ""                   # UID of the one whose place it took
    attributes: dict[str, Any] = field(default_factory=dict)   # DICOM JSON that others set
    revision: int = 0                    # grows with every change


class EventKind(IntEnum):
    """Event Type ID (PS3.4 table CC.2.4-1)."""

    STATE = 1
    CANCEL_REQUESTED = 2
    PROGRESS = 3
    SCP_STATUS = 4
    ASSIGNED = 5


class Channel(StrEnum):
    """How a subscriber is told."""

    DICOM = "dicom"                      # N-EVENT-REPORT
    WEB = "web"                          # the WebSocket that it opens


class GlobalSubscription(StrEnum):
    """Global Subscription State of a subscriber (PS3.4 CC.2.3)."""

    NONE = ""
    WITH_LOCK = "locked"
    WITHOUT_LOCK = "unlocked"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who may be told. An AE title belongs to whoever subscribed it first."""

    ae_title: str
    channel: Channel
    owner: str                           # "device:<id>", or "site:<id>" whose machines take them by the web
    site_id: str                         # of the owner
    all_workitems: GlobalSubscription = GlobalSubscription.NONE
    filter: tuple[tuple[str, str], ...] = ()     # path and value of each matching key; (): no filter


@dataclass(frozen=True, slots=True)
class WorkitemEvent:
    """Something that one subscriber has not been told yet."""

    id: int
    ae_title: str
    workitem_uid: str
    study_id: str
    site_id: str
    kind: EventKind
    at: datetime
    information: dict[str, Any]          # DICOM JSON


@dataclass(frozen=True, slots=True)
class WorkitemFilter:
    """What the database narrows a search by; empty means any."""

    uids: tuple[str, ...] = ()
    states: tuple[UpsState, ...] = ()
    study_instance_uids: tuple[str, ...] = ()
    patient_ids: tuple[str, ...] = ()
