"""How urgent a reading is: what a rule names, else what was asked for; device data may only raise it (K3). Pure."""

from __future__ import annotations

from storage.model import Priority

HINT_TAG = "提示排序,不代表诊断"
"""Stands on every reading whose priority was raised by a device's own measurement or statement."""

_RANK = {Priority.ROUTINE: 0, Priority.URGENT: 1, Priority.EMERGENCY: 2}


def priority_of(*, named: str | None, raise_to: str | None, urgency: str) -> tuple[Priority, bool]:
    """Return the priority, and whether device data raised it."""
    base = Priority(named) if named else Priority(urgency) if urgency in set(Priority) else Priority.ROUTINE
    if raise_to is not None and _RANK[Priority(raise_to)] > _RANK[base]:
        return Priority(raise_to), True
    return base, False
