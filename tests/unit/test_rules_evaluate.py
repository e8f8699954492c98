"""Rules end in people, and say why (D1, K3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing_rules.evaluate import decide
from routing_rules.facts import FACTS, FactValue, UndeclaredFact
from routing_rules.parse import parse
from routing_rules.reference import PAGE, reference_text
from routing_rules.roster import holes, on_duty

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))      # a Monday
COUNTY = Path("routing_rules/examples/county.yaml").read_text(encoding="utf-8")
DEFAULT = Path("routing_rules/examples/default.yaml").read_text(encoding="utf-8")
FILM: Mapping[str, FactValue] = {
    "study.kind": "image", "study.modality": "DX", "study.body_part": "CHEST", "study.urgency": "emergency",
    "patient.age_years": 38.0, "arrival.hour": 12}
ECG: Mapping[str, FactValue] = {
    "study.kind": "ecg", "study.modality": "ECG", "study.urgency": "routine", "ecg.statements": ["窦性心律"],
    "ecg.heart_rate_bpm": 72.0, "arrival.hour": 12}


def rules(*entries: str, groups: str = "  a: {name: a}\n  b: {name: b}\n  fallback: {name: f}\n", fallback=""):
    return parse(f"format: 1\ntitle: t\ngroups:\n{groups}fallback: {{group: fallback{fallback}}}\nrules:\n"
                 + "".join(f"  - {entry}\n" for entry in entries) if entries
                 else f"format: 1\ntitle: t\ngroups:\n{groups}fallback: {{group: fallback{fallback}}}\nrules: []\n")


@pytest.mark.parametrize(("text", "facts", "group", "priority", "raise_to", "due_minutes", "tags"), [
    (COUNTY, FILM, "imaging", "emergency", None, 30, ("胸痛",)),
    (COUNTY, {**FILM, "study.urgency": "routine"}, "imaging", None, None, None, ()),
    (COUNTY, {**FILM, "study.urgency": "routine", "patient.age_years": 6.5}, "imaging", "urgent", None, None,
     ("儿童",)),
    (COUNTY, {**FILM, "study.modality": "CT", "study.body_part": "HEAD"}, "imaging", "emergency", None, 30, ()),
    (COUNTY, ECG, "ecg", None, None, None, ()),
    (COUNTY, {**ECG, "ecg.statements": ["急性前壁心肌梗死可能"]}, "ecg", None, "emergency", None, ("设备提示",)),
    (COUNTY, {**ECG, "ecg.heart_rate_bpm": 171.0, "arrival.hour": 3}, "ecg", None, "urgent", None,
     ("设备提示", "夜间")),
    (DEFAULT, FILM, "imaging", None, None, None, ()),
    (DEFAULT, {**ECG, "ecg.statements": ["*** ACUTE MI ***"]}, "ecg", None, "emergency", None, ("设备提示",)),
    (DEFAULT, {**ECG, "ecg.statements": ["ST段抬高"]}, "ecg", None, "emergency", None, ("设备提示",)),
])
def test_the_examples_decide_as_their_comments_say(text, facts, group, priority, raise_to, due_minutes, tags):
    outcome = decide(parse(text), facts, NOON)
    assert (outcome.group, outcome.priority, outcome.raise_to, outcome.due_minutes, outcome.tags) == (
        group, priority, raise_to, due_minutes, tags)
    assert not outcome.is_fallback


def test_every_rule_looked_at_is_told_with_every_condition_and_the_value_it_saw():
    outcome = decide(rules('{name: one, when: ["study.modality == \\"CT\\"", "arrival.hour > 8"], then: {group: a}}',
                           "{name: two, when: [], then: {group: b}}"), FILM, NOON)
    assert outcome.because == [
        {"rule": "one", "matched": False, "gives": {"group": "a"}, "conditions": [
            {"text": 'study.modality == "CT"', "holds": False, "seen": {"study.modality": "DX"}, "why": ""},
            {"text": "arrival.hour > 8", "holds": True, "seen": {"arrival.hour": 12}, "why": ""}]},
        {"rule": "two", "matched": True, "gives": {"group": "b"}, "conditions": []},
        {"rule": "duty", "matched": True, "gives": {"group": "b"}, "conditions": []},
    ]


def test_the_first_rule_that_names_a_thing_wins_and_tags_are_collected():
    outcome = decide(rules("{name: one, when: [], then: {priority: urgent, tags: [x]}}",
                           "{name: two, when: [], then: {group: a, priority: routine, due_minutes: 9, tags: [y, x]}}",
                           "{name: three, when: [], then: {group: b, due_minutes: 7, reader: demo-ecg}}"), FILM, NOON)
    assert (outcome.group, outcome.priority, outcome.due_minutes, outcome.reader, outcome.tags) == (
        "a", "urgent", 9, "demo-ecg", ("x", "y"))


def test_stop_ends_the_search_and_what_comes_after_is_not_looked_at():
    outcome = decide(rules("{name: one, when: [], then: {group: a}, stop: true}",
                           "{name: two, when: [], then: {priority: urgent}}"), FILM, NOON)
    assert outcome.priority is None
    assert [entry["rule"] for entry in outcome.because] == ["one", "duty"]


def test_a_study_that_no_rule_places_goes_to_the_fallback_and_says_so():
    for rule_set in (rules(fallback=", priority: urgent"),
                     rules("{name: one, when: [], then: {tags: [x]}}", fallback=", priority: urgent")):
        outcome = decide(rule_set, FILM, NOON)
        assert outcome.is_fallback
        assert (outcome.group, outcome.priority) == ("fallback", "urgent")
        assert outcome.because[-1]["rule"] == "fallback"


def test_a_named_reader_needs_no_group_and_is_no_fallback():
    outcome = decide(rules("{name: one, when: [], then: {reader: demo-ecg}}"), FILM, NOON)
    assert not outcome.is_fallback
    assert (outcome.reader, outcome.group) == ("demo-ecg", "fallback")


@pytest.mark.parametrize("condition", ["patient.age_years < 14.0", "!(patient.age_years < 14.0)",
                                       "ecg.statements.exists(s, s == 'x')", "ecg.heart_rate_bpm < 500.0"])
def test_a_fact_that_is_not_known_makes_its_condition_fail_and_is_told_as_not_known(condition):
    outcome = decide(rules(f'{{name: one, when: ["{condition}"], then: {{priority: urgent}}}}'),
                     {"study.kind": "ecg"}, NOON)
    [asked] = outcome.because[0]["conditions"]
    assert asked["holds"] is False
    assert list(asked["seen"].values()) == [None]
    assert asked["why"] == "unknown"


def test_what_is_known_can_decide_although_another_fact_is_missing():
    either = "study.kind == \"ecg\" || patient.age_years < 1.0"
    outcome = decide(rules(f"{{name: one, when: ['{either}'], then: {{group: a}}}}"), {"study.kind": "ecg"}, NOON)
    assert outcome.group == "a"


def test_a_condition_that_takes_too_long_is_cut_off_and_does_not_hold():
    text = "ecg.statements.exists(s, ecg.statements.exists(t, s + t == 'zz'))"
    outcome = decide(rules(f'{{name: one, when: ["{text}"], then: {{priority: urgent}}}}'),
                     {"ecg.statements": [str(n) for n in range(500)]}, NOON)
    [asked] = outcome.because[0]["conditions"]
    assert (asked["holds"], asked["why"]) == (False, "budget")


def test_a_division_by_nothing_is_told_as_an_error_and_stops_nothing():
    outcome = decide(rules("{name: one, when: ['1 / (arrival.hour - 12) > 0'], then: {group: a}}",
                           "{name: two, when: [], then: {group: b}}"), FILM, NOON)
    assert outcome.because[0]["conditions"][0]["why"] == "error"
    assert outcome.group == "b"


def test_a_measured_rule_raises_to_the_highest_asked_for():
    outcome = decide(rules("{name: one, when: ['ecg.qrs_ms > 1.0'], then: {priority: emergency}}",
                           "{name: two, when: ['ecg.qrs_ms > 2.0'], then: {priority: urgent}}",
                           "{name: three, when: [], then: {group: a, priority: routine}}"),
                     {"ecg.qrs_ms": 90.0}, NOON)
    assert (outcome.priority, outcome.raise_to) == ("routine", "emergency")


ROSTER = """\
  a:
    name: a
    cover: b
    hours:
      - {days: [mon, fri], from: "08:00", to: "18:00", members: [day]}
      - {days: [sun], from: "22:00", to: "06:00", members: [night]}
  b: {name: b, members: [always]}
  fallback: {name: f}
