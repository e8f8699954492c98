"""What a decision, stored or replayed, says of a study, in parts that can be compared and counted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.services.rules.replay import Replayed
from gateway.services.rules.settle import settled
from routing_rules.model import STAGES, RuleSet
from storage.model import StoredReplay

ASPECTS = ("priority", *(f"due.{stage}" for stage in STAGES), "second_reader", "forwards", "notify", "hold_until",
           "overflow", "assign", "tags")
"""What can differ beside group and reader."""

ANYBODY = ("",)
"""A group without members means everyone with the reader's role: whoever takes it."""


@dataclass(frozen=True, slots=True)
class Side:
    group: str
    reader: str | None                   # login that a rule names
    readers: tuple[str, ...]             # among whom the work is spread: the named one, those on duty, the members
    due_at: datetime
    aspects: Mapping[str, Any]           # hashable values; one that is missing was not said


def stored_side(stored: StoredReplay, rules: RuleSet | None) -> Side:
    """As it was decided. `rules` is the version that decided, for the members of its groups."""
    outcome = stored.outcome
    reader = outcome["reader"] if outcome else stored.reader
    aspects = _aspects(outcome) | {"priority": stored.priority, "tags": stored.tags}
    # What the rules said: an overflow may have moved it on to another group since.
    group = outcome["group"] if outcome else stored.group
    return Side(group, reader, _readers(group, reader, outcome.get("on_duty", ()), rules), stored.due_at, aspects)


def replayed_side(replayed: Replayed, stored: StoredReplay, decided: Side, rules: RuleSet, zone: ZoneInfo) -> Side:
    """As a rule set would decide; `decided` is the stored side, which stands where the rules say the same.

    Readers are those that the rules name, on both sides: who has left since counts as named here as there.
    """
    outcome = replayed.outcome
    said = outcome.as_json()
    reader = outcome.reader
    readers = _readers(outcome.group, reader, outcome.on_duty, rules)
    if said == stored.outcome:
        return Side(outcome.group, decided.reader, readers, stored.due_at, decided.aspects)
    result = settled(
        outcome, hint_levels=[hint["raises_to"] for hint in stored.hints if hint.get("raises_to")],
        completed_at=_completed_at(stored), modality=stored.modality, body_part=stored.body_part,
        urgency=str(stored.facts.get("study.urgency", stored.urgency)), zone=zone)
    aspects: dict[str, Any] = {"priority": result.priority.value, "tags": result.tags}
    if stored.outcome:
        aspects = _aspects(said) | aspects
    return Side(outcome.group, reader, readers, result.due_at, aspects)


def _completed_at(stored: StoredReplay) -> datetime:
    kept = stored.inputs.get("completed_at")
    return datetime.fromisoformat(kept) if kept else stored.completed_at or stored.at


def _aspects(outcome: Mapping[str, Any]) -> dict[str, Any]:
    if not outcome:
        return {}                        # of an older release, which kept priority and tags alone
    aspects: dict[str, Any] = {f"due.{stage}": minutes for stage, minutes in outcome["due"].items()}
    for name in ("second_reader", "hold_until", "assign"):
        if outcome.get(name) is not None:
            aspects[name] = outcome[name]
    if outcome.get("forwards"):
        aspects["forwards"] = tuple(outcome["forwards"])
    if outcome.get("notify"):
        aspects["notify"] = tuple(f"{wish['who']} {wish['when']}" for wish in outcome["notify"])
    if outcome.get("overflow"):
        aspects["overflow"] = f"{outcome['overflow']['group']} {outcome['overflow']['after_minutes']} min"
    return aspects


def _readers(group: str, reader: str | None, on_duty: Sequence[str], rules: RuleSet | None) -> tuple[str, ...]:
    if reader is not None:
        return (reader,)
    if on_duty:
        return tuple(on_duty)
    found = rules.groups.get(group) if rules is not None else None
    return found.members if found is not None and found.members else ANYBODY
