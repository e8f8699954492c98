"""From what the rules say to what a reading gets: priority, due time and tags. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

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
    hold_until: datetime | None = None   # not on the worklist before then; never for what is urgent


def settled(outcome: Outcome, *, hint_levels: Sequence[str], completed_at: datetime, modality: str, body_part: str,
            urgency: str, zone: ZoneInfo | None = None) -> Settled:
    """`hint_levels`: the priorities that hints on an ECG ask for; device data may only raise it (K3).

    `zone` is the reading centre's; without one nothing is held. What is held is due as if it were complete only then.
    """
    raise_to = outcome.raise_to
    for level in hint_levels:
        raise_to = level if raise_to is None else more_urgent(raise_to, level)
    priority, is_raised = priority_of(named=outcome.priority, raise_to=raise_to, urgency=urgency)
    hold_until = None
    if outcome.hold_until is not None and zone is not None and priority is Priority.ROUTINE:
        hold_until = next_clock(completed_at, outcome.hold_until, zone)
    due = due_at(hold_until or completed_at, modality=modality, body_part=body_part, priority=priority,
                 rule_minutes=outcome.due_minutes, is_raised=is_raised)
    # The tag goes wherever device data had a say, so that nobody takes the order for a finding (K3).
    return Settled(priority, due, (*outcome.tags, HINT_TAG) if raise_to is not None else outcome.tags,
                   hold_until)


def next_clock(after: datetime, clock: str, zone: ZoneInfo) -> datetime:
    """The first moment after `after` at which a clock on the centre's wall shows HH:MM (24:00 is midnight)."""
    local = after.astimezone(zone)
    minutes = int(clock[:2]) * 60 + int(clock[3:])
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    days = [midnight + timedelta(days=day, minutes=minutes) for day in (0, 1)]
    moments = [day.replace(tzinfo=zone).astimezone(after.tzinfo) for day in days]
    return next(moment for moment in moments if moment > after)
