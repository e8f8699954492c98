"""The examples that ship with the program do what their comments say (D1)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing_rules.evaluate import decide
from routing_rules.model import Notify, Outcome, Overflow
from routing_rules.parse import check, parse

EXAMPLES = Path("routing_rules/examples")
ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 23, 10, 0, tzinfo=ZONE)
SUNDAY = datetime(2026, 3, 22, 10, 0, tzinfo=ZONE)

FILM: dict[str, Any] = {
    "site.id": "near-1", "site.tier": 2, "site.distance_km": 12.0, "site.link": "fibre", "study.kind": "image",
    "study.modality": "DX", "study.body_part": "CHEST", "study.urgency": "routine", "study.size_mb": 12.0,
    "study.quality": [], "arrival.date": "2026-03-23", "arrival.hour": 10, "arrival.is_holiday": False,
    "arrival.is_workday": True, "patient.age_years": 50.0, "load.waiting": {"subcentre": 3}, "presence.away": []}
CT = {**FILM, "study.modality": "CT"}
ECG: dict[str, Any] = {
    "site.id": "near-1", "site.tier": 1, "study.kind": "ecg", "study.modality": "ECG", "study.urgency": "routine",
    "study.quality": [], "arrival.date": "2026-03-23", "arrival.is_holiday": False, "ecg.critical_statements": [],
    "ecg.heart_rate_bpm": 70.0, "presence.away": []}


def asked(name: str, facts: dict[str, Any], at: datetime = MONDAY, duty=None) -> Outcome:
    return decide(parse((EXAMPLES / name).read_text(encoding="utf-8")), facts, at, duty)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_an_example_has_no_errors_and_no_warnings(path):
    assert [problem.en for problem in check(path.read_text(encoding="utf-8"))] == []


def test_there_is_one_for_a_county_a_county_with_a_middle_tier_and_a_prefecture():
    assert {path.name for path in EXAMPLES.glob("*.yaml")} == {
        "default.yaml", "county.yaml", "county-middle-tier.yaml", "prefecture.yaml"}


TIER = "county-middle-tier.yaml"


def test_the_middle_tier_reads_films_of_the_townships_near_it_and_the_county_reviews():
    outcome = asked(TIER, FILM)
    assert (outcome.group, outcome.second_reader, outcome.assign) == ("subcentre", "county", "least-loaded")
    assert outcome.overflow == Overflow("county", 30)
    assert outcome.on_duty == ("demo-sub-one", "demo-sub-two")


@pytest.mark.parametrize(("change", "at"), [
    ({"study.modality": "CT"}, MONDAY), ({"site.distance_km": 48.0}, MONDAY), ({"site.tier": 3}, MONDAY),
    ({"load.waiting": {"subcentre": 13}}, MONDAY), ({"arrival.is_holiday": True}, MONDAY),
    ({}, SUNDAY), ({}, MONDAY.replace(hour=21))])
def test_the_county_hospital_has_what_the_middle_tier_cannot_take(change, at):
    """CT, far away, the upper tier, too much at once, a public holiday, a Sunday, the night."""
    assert asked(TIER, {**FILM, **change}, at).group == "county"


def test_a_dated_duty_of_the_middle_tier_wins_over_its_weekly_hours():
    assert asked(TIER, FILM, SUNDAY, {"subcentre": ("demo-sub-two",)}).on_duty == ("demo-sub-two",)
    assert asked(TIER, FILM, MONDAY, {"subcentre": ()}).group == "county"


@pytest.mark.parametrize(("change", "hold"), [
    ({"arrival.date": "2026-03-05"}, "18:00"), ({}, None),
    ({"arrival.date": "2026-03-05", "study.urgency": "urgent"}, None),
    ({"arrival.date": "2026-03-05", "study.modality": "US"}, None)])
def test_screening_films_wait_for_the_evening_and_nothing_else_does(change, hold):
    assert asked(TIER, {**FILM, **change}).hold_until == hold


def test_an_emergency_has_its_own_clocks_and_people_are_told():
    outcome = asked(TIER, {**FILM, "study.urgency": "emergency"})
    assert (outcome.priority, outcome.due) == ("emergency", {"claim": 5, "review": 30})
    assert outcome.notify == (Notify("group", "routed"), Notify("head", "breach"))


def test_ecgs_go_to_the_ecg_group_and_what_the_cart_calls_critical_is_raised():
    assert asked(TIER, ECG).group == "ecg"
    raised = asked(TIER, {**ECG, "ecg.critical_statements": ["***危急***"]})
    assert (raised.group, raised.raise_to, raised.tags) == ("ecg", "emergency", ("设备提示",))


CITY = "prefecture.yaml"


@pytest.mark.parametrize("change", [
    {"study.urgency": "emergency"}, {"order.clinical_question": "突发言语不清,卒中?"}])
def test_a_stroke_goes_to_the_city_at_once_with_its_images_and_every_clock(change):
    outcome = asked(CITY, {**CT, "study.body_part": "HEAD", "site.id": "north-3", **change})
    assert (outcome.group, outcome.priority, outcome.forwards, outcome.tags) == (
        "city", "emergency", ("city-pacs",), ("卒中",))
    assert outcome.due == {"arrive": 10, "claim": 5, "write": 20, "review": 30, "return": 5, "open": 15}
    assert outcome.due_minutes == 30
    assert [(wish.who, wish.when) for wish in outcome.notify] == [
        ("clinic", "routed"), ("group", "nudge"), ("head", "breach")]


def test_each_county_reads_its_own_and_what_it_does_not_take_climbs_to_the_city():
    north, south = asked(CITY, {**FILM, "site.id": "north-1"}), asked(CITY, {**FILM, "site.id": "south-1"})
    assert (north.group, north.overflow) == ("county-north", Overflow("city", 60))
    assert (south.group, south.assign, south.overflow) == ("county-south", "least-loaded", Overflow("city", 60))
    assert asked(CITY, {**FILM, "site.id": "north-1"}, MONDAY.replace(hour=22)).group == "city"


def test_the_city_stands_in_while_nobody_of_the_south_is_there():
    assert asked(CITY, {**FILM, "site.id": "south-1", "presence.away": ["demo-south-one"]}).group == "city"
    assert asked(CITY, {**FILM, "site.id": "south-1"}, MONDAY, {"county-south": ()}).tags == ("南县无人在班",)


def test_large_studies_over_weak_lines_wait_and_children_are_reviewed_in_the_city():
    slow = {**CT, "site.id": "north-9", "site.link": "satellite", "study.size_mb": 350.0}
    assert asked(CITY, slow).hold_until == "19:00"
    assert asked(CITY, {**slow, "study.size_mb": 20.0}).hold_until is None
    assert asked(CITY, {**FILM, "site.id": "north-1", "patient.age_years": 3.0}).second_reader == "city"
    assert asked(CITY, {**FILM, "site.id": "north-1"}).second_reader is None


def test_doubtful_data_are_marked_and_an_unknown_county_is_for_the_fallback_inbox():
    outcome = asked(CITY, {**FILM, "site.id": "elsewhere", "study.quality": ["name_guessed", "no_order"]})
    assert (outcome.tags, outcome.group, outcome.is_fallback, outcome.priority) == (
        ("核对身份",), "fallback", True, "urgent")


def test_a_rate_that_a_device_measured_raises_and_changes_nothing_else():
    """K3."""
    plain, fast = asked(CITY, ECG), asked(CITY, {**ECG, "ecg.heart_rate_bpm": 178.0})
    assert (plain.raise_to, fast.raise_to) == (None, "urgent")
    assert (plain.group, plain.due, plain.reader) == (fast.group, fast.due, fast.reader)
