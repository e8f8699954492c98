"""A reading that another system claims, gives back, or completes: the same lock as a person's claim (D3).

The holder is no account of ours, so nobody here can write in its name; its lock runs out like any other. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.errors import NotNow
from storage.model import SYSTEM_HOLDER, Reading, ReadingState

HOLDER_PREFIX = "system:"
"""`Reading.claimed_by` of a system: this, and its name; an account's id never has it."""


def holder_of(name: str) -> str:
    """What `Reading.claimed_by` holds while the system of this name has it."""
    return SYSTEM_HOLDER + name


def is_held_outside(reading: Reading) -> bool:
    """True while another system holds the lock."""
    return (reading.claimed_by or "").startswith(SYSTEM_HOLDER)


def claimed_outside(reading: Reading, name: str, *, now: datetime, claim_for: timedelta) -> Reading:
    """The system takes the lock of an unread reading. Raises NotNow ("wrong-state")."""
    if reading.state is not ReadingState.UNREAD:
        raise NotNow(reason="wrong-state")
    return replace(reading, state=ReadingState.IN_PROGRESS, writer_id=None, claimed_by=holder_of(name),
                   claimed_at=now, lock_until=now + claim_for)


def extended_outside(reading: Reading, *, now: datetime, claim_for: timedelta) -> Reading:
    """It is still at work. Raises NotNow ("not-holder") when the lock ran out."""
    _check_held(reading)
    return replace(reading, lock_until=now + claim_for)


def given_back_outside(reading: Reading) -> Reading:
    """It gives up; the reading waits for somebody else. Raises NotNow ("not-holder")."""
    _check_held(reading)
    return replace(_unlocked(reading), state=ReadingState.UNREAD)


def completed_outside(reading: Reading, *, reason: str) -> Reading:
    """Read elsewhere: off our list, with no report of ours; `reason` names who has it. Raises NotNow."""
    _check_held(reading)
    return replace(_unlocked(reading), state=ReadingState.READ_ELSEWHERE, reason=reason)


def opened_again(reading: Reading) -> Reading:
    """Images came after another system had completed it: somebody must look again (B9)."""
    if reading.state is not ReadingState.READ_ELSEWHERE:
        raise NotNow(reason="wrong-state")
    return replace(_unlocked(reading), state=ReadingState.UNREAD, writer_id=None)


def _check_held(reading: Reading) -> None:
    if not is_held_outside(reading):
        raise NotNow(reason="not-holder")


def _unlocked(reading: Reading) -> Reading:
    return replace(reading, claimed_by=None, claimed_at=None, lock_until=None)
