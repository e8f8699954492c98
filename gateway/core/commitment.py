"""What a request for storage commitment is answered with, instance by instance (PS3.4 annex J). Pure.

Committed means more than found: the bytes were read back whole a moment ago, and they are on the second medium too
where one is set up (B5). Each failure has its own reason, so that the device knows what to do next: send again
(0112), ask again later (0213), or leave it to a person (0110, 0119, 0122).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from storage.model.commitments import CommitmentItem

COMMITTED = 0


class FailureReason(IntEnum):
    """Failure Reason (0008,1197), PS3.3 C.14.1.1."""

    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    CLASS_NOT_SUPPORTED = 0x0122
    DUPLICATE_TRANSACTION_UID = 0x0131
    RESOURCE_LIMITATION = 0x0213


class EventType(IntEnum):
    """Event Type ID of the report (PS3.4 J.3.3)."""

    ALL_COMMITTED = 1
    SOME_FAILED = 2


class Safety(Enum):
    """What reading an object back has shown."""

    SAFE = "safe"
    DAMAGED = "damaged"                  # missing, or other bytes than were received
    NOT_COPIED = "not_copied"            # whole here, not yet on the second medium
    UNKNOWN = "unknown"                  # storage does not answer


@dataclass(frozen=True, slots=True)
class KeptInstance:
    """What the index has under the SOP Instance UID that a device names, where the device may ask about it."""

    sop_class_uid: str
    study_id: str
    object_sha256: str
    is_in_dispute: bool                  # other bytes came under the same UID, and nobody has decided yet


def refusal(item: CommitmentItem, kept: KeptInstance | None, *, is_supported: bool) -> int:
    """The reason that needs no look at the bytes, or COMMITTED if only they can tell."""
    if kept is not None and kept.sop_class_uid == item.sop_class_uid:
        return FailureReason.PROCESSING_FAILURE if kept.is_in_dispute else COMMITTED
    if not is_supported:
        return FailureReason.CLASS_NOT_SUPPORTED
    return FailureReason.NO_SUCH_INSTANCE if kept is None else FailureReason.CLASS_INSTANCE_CONFLICT


def reason_of(safety: Safety) -> int:
    """The verdict on an instance that is here as the device names it."""
    return {Safety.SAFE: COMMITTED, Safety.DAMAGED: FailureReason.PROCESSING_FAILURE}.get(
        safety, FailureReason.RESOURCE_LIMITATION)


def event_type(items: Sequence[CommitmentItem]) -> EventType:
    """Of the report over these judged items."""
    is_complete = all(item.failure_reason == COMMITTED for item in items)
    return EventType.ALL_COMMITTED if is_complete else EventType.SOME_FAILED
