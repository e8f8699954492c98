"""When the moon is new and where the sun stands: to test the table of moving holidays against the sky.

The algorithms of Jean Meeus, Astronomical Algorithms, chapters 49 (new moon, to about half a minute) and 25 (the
sun's apparent longitude, to 0.01°), and the rule of the calendar (GB/T 33661-2017): days are those of UTC+8; a month
begins on the day of the new moon; the month with the winter solstice is the eleventh; of thirteen months between two
solstices the first without a major solar term is a leap month.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from math import floor, radians, sin

BEIJING = timezone(timedelta(hours=8))
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_DELTA_T_S = 72.0                        # TT − UTC about 2024–2035, within a few seconds


def lunar_day(year: int, month: int, day: int) -> date:
    """The date of a day of a lunar month (not a leap one) in the lunar year that begins in `year`."""
    return next(first for number, is_leap, first in _months(year) if number == month and not is_leap) + timedelta(
        days=day - 1)


def qingming(year: int) -> date:
    """The day on which the sun's longitude is 15°."""
    return _day_of_longitude(15.0, datetime(year, 4, 1, tzinfo=UTC))


def new_moons(since: datetime, count: int) -> list[datetime]:
    """The next new moons, UTC."""
    number = floor((since.year + since.timetuple().tm_yday / 365.25 - 2000) * 12.3685) - 1
    found: list[datetime] = []
    while len(found) < count:
        moment = _new_moon(number)
        if moment >= since:
            found.append(moment)
        number += 1
    return found


@cache
def _months(year: int) -> list[tuple[int, bool, date]]:
    """(number, leap, first day) from the eleventh month before the new year to the tenth of `year`, and on."""
    found: list[tuple[int, bool, date]] = []
    for solstice_year in (year - 1, year):
        first = _eleventh_month(solstice_year)
        after = _eleventh_month(solstice_year + 1)
        starts = [moment.astimezone(BEIJING).date() for moment in new_moons(
            datetime(first.year, first.month, first.day, tzinfo=BEIJING).astimezone(UTC) - timedelta(days=1), 15)]
        starts = [day for day in starts if first <= day <= after]
        number, is_leap_year, has_leap = 11, len(starts) == 14, False
        for start, end in pairwise(starts):
            is_leap = is_leap_year and not has_leap and number != 11 and not _has_major_term(start, end)
            if is_leap:
                has_leap = True
                found.append(((number - 2) % 12 + 1, True, start))
                continue
            found.append((number, False, start))
            number = number % 12 + 1
    opening = [index for index, (number, leap, _) in enumerate(found) if number == 1 and not leap]
    return found[opening[0]:opening[1]]


def _eleventh_month(year: int) -> date:
    solstice = _day_of_longitude(270.0, datetime(year, 12, 15, tzinfo=UTC))
    starts = [moment.astimezone(BEIJING).date()
              for moment in new_moons(datetime(year, 11, 1, tzinfo=UTC), 4)]
    return max(day for day in starts if day <= solstice)


def _has_major_term(first: date, after: date) -> bool:
    def sector(day: date) -> int:
        at = datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC)
        return floor(_longitude(at) / 30.0)

    return sector(first) != sector(after)


def _day_of_longitude(wanted: float, since: datetime) -> date:
    low, high = since, since + timedelta(days=20)
    while high - low > timedelta(seconds=10):
        middle = low + (high - low) / 2
        if (_longitude(middle) - wanted + 180.0) % 360.0 < 180.0:       # still before it
            low = middle
        else:
            high = middle
    return high.astimezone(BEIJING).date()


def _longitude(at: datetime) -> float:
    t = ((at - _J2000).total_seconds() + _DELTA_T_S) / 86_400 / 36_525
    mean = 280.46646 + 36_000.76983 * t + 0.0003032 * t * t
    anomaly = radians(357.52911 + 35_999.05029 * t - 0.0001537 * t * t)
    centre = ((1.914602 - 0.004817 * t - 0.000014 * t * t) * sin(anomaly)
              + (0.019993 - 0.000101 * t) * sin(2 * anomaly) + 0.000289 * sin(3 * anomaly))
    return (mean + centre - 0.00569 - 0.00478 * sin(radians(125.04 - 1934.136 * t))) % 360.0


def _new_moon(k: int) -> datetime:
    t = k / 1236.85
    days = 2451550.09766 + 29.530588861 * k + 0.00015437 * t * t - 0.000000150 * t**3
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    m = radians(2.5534 + 29.10535670 * k - 0.0000014 * t * t)
    m1 = radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t)
    f = radians(160.7108 + 390.67050284 * k - 0.0016118 * t * t)
    o = radians(124.7746 - 1.56375588 * k + 0.0020672 * t * t)
    days += (-0.40720 * sin(m1) + 0.17241 * e * sin(m) + 0.01608 * sin(2 * m1) + 0.01039 * sin(2 * f)
             + 0.00739 * e * sin(m1 - m) - 0.00514 * e * sin(m1 + m) + 0.00208 * e * e * sin(2 * m)
             - 0.00111 * sin(m1 - 2 * f) - 0.00057 * sin(m1 + 2 * f) + 0.00056 * e * sin(2 * m1 + m)
             - 0.00042 * sin(3 * m1) + 0.00042 * e * sin(m + 2 * f) + 0.00038 * e * sin(m - 2 * f)
             - 0.00024 * e * sin(2 * m1 - m) - 0.00017 * sin(o) - 0.00007 * sin(m1 + 2 * m)
             + 0.00004 * sin(2 * m1 - 2 * f) + 0.00004 * sin(3 * m) + 0.00003 * sin(m1 + m - 2 * f)
             + 0.00003 * sin(2 * m1 + 2 * f) - 0.00003 * sin(m1 + m + 2 * f) + 0.00003 * sin(m1 - m + 2 * f)
             - 0.00002 * sin(m1 - m - 2 * f) - 0.00002 * sin(3 * m1 + m) + 0.00002 * sin(4 * m1))
    for start, rate, size in ((299.77, 0.107408, 325), (251.88, 0.016321, 165), (251.83, 26.651886, 164),
                              (349.42, 36.412478, 126), (84.66, 18.206239, 110), (141.74, 53.303771, 62),
                              (207.14, 2.453732, 60), (154.84, 7.306860, 56), (34.52, 27.261239, 47),
                              (207.19, 0.121824, 42), (291.34, 1.844379, 40), (161.72, 24.198154, 37),
                              (239.56, 25.513099, 35), (331.55, 3.592518, 23)):
        argument = start + rate * k - (0.009173 * t * t if start == 299.77 else 0.0)
        days += size * 1e-6 * sin(radians(argument))
    return _J2000 + timedelta(days=days - 2451545.0, seconds=-_DELTA_T_S)
