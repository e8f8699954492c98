"""The legal periods, the day they end, and everything that forbids a deletion (B10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.core.retention import LEGAL_YEARS, obstacles, retention_of, years_later, years_of
from storage.model import CareClass, LegalHold, RetentionRule, Visit

ARRIVED = datetime(2010, 5, 6, 7, 8, tzinfo=UTC)


def visit(care_class, ended_at=None):
    return Visit("s", care_class, ended_at, "boss", ARRIVED)


def rule(care_class, years):
    return {care_class: RetentionRule(care_class, years, "boss", ARRIVED)}


def retention(**more):
    given: dict[str, Any] = {"last_arrival_at": ARRIVED, "last_seen_at": None, "signed_at": None, "visit": None,
                             "rules": {}}
    return retention_of(**given | more)


def hold(released_at=None):
    return LegalHold("h", "s", "site", "r", "d", "boss", ARRIVED, "{}", "", released_at)


@pytest.mark.parametrize(("care_class", "years"), [(CareClass.OUTPATIENT, 15), (CareClass.INPATIENT, 30),
                                                   (CareClass.UNKNOWN, 30)])
def test_each_class_is_kept_for_its_legal_period(care_class, years):
    assert LEGAL_YEARS[care_class] == years
    found = retention(visit=visit(care_class))
    assert (found.years, found.retain_until) == (years, ARRIVED.replace(year=2010 + years))


def test_what_nobody_classified_is_kept_as_long_as_the_longest_class():
    assert retention().years == 30
    assert retention(rules=rule(CareClass.INPATIENT, 50)).years == 50


def test_a_rule_that_is_shorter_than_the_law_is_not_followed():
    assert years_of(CareClass.OUTPATIENT, rule(CareClass.OUTPATIENT, 3)) == 15
    assert years_of(CareClass.OUTPATIENT, rule(CareClass.OUTPATIENT, 25)) == 25


@pytest.mark.parametrize("what", ["last_seen_at", "signed_at"])
def test_the_latest_sign_of_the_patient_starts_the_period(what):
    later = ARRIVED + timedelta(days=400)
    assert retention(**{what: later}).counted_from == later
    assert retention(**{what: ARRIVED - timedelta(days=400)}).counted_from == ARRIVED


def test_a_recorded_discharge_starts_the_period_unless_something_came_later():
    discharged = ARRIVED + timedelta(days=12)
    assert retention(visit=visit(CareClass.INPATIENT, discharged)).counted_from == discharged
    assert retention(visit=visit(CareClass.INPATIENT, ARRIVED - timedelta(days=1))).counted_from == ARRIVED


def test_the_leap_day_never_ends_a_period_a_day_early():
    assert years_later(datetime(2012, 2, 29, tzinfo=UTC), 15) == datetime(2027, 3, 1, tzinfo=UTC)
    assert years_later(datetime(2012, 2, 29, tzinfo=UTC), 16) == datetime(2028, 2, 29, tzinfo=UTC)


def test_everything_that_forbids_a_deletion_is_named():
    kept = retention()
    given: dict[str, Any] = {"holds": [], "open_questions": 0, "is_arriving": False, "is_being_read": False}
    over = kept.retain_until
    assert obstacles(kept, now=over, **given) == []
    assert obstacles(kept, now=over - timedelta(seconds=1), **given) == ["retention-not-ended"]
    assert obstacles(kept, now=over, **given | {"holds": [hold()]}) == ["legal-hold"]
    assert obstacles(kept, now=over, **given | {"holds": [hold(released_at=ARRIVED)]}) == []
    assert obstacles(kept, now=ARRIVED, holds=[hold()], open_questions=1, is_arriving=True, is_being_read=True) == [
        "retention-not-ended", "legal-hold", "open-quarantine", "still-arriving", "being-read"]
