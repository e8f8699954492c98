"""The decision about a study, and the study awaiting an opinion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Priority(StrEnum):
    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a study went where it went; stored whole, never recomputed."""

    id: str
    study_id: str
    at: datetime
    rules_version: int
    priority: Priority
    group: str                           # duty group, or "fallback"
    reader_id: str | None                # a named reader where the rule names one
    due_at: datetime
    tags: tuple[str, ...]
    because: list[dict[str, Any]]        # every rule looked at: {rule, matched, conditions: [{text, holds, seen}]}
    facts: dict[str, Any]                # the values the rules saw
    hints: list[dict[str, Any]] = field(default_factory=list)    # why an ECG stands further up; core.ecg_priority
    outcome: dict[str, Any] = field(default_factory=dict)        # what the rules said: routing_rules Outcome.as_json
    inputs: dict[str, Any] = field(default_factory=dict)         # what they were asked with besides the facts:
    # {"local_now": ISO with offset, "duty": {group: [logins]} or None, "failure": {"reason", "zh", "en"} where the
    # rules could not be asked}; a replay needs nothing else. Both are empty in decisions before revision 0013.


class ReadingState(StrEnum):
    """D2. Chinese: 未报告 报告中 未审核 审核中 已审核, 退回 驳回 放弃 撤回."""

    UNREAD = "unread"
    IN_PROGRESS = "in_progress"
    AWAITING_REVIEW = "awaiting_review"
    IN_REVIEW = "in_review"
    FINAL = "final"
    RETURNED = "returned"                # sent back to the clinic, reason required
    REJECTED = "rejected"                # reviewer sent it back to the writer, reason required
    GIVEN_UP = "given_up"
    WITHDRAWN = "withdrawn"
    READ_ELSEWHERE = "read_elsewhere"    # 外部已阅: another system claimed and completed it


SYSTEM_HOLDER = "system:"
"""`Reading.claimed_by` of another system that has it: this, and its name; an account's id never has it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A study awaiting an opinion."""

    id: str
    study_id: str
    site_id: str
    state: ReadingState
    priority: Priority
    group: str
    decision_id: str
    created_at: datetime
    due_at: datetime
    assigned_to: str | None              # a reader named by the rule
    writer_id: str | None                # who wrote it; never the reviewer (F2)
    reviewer_id: str | None
    claimed_by: str | None               # who holds the lock now
    claimed_at: datetime | None
    lock_until: datetime | None
    reason: str                          # of the last return or rejection
    late_instances: int                  # arrived after the report was signed
    revision: int                        # grows with every change, for optimistic checks
    hold_until: datetime | None = None   # kept off the worklist until then, as a rule says (off-peak)
