"""The public calendar of China as data: what was announced, the law for the years to come, and the moving days."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest

from routing_rules.holidays import HOLIDAYS, kind_of_day
from tests.support.moon_and_sun import BEIJING, lunar_day, new_moons, qingming

TABLE = json.loads(files("routing_rules").joinpath("holidays.json").read_text(encoding="utf-8"))
YEARS = range(2024, 2036)


@pytest.mark.parametrize("year", YEARS)
def test_the_moving_days_are_where_the_sun_and_the_moon_put_them(year):
    """Computed by another way: Meeus' new moons and solar longitude, and the rule of the calendar."""
    moving = {name: date.fromisoformat(day) for name, day in TABLE["moving"][str(year)].items()}
    assert moving == {"spring-festival": lunar_day(year, 1, 1), "qingming": qingming(year),
                      "dragon-boat": lunar_day(year, 5, 5), "mid-autumn": lunar_day(year, 8, 15)}


def test_the_computation_knows_two_new_moons_that_fall_close_to_midnight():
    """2027-02-06 23:56 and 2030-02-03 00:07 in Beijing: a calendar that is minutes off has the wrong new year."""
    late, early = (new_moons(datetime(year, 1, 20, tzinfo=UTC), 1)[0].astimezone(BEIJING) for year in (2027, 2030))
    assert (late.date(), late.hour, abs(late.minute - 56) <= 1) == (date(2027, 2, 6), 23, True)
    assert (early.date(), early.hour, abs(early.minute - 7) <= 1) == (date(2030, 2, 3), 0, True)


@pytest.mark.parametrize(("day", "holiday", "is_workday"), [
    ("2026-02-14", "", True), ("2026-02-15", "spring-festival", False), ("2026-02-23", "spring-festival", False),
    ("2026-02-24", "", True), ("2026-02-28", "", True), ("2026-03-01", "", False),
    ("2026-10-07", "national-day", False), ("2026-10-08", "", True), ("2026-09-20", "", True),
    ("2025-10-06", "national-day", False), ("2024-12-31", "", True)])
def test_an_announced_year_is_as_it_was_announced(day, holiday, is_workday):
    kind = kind_of_day(date.fromisoformat(day))
    assert (kind.holiday, kind.is_workday, kind.is_announced) == (holiday, is_workday, True)


@pytest.mark.parametrize("year", sorted(TABLE["announced"]))
def test_an_announcement_agrees_with_itself_and_with_the_sky(year):
    days = [date(int(year), 1, 1) + timedelta(days=number) for number in range(366)]
    days = [day for day in days if day.year == int(year)]
    for text in TABLE["announced"][year]["workdays"]:
        day = date.fromisoformat(text)
        assert (day.isoweekday() in (6, 7), kind_of_day(day).holiday) == (True, ""), "made up for at a weekend"
    for name, text in TABLE["moving"][year].items():
        assert kind_of_day(date.fromisoformat(text)).holiday in (
            {name, "national-day"} if name == "mid-autumn" else {name})
    # Days off at weekdays are the days of the law, and those that are made up for at weekends.
    given = sum(1 for day in days if day.isoweekday() <= 5 and kind_of_day(day).holiday)
    made_up = len(TABLE["announced"][year]["workdays"])
    law = 13 if int(year) >= 2025 else 11
    assert 0 <= law - (given - made_up) <= 4, "days of the law that fall on a weekend without being moved"


@pytest.mark.parametrize(("day", "holiday", "is_workday"), [
    ("2027-01-01", "new-year", False), ("2027-02-05", "spring-festival", False),
    ("2027-02-08", "spring-festival", False), ("2027-02-09", "", True), ("2027-05-02", "labour-day", False),
    ("2027-10-03", "national-day", False), ("2027-10-04", "", True), ("2027-06-09", "dragon-boat", False),
    ("2030-02-02", "spring-festival", False), ("2035-09-16", "mid-autumn", False)])
def test_a_year_that_is_not_announced_has_the_days_of_the_law(day, holiday, is_workday):
    kind = kind_of_day(date.fromisoformat(day))
    assert (kind.holiday, kind.is_workday, kind.is_announced) == (holiday, is_workday, False)


def test_a_year_beyond_the_table_has_the_fixed_days_and_says_that_nothing_was_announced():
    assert kind_of_day(date(2050, 10, 1)).holiday == "national-day"
    assert not kind_of_day(date(2050, 10, 1)).is_announced
    assert {name for year in TABLE["announced"].values() for name in year["holidays"]} == set(HOLIDAYS)