"""


@pytest.mark.parametrize(("when", "group", "duty"), [
    ("2026-03-02T08:00", "a", ("day",)), ("2026-03-02T17:59", "a", ("day",)), ("2026-03-02T18:00", "b", ("always",)),
    ("2026-03-01T22:00", "a", ("night",)), ("2026-03-02T05:59", "a", ("night",)),
    ("2026-03-02T06:00", "b", ("always",)),
    ("2026-03-03T05:59", "b", ("always",)),
])
def test_the_group_on_duty_has_the_study_and_its_cover_stands_in(when, group, duty):
    now = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    outcome = decide(rules("{name: one, when: [], then: {group: a}}", groups=ROSTER), FILM, now)
    assert (outcome.group, outcome.on_duty) == (group, duty)
    assert outcome.because[-1]["conditions"][0]["seen"] == {"on_duty": list(duty)}


def test_when_nobody_covers_the_group_itself_keeps_the_study():
    lonely = ROSTER.replace("    cover: b\n", "")
    outcome = decide(rules("{name: one, when: [], then: {group: a}}", groups=lonely), FILM,
                     NOON.replace(hour=3, day=4))
    assert (outcome.group, outcome.on_duty) == ("a", ())
    assert outcome.because[-1]["conditions"][0]["holds"] is False


def test_groups_that_cover_each_other_do_not_go_round_for_ever():
    circle = ('  a: {name: a, cover: b, hours: [{days: [sat], from: "08:00", to: "09:00", members: [x]}]}\n'
              '  b: {name: b, cover: a, hours: [{days: [sat], from: "08:00", to: "09:00", members: [y]}]}\n'
              "  fallback: {name: f}\n")
    assert decide(rules("{name: one, when: [], then: {group: b}}", groups=circle), FILM, NOON).group == "b"


def test_holes_are_the_exact_minutes_that_nobody_is_on_duty():
    group = rules(groups=ROSTER).groups["a"]
    minutes = 0
    for hole in holes(group):
        start, _, end = hole.split()[1].partition("-")
        minutes += int(end[:2]) * 60 + int(end[3:]) - int(start[:2]) * 60 - int(start[3:])
    empty = sum(on_duty(group, datetime(2026, 3, 2 + day, hour, minute, tzinfo=ZoneInfo("UTC"))) == ()
                for day in range(7) for hour in range(24) for minute in range(60))
    assert minutes == empty == 7 * 1440 - 2 * 600 - 480


def test_a_fact_that_nobody_declared_or_of_another_type_is_our_own_fault():
    wrong: tuple[Mapping[str, Any], ...]
    wrong = ({"study.colour": "red"}, {"patient.age_years": "40"}, {"arrival.hour": True},
             {"ecg.statements": [1]})
    for facts in wrong:
        with pytest.raises(UndeclaredFact):
            decide(rules(), facts, NOON)
    assert decide(rules("{name: one, when: ['patient.age_years > 39.5'], then: {group: a}}"),
                  {"patient.age_years": 40}, NOON).group == "a"


def test_every_fact_is_documented_in_both_languages_and_the_page_is_up_to_date():
    for fact in FACTS.values():
        assert fact.zh
        assert fact.en
        assert fact.source
    assert PAGE.read_text(encoding="utf-8") == reference_text()
