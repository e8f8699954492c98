"""What a person decided about a quarantined arrival, and what a device's text taught us about its character set."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from storage.model.studies import Confidence


class QuarantineChoice(StrEnum):
    """What may be decided. The bytes of both objects stay, whatever it is."""

    KEEP_FIRST = "keep_first"            # the object that came first stays what readers see
    USE_SECOND = "use_second"            # readers see the second one; the first is kept as superseded
    RETRY = "retry"                      # take it in now: the cause is gone, or a person says which site it is of
    TAKE_AS_NEW = "take_as_new"          # take a copy in under a new SOP Instance UID, beside the first
    SETTLE = "settle"                    # it is looked at and nothing more is to be done
    UNDO = "undo"                        # the decision before is taken back; it waits for a new one


@dataclass(frozen=True, slots=True)
class QuarantineDecision:
    """One decision about one arrival; append-only, so that the arrival's history can be shown."""

    id: str
    arrival_id: str
    site_id: str                         # of the arrival
    at: datetime
    actor: str
    choice: QuarantineChoice
    reason: str                          # in the person's own words
    undoes: str = ""                     # id of the decision that is taken back
    detail: dict[str, Any] = field(default_factory=dict)   # what an undo needs; for USE_SECOND the first's index row


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which arrivals of the quarantine to list."""

    is_decided: bool | None = False      # None: both
    reason: str = ""
    site_id: str = ""
    text: str = ""                       # part of sender, file name or UID


@dataclass(frozen=True, slots=True)
class CharacterSetNote:
    """How the name in one study of a device was written: what was declared, and what the bytes are. No name is kept.

    `codec` is what the bytes themselves say, without the rule that an administrator may have set for the device.
    """

    study_id: str
    device_id: str
    at: datetime
    declared: str                        # Specific Character Set as sent, "" if absent
    codec: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class CharacterSetCorrection:
    """A person set, changed or took back the character set of a device; its studies are read again."""

    id: str
    device_id: str
    site_id: str
    at: datetime
    actor: str
    reason: str
    before: str                          # the device's character set until then, "" for none
    after: str
    undoes: str = ""                     # id of the correction that is taken back
    finished_at: datetime | None = None  # when the studies had been read again
    studies: int = 0                     # how many of them changed
