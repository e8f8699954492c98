"""Decide when a study has stopped arriving (B9). Pure: the caller passes the time.

A modality sends one C-STORE an instance and never says "that was all" (PS3.4 Annex B has no end of study). So
evidence comes first: a count of the whole study that is reached ends it at once. Without one, or with a count that
speaks of one acquisition only, silence after the last association has ended must do; a study that is still short of
what was announced gets a longer silence, because its sender is probably retrying.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model import CompleteBy


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet complete: look again then, and say why it waits."""

    until: datetime
    why: str


def is_count_reached(instance_count: int, study_instance_count: int | None) -> bool:
    """True once as many instances are here as the study is known to have."""
    return study_instance_count is not None and instance_count >= study_instance_count


def completion(*, instance_count: int, expected_count: int | None, last_arrival_at: datetime, is_sending: bool,
               now: datetime, quiet_period: timedelta, short_quiet_period: timedelta) -> CompleteBy | Wait:
    """Return the evidence by which the study is complete now, or until when to wait.

    Parameters
    ----------
    instance_count, expected_count
        Instances here, and the largest number announced for the study or an acquisition of it.
    is_sending
        An association that has sent instances of this study is still open.
    """
    if is_sending:
        return Wait(now + quiet_period, "its sender is still connected")
    is_short = expected_count is not None and instance_count < expected_count
    quiet_until = last_arrival_at + (short_quiet_period if is_short else quiet_period)
    if now < quiet_until:
        why = f"{instance_count} of {expected_count} are here" if is_short else "more may follow"
        return Wait(quiet_until, why)
    if is_short:
        return CompleteBy.QUIET_TIME_SHORT
    return CompleteBy.QUIET_TIME if expected_count is None else CompleteBy.EXPECTED_COUNT
