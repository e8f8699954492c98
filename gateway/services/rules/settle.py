"""From what the rules say to what a reading gets: priority, due time and tags. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.due_times import due_at
from gateway.core.order import more_urgent
from gateway.core.priority import HINT_TAG, priority_of
from routing_rules.model import Outcome
from storage.model import Priority


@dataclass(frozen=True, slots=True)
class Settled:
    priority: Priority
    due_at: datetime
    tags: tuple[str, ...]


def settled(outcome: Outcome, *, hint_levels: Sequence[str], completed_at: datetime, modality: str, body_part: str,
            urgency: str) -> Settled:
    """`hint_levels`: the priorities that hints on an ECG ask for; device data may only raise it (K3)."""
    raise_to = outcome.raise_to
    for level in hint_levels:
        raise_to = level if raise_to is None else more_urgent(raise_to, level)
    priority, is_raised = priority_of(named=outcome.priority, raise_to=raise_to, urgency=urgency)
    due = due_at(completed_at, modality=modality, body_part=body_part, priority=priority,
                 rule_minutes=outcome.due_minutes, is_raised=is_raised)
    # The tag goes wherever device data had a say, so that nobody takes the order for a finding (K3).
    return Settled(priority, due, (*outcome.tags, HINT_TAG) if raise_to is not None else outcome.tags)
