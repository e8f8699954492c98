"""The way of a whole study to a destination that a rule names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ForwardState(StrEnum):
    WAITING = "waiting"                  # for its turn, or for the next try
    SENT = "sent"                        # the destination has said that it keeps every object
    REFUSED = "refused"                  # permanent; the reason is in `last_error`


@dataclass(frozen=True, slots=True)
class Forward:
    """One per study and destination: what came late goes the same way, and nothing goes twice."""

    id: str
    study_id: str
    destination_id: str
    decision_id: str                     # that asked for it first
    state: ForwardState
    queued_at: datetime
    kept_uids: tuple[str, ...] = ()      # SOP Instance UIDs that the destination has said it keeps
    attempts: int = 0
    next_attempt_at: datetime | None = None
    sent_at: datetime | None = None
    last_error: str = ""                 # why it waits, in plain words
