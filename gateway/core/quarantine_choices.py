"""What may be decided about an arrival in quarantine. Pure: the caller says what is the case.

Nothing is deleted by any of them: the bytes of both objects stay, and what a decision changed in the index can be
taken back, except that what was taken in as an instance stays one (taking an instance out of the index is a deletion,
which two persons decide elsewhere).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.model import QuarantineChoice as Choice
from storage.model import QuarantineDecision

_FOR_GOOD = (Choice.RETRY, Choice.TAKE_AS_NEW)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a person looks."""

    is_decided: bool
    is_readable: bool                    # the arrival's bytes can be read as a DICOM object today
    has_first: bool                      # the index has an object under its SOP Instance UID
    may_see_first: bool                  # and the person may see that one
    is_same_study: bool                  # and it is of the study that the arrival names
    is_study_free: bool                  # the study that the arrival names is new, or of the arrival's own site
    is_conflict: bool
    decisions: tuple[QuarantineDecision, ...] = ()


def choices(now: Situation) -> tuple[Choice, ...]:
    """The decisions that are possible now, the most cautious first."""
    if now.is_decided:
        last = in_force(now.decisions)[-1:]
        return (Choice.UNDO,) if not last or last[0].choice not in _FOR_GOOD else ()
    if now.has_first:
        can_replace = now.is_readable and now.may_see_first and now.is_same_study
        return (Choice.KEEP_FIRST, *([Choice.USE_SECOND] if can_replace else []),
                *([Choice.TAKE_AS_NEW] if now.is_readable and now.is_study_free else []))
    return (Choice.SETTLE, Choice.RETRY)


def in_force(decisions: Sequence[QuarantineDecision]) -> list[QuarantineDecision]:
    """Those that nobody has taken back, in their order."""
    undone = {d.undoes for d in decisions if d.choice is Choice.UNDO}
    return [d for d in decisions if d.choice is not Choice.UNDO and d.id not in undone]
