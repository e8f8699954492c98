"""How long the room lasts, and when a person must hear of it (B2)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.core.space_forecast import Intake, SpaceLevel, days_left, level_of, room_bytes, usual_intake
from storage.model import DayOfIntake

TODAY = date(2026, 3, 15)
GB = 10 ** 9


def days(*sizes):
    """What came on the days before today, the latest last."""
    return [DayOfIntake(TODAY - timedelta(days=len(sizes) - number), 1, size) for number, size in enumerate(sizes)]


def usual(intake, **more) -> Intake:
    found = usual_intake(intake, **more)
    assert found is not None
    return found


def test_the_usual_day_is_the_median_of_complete_days():
    found = usual(days(1 * GB, 2 * GB, 3 * GB), first_day=TODAY - timedelta(days=3), today=TODAY)
    assert (found.bytes_a_day, found.days) == (2 * GB, 3)


def test_one_imported_archive_does_not_move_the_forecast():
    ordinary = [1 * GB] * 13
    found = usual(days(*ordinary, 500 * GB), first_day=TODAY - timedelta(days=30), today=TODAY)
    assert (found.bytes_a_day, found.days) == (1 * GB, 14)


def test_days_without_any_object_count_as_such():
    quiet_weekends = [DayOfIntake(TODAY - timedelta(days=back), 1, GB) for back in range(1, 15) if back % 7 > 1]
    assert usual(quiet_weekends, first_day=TODAY - timedelta(days=30), today=TODAY).bytes_a_day == GB
    nearly_idle = [DayOfIntake(TODAY - timedelta(days=3), 1, GB)]
    assert usual(nearly_idle, first_day=TODAY - timedelta(days=30), today=TODAY).bytes_a_day == 0


def test_nothing_is_forecast_before_one_day_is_complete():
    assert usual_intake([], first_day=None, today=TODAY) is None
    assert usual_intake([DayOfIntake(TODAY, 9, GB)], first_day=TODAY, today=TODAY) is None
    assert days_left(10 * GB, None) is None


def test_the_room_ends_at_the_reserve_or_at_the_quota_whichever_comes_first():
    assert room_bytes(free_bytes=10 * GB, reserve_bytes=GB, kept_bytes=0, quota_bytes=0) == 9 * GB
    assert room_bytes(free_bytes=10 * GB, reserve_bytes=GB, kept_bytes=3 * GB, quota_bytes=5 * GB) == 2 * GB
    assert room_bytes(free_bytes=GB, reserve_bytes=2 * GB, kept_bytes=0, quota_bytes=0) == 0
    assert room_bytes(free_bytes=None, reserve_bytes=GB, kept_bytes=0, quota_bytes=0) is None


def test_the_room_divided_by_the_usual_day_is_how_long_it_lasts():
    intake = usual_intake(days(2 * GB), first_day=TODAY - timedelta(days=1), today=TODAY)
    assert days_left(10 * GB, intake) == 5


@pytest.mark.parametrize(("room", "left", "before", "level"), [
    (50 * GB, None, SpaceLevel.ENOUGH, SpaceLevel.ENOUGH),
    (9 * GB, None, SpaceLevel.ENOUGH, SpaceLevel.LOW),
    (50 * GB, 10.0, SpaceLevel.ENOUGH, SpaceLevel.LOW),          # there is much, but it goes fast
    (50 * GB, 100.0, SpaceLevel.ENOUGH, SpaceLevel.ENOUGH),
    (0, None, SpaceLevel.LOW, SpaceLevel.FULL),
    (10.5 * GB, None, SpaceLevel.LOW, SpaceLevel.LOW),           # an alarm does not come and go with every file
    (11.5 * GB, None, SpaceLevel.LOW, SpaceLevel.ENOUGH),
    (5 * GB, None, SpaceLevel.FULL, SpaceLevel.LOW),
    (None, None, SpaceLevel.ENOUGH, SpaceLevel.ENOUGH),
])
def test_the_level_follows_from_room_and_days_with_a_little_inertia(room, left, before, level):
    assert level_of(room, left, warning_bytes=10 * GB, warning_days=14, quota_bytes=0, before=before) is level


def test_a_small_quota_is_not_low_from_the_start():
    assert level_of(5 * GB, None, warning_bytes=10 * GB, warning_days=14, quota_bytes=6 * GB,
                    before=SpaceLevel.ENOUGH) is SpaceLevel.ENOUGH
    assert level_of(GB // 2, None, warning_bytes=10 * GB, warning_days=14, quota_bytes=6 * GB,
                    before=SpaceLevel.ENOUGH) is SpaceLevel.LOW
