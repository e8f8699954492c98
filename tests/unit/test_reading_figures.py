"""What the figures of a month say is what was counted, and no number is made of nothing (D4, D6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.reading_figures import INDICATORS, Per, StageSum, Tally, merged
from storage.model import Priority, ReadingState
from storage.model.clocks import Stage
from storage.model.figures import CountedReading, StageTimes

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NOW = AT + timedelta(days=20)


def stage(took_min: float | None, allowed_min: float, *, stopped: bool = False, since: datetime = AT) -> StageTimes:
    return StageTimes(since, since + timedelta(minutes=allowed_min),
                      None if took_min is None else since + timedelta(minutes=took_min), NOW if stopped else None)


def a_reading(**more) -> CountedReading:
    reading = CountedReading("s", "yangchang", "DX", "imaging", Priority.ROUTINE, ReadingState.FINAL, AT, "writer",
                             "reviewer", AT + timedelta(minutes=50), True, False, "", None,
                             {Stage.REVIEW: stage(50, 60)})
    return replace(reading, **more)


def tally(*readings: CountedReading, per: Per = Per.SITE, months=("2026-03",), rejections: int = 0) -> Tally:
    made = Tally(per, ZONE, months, now=NOW)
    for reading in readings:
        made.add(reading, rejections=rejections)
    return made


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
def test_median_and_ninth_decile_are_those_of_numpy(count):
    values = np.random.default_rng(count).uniform(1, 5000, count)
    total = StageSum()
    total.seconds.extend(values)
    assert total.quantile_s(0.5) == pytest.approx(median(values))
    assert total.quantile_s(0.9) == pytest.approx(np.percentile(values, 90))


def test_a_stage_that_was_late_or_is_over_and_not_met_is_a_breach_and_one_that_still_has_time_is_not_counted():
    cases = [stage(50, 60), stage(60, 60), stage(61, 60), stage(None, 60), stage(None, 60 * 24 * 60),
             stage(None, 60, stopped=True)]
    (line,) = tally(*(a_reading(clocks={Stage.REVIEW: one}) for one in cases)).lines()
    review = line.stages[Stage.REVIEW]
    assert (review.counted, review.breaches, len(review.seconds)) == (4, 2, 3)
    assert review.quantile_s(0.5) == 3600


def test_without_a_reading_there_is_no_rate_and_no_time():
    empty = merged([], key="", month="2026-03")
    assert empty.positive_rate is None
    assert StageSum().quantile_s(0.9) is None
    rates = {one.code: one.value for one in tally().indicators()}
    assert rates == {code: 0.0 if code.startswith("N121") else None for code in INDICATORS}


def test_only_what_somebody_judged_counts_for_the_positive_rate():
    (line,) = tally(a_reading(), a_reading(is_positive=False), a_reading(is_positive=None),
                    a_reading(is_positive=None, signed_at=None, state=ReadingState.UNREAD),
                    a_reading(state=ReadingState.RETURNED, signed_at=None, is_positive=None)).lines()
    assert (line.studies, line.signed, line.judged, line.positive, line.positive_rate) == (5, 3, 2, 1, 0.5)
    assert (line.still_open, line.returned) == (1, 1)


def test_months_and_hours_are_those_of_the_alliance():
    late = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)             # half past midnight in April
    made = tally(a_reading(), a_reading(completed_at=late, signed_at=late + timedelta(hours=1)),
                 months=("2026-03", "2026-04"))
    march, april = made.lines()
    assert (march.month, march.hours[9], march.signed_hours[9]) == ("2026-03", 1, 1)
    assert (april.month, april.hours[0], april.signed_hours[1]) == ("2026-04", 1, 1)


@pytest.mark.parametrize(("per", "keys"), [
    (Per.SITE, {"yangchang"}), (Per.MODALITY, {"DX"}), (Per.GROUP, {"imaging"}),
    (Per.READER, {"writer", "reviewer"})])
def test_lines_are_about_what_was_asked_for(per, keys):
    lines = tally(a_reading(), per=per, rejections=2).lines()
    assert {line.key for line in lines} == keys
    assert sum(line.studies for line in lines) == 1
    assert sum(line.rejections for line in lines) == 2
    if per is Per.READER:
        assert {line.key: line.reviewed for line in lines} == {"writer": 0, "reviewer": 1}


def test_the_sum_of_all_lines_is_what_one_line_of_everything_would_say():
    readings = [a_reading(site_id=f"site-{n % 3}", clocks={Stage.REVIEW: stage(10.0 * n, 60)}) for n in range(12)]
    whole = merged(tally(*readings).lines(), key="", month="")
    (one,) = tally(*(replace(reading, site_id="all") for reading in readings)).lines()
    assert (whole.studies, whole.hours, whole.stages[Stage.REVIEW].breaches) == (
        one.studies, one.hours, one.stages[Stage.REVIEW].breaches)
    assert whole.stages[Stage.REVIEW].quantile_s(0.9) == one.stages[Stage.REVIEW].quantile_s(0.9)


INPATIENT = {"modality": "US", "patient_class": "inpatient"}


@pytest.mark.parametrize(("code", "readings", "value"), [
    ("RRC-02", [{"priority": Priority.EMERGENCY}, {"priority": Priority.EMERGENCY, "signed_at": AT +
                                                   timedelta(hours=2, seconds=1)}, {}], 0.5),
    ("RRC-02", [{"priority": Priority.EMERGENCY, "modality": "ECG"}], None),
    ("RRC-02", [{"priority": Priority.EMERGENCY, "signed_at": None, "completed_at": NOW - timedelta(hours=1)}], None),
    ("RRC-02", [{"priority": Priority.EMERGENCY, "signed_at": None}], 0.0),
    ("RCV-04", [{"is_critical": True, "clocks": {Stage.OPEN: stage(59.5, 60)}},
                {"is_critical": True, "clocks": {Stage.OPEN: stage(61, 60)}},
                {"is_critical": True, "clocks": {}}, {"clocks": {}}], 1 / 3),
    ("US-CV-01", [{"modality": "US", "is_critical": True, "clocks": {Stage.OPEN: stage(55, 60)}}], 1.0),
    ("US-TL-01", [{**INPATIENT, "ordered_at": AT - timedelta(hours=40)},
                  {**INPATIENT, "ordered_at": AT - timedelta(hours=49)},
                  {"modality": "US", "patient_class": "outpatient", "ordered_at": AT - timedelta(hours=49)}], 0.5),
    ("N121-IMG", [{}, {"modality": "CT"}, {"modality": "US"}, {"modality": "ECG"}, {"signed_at": None}], 2.0),
    ("N121-ECG", [{}, {"modality": "ECG"}], 1.0),
    ("N121-US", [{}, {"modality": "US"}], 1.0),
])
def test_an_indicator_is_its_numerator_over_those_of_whom_it_can_be_told(code, readings, value):
    made = tally(*(a_reading(**more) for more in readings))
    (found,) = [one.value for one in made.indicators() if one.code == code]
    assert found == (None if value is None else pytest.approx(value))
