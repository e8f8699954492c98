"""How long each stage of a reading may take, what became of it, and who was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """The way of a study, stage by stage (D4)."""

    ARRIVE = "arrive"                    # from the first object until the study is complete
    CLAIM = "claim"                      # complete, until somebody takes it
    WRITE = "write"                      # complete, until the report is handed to review
    REVIEW = "review"                    # complete, until the report is signed
    RETURN = "return"                    # signed, until the clinic has the report
    OPEN = "open"                        # signed, until a person at the clinic opened it


@dataclass(frozen=True, slots=True)
class ReadingClock:
    """The clock of one stage of one reading; one row each, begun again where the stage begins again."""

    reading_id: str
    study_id: str
    stage: Stage
    started_at: datetime
    due_at: datetime
    met_at: datetime | None = None
    breached_at: datetime | None = None  # when it was noted that the due time had passed unmet
    stopped_at: datetime | None = None   # sent back or withdrawn: nobody waits for it any more
    nudged_percent: int = 0              # the last reminder that is behind us: 0, 50 or 80
    round: int = 1                       # grows each time that the stage begins again


@dataclass(frozen=True, slots=True)
class ReadingTimer:
    """What is still to come of a reading's clocks: one row a reading, fired at `next_at`."""

    reading_id: str
    study_id: str
    next_at: datetime | None             # None: nothing more can come until a stage begins
    plan: dict[str, Any]                 # minutes by stage and what the rule wants done; see core.clocks.Plan
    reoffered_at: datetime | None = None
    climbed_at: datetime | None = None
    overflowed_at: datetime | None = None
    attempts: int = 0                    # that failed one after another
    last_error: str = ""


class NoticeKind(StrEnum):
    ROUTED = "routed"                    # a rule wanted it said at once
    NUDGE = "nudge"                      # half or four fifths of the time are gone
    BREACH = "breach"                    # the time is over
    REOFFER = "reoffer"                  # it was not claimed in time: open to the whole group
    CLIMB = "climb"                      # nobody of the group took it: the head of the centre is asked
    OVERFLOW = "overflow"                # it has gone to the upper centre
    ASSIGNED = "assigned"                # it is yours now: a colleague went off, or it waits for your review
    HANDED_OVER = "handed_over"          # you went off, or your shift ended: it was given back
    RETAKE_ASKED = "retake_asked"        # to the clinic: a picture is to be taken again
    RETAKEN = "retaken"                  # to who asked: the new pictures are here
    RETAKE_DECLINED = "retake_declined"  # to who asked: there will be none


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing said to one person; carries no patient data."""

    id: str
    at: datetime
    user_id: str
    kind: NoticeKind
    reading_id: str
    study_id: str
    site_id: str
    stage: Stage | None = None
    round: int = 1
    percent: int = 0                     # of a nudge: 50 or 80
    detail: dict[str, Any] = field(default_factory=dict)
    read_at: datetime | None = None
