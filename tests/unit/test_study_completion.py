"""When a study has stopped arriving (B9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.study_completion import Wait, completion, is_count_reached
from storage.model import CompleteBy

LAST = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
QUIET, LONG_QUIET = timedelta(seconds=5), timedelta(minutes=10)


def decide(after_s: float, *, count: int = 3, expected: int | None = None, is_sending: bool = False):
    return completion(instance_count=count, expected_count=expected, last_arrival_at=LAST, is_sending=is_sending,
                      now=LAST + timedelta(seconds=after_s), quiet_period=QUIET, short_quiet_period=LONG_QUIET)


def test_silence_alone_completes_a_study_that_announced_no_count():
    assert decide(4.9) == Wait(LAST + QUIET, "more may follow")
    assert decide(5) is CompleteBy.QUIET_TIME


def test_an_open_association_keeps_the_study_open_however_long_it_is_silent():
    assert isinstance(decide(3600, is_sending=True), Wait)


def test_a_study_short_of_its_count_gets_the_longer_silence():
    assert decide(5, expected=4) == Wait(LAST + LONG_QUIET, "3 of 4 are here")
    assert decide(600, expected=4) is CompleteBy.QUIET_TIME_SHORT


def test_an_announced_acquisition_that_is_here_completes_after_the_short_silence():
    assert decide(5, expected=3) is CompleteBy.EXPECTED_COUNT


@pytest.mark.parametrize(("count", "of_study", "is_reached"), [
    (3, 3, True), (4, 3, True), (2, 3, False), (9, None, False)])
def test_the_count_of_the_whole_study_is_evidence_at_once(count, of_study, is_reached):
    assert is_count_reached(count, of_study) is is_reached
