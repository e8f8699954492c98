"""Decide when a study has stopped arriving (B9). Pure: the caller passes the time.

A modality sends one C-STORE an instance and never says "that was all" (PS3.4 Annex B has no end of study). So
evidence comes first: a performed procedure step that is over and names what it made, a commitment request for all
that is here, a count from the order or from the images themselves. Without it silence after the last association has
ended must do. A study that is still short of what was announced gets a longer silence, because its sender is probably
retrying; and what the device has done in its last studies makes the silence longer, or shorter, within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model import CompleteBy
from storage.model.commitments import Evidence, EvidenceKind

HABIT_STUDIES = 20
_FEWEST_STUDIES = 8                      # before a device has a habit
_SHORTEST_QUIET = timedelta(seconds=1)
_LONGEST_LEARNED_PAUSE_S = 600.0         # a longer pause is another visit, not a habit
_FEWER_THAN_USUAL = 4                    # times the quiet time, when fewer came than ever before


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet complete: look again then, and say why it waits."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Habit:
    """What a device did in its last complete studies of one modality."""

    fewest: int
    most: int
    pause_s: float                       # a quarter of them paused at least so long between two arrivals

    @property
    def is_constant(self) -> bool:
        return self.fewest == self.most


@dataclass(frozen=True, slots=True)
class Named:
    """What the sources together say of a study."""

    sop_instance_uids: frozenset[str]    # each is known to belong to it
    count: int                           # it has at least so many
    is_open: bool                        # a step of it is still going on
    kinds: frozenset[EvidenceKind]       # who told, in a final way


def habit_of(recent: Sequence[tuple[int, float]]) -> Habit | None:
    """From (instances, longest pause in seconds) of the last complete studies; None: too few to say."""
    if len(recent) < _FEWEST_STUDIES:
        return None
    counts = [count for count, _ in recent]
    pauses = sorted(pause for _, pause in recent if pause <= _LONGEST_LEARNED_PAUSE_S)
    quarter = pauses[len(pauses) * 3 // 4] if pauses else 0.0
    return Habit(min(counts), max(counts), quarter)


def named_by(evidence: Sequence[Evidence]) -> Named:
    """Put the sources together: named instances add up, counts of the whole do not."""
    uids = frozenset(uid for source in evidence for uid in source.sop_instance_uids)
    told = max((source.instance_count for source in evidence if not source.sop_instance_uids), default=0)
    return Named(
        uids, max(len(uids), told),
        any(source.kind is EvidenceKind.MPPS and not source.is_final for source in evidence),
        frozenset(source.kind for source in evidence if source.is_final and source.instance_count))


def is_count_reached(instance_count: int, study_instance_count: int | None) -> bool:
    """True once as many instances are here as the study is known to have."""
    return study_instance_count is not None and instance_count >= study_instance_count


def evident(named: Named, *, instance_count: int, expected_count: int | None, missing: int,
            habit: Habit | None) -> CompleteBy | None:
    """Return the evidence by which a study is complete now, whatever its sender is at; None if it must be waited for.

    Parameters
    ----------
    expected_count
        The largest number that the images themselves or others announced.
    missing
        How many of the named instances are not here.
    """
    if named.is_open or missing or instance_count < max(named.count, expected_count or 0):
        return None
    if EvidenceKind.MPPS in named.kinds:
        return CompleteBy.MPPS
    if EvidenceKind.ORDER in named.kinds:
        return CompleteBy.ORDER_COUNT
    # Some devices ask image by image, or series by series: then the request says nothing of the whole.
    is_all_named = 1 < instance_count <= len(named.sop_instance_uids)
    if EvidenceKind.COMMITMENT in named.kinds and is_all_named and (habit is None or instance_count >= habit.fewest):
        return CompleteBy.COMMITMENT
    return None


def completion(*, instance_count: int, expected_count: int | None, last_arrival_at: datetime, is_sending: bool,
               now: datetime, quiet_period: timedelta, short_quiet_period: timedelta, habit: Habit | None = None,
               is_step_open: bool = False) -> CompleteBy | Wait:
    """Return how the study is complete now by a count and silence, or until when to wait.

    Parameters
    ----------
    instance_count, expected_count
        Instances here, and the largest number announced for the study or an acquisition of it.
    is_sending
        An association that has sent instances of this study is still open.
    habit
        Of the device; None where a person set its quiet period, or too little is known.
    is_step_open
        The device said that it is still examining (MPPS in progress).
    """
    if is_sending:
        return Wait(now + quiet_period, "its sender is still connected")
    is_short = expected_count is not None and instance_count < expected_count
    if is_short or is_step_open:
        period = short_quiet_period
        why = f"{instance_count} of {expected_count} are here" if is_short else "the examination is still going on"
    else:
        period, why = quiet_of(habit, instance_count, quiet_period=quiet_period, longest=short_quiet_period)
    quiet_until = last_arrival_at + period
    if now < quiet_until:
        return Wait(quiet_until, why)
    if is_short:
        return CompleteBy.QUIET_TIME_SHORT
    if expected_count is not None:
        return CompleteBy.EXPECTED_COUNT
    return CompleteBy.DEVICE_HABIT if period < quiet_period else CompleteBy.QUIET_TIME


def quiet_of(habit: Habit | None, instance_count: int, *, quiet_period: timedelta,
             longest: timedelta) -> tuple[timedelta, str]:
    """The silence that ends a study of this device, and why it is that long."""
    if habit is None:
        return quiet_period, "more may follow"
    longest = max(longest, quiet_period)
    learned = min(timedelta(seconds=1.5 * habit.pause_s), longest)
    if instance_count < habit.fewest:
        return max(learned, min(_FEWER_THAN_USUAL * quiet_period, longest)), (
            f"{instance_count} are here, this device sends {habit.fewest} to {habit.most}")
    if learned > quiet_period:
        return learned, f"this device pauses for {habit.pause_s:.0f} s within a study"
    if habit.is_constant and instance_count == habit.fewest:
        return min(max(_SHORTEST_QUIET, learned), quiet_period), f"this device always sends {habit.fewest}"
    return quiet_period, "more may follow"
