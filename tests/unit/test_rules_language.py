"""What a rule may say beyond a group: stages, second reader, forwards, notices, holding, overflow, calendars (D1)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from routing_rules.evaluate import decide
from routing_rules.facts import FACTS, UndeclaredFact, checked
from routing_rules.model import InvalidRules, Notify, Overflow
from routing_rules.parse import parse
from routing_rules.shape import SCHEMA
from routing_rules.then_words import THEN_WORDS

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
HEAD = ("format: 1\ntitle: t\ncalendars:\n  fair: [2026-03-01..2026-03-03, 12-30..01-02, 2026-05-05]\n"
        "groups:\n  a: {name: a, members: [x, y], head: [y], reoffer_minutes: 10, assign: least-loaded}\n"
        "  b: {name: b}\n  f: {name: f}\nfallback: {group: f}\nrules:\n")


def asked(*entries: str, facts=None, duty=None):
    rules = parse(HEAD + "".join(f"  - {entry}\n" for entry in entries))
    return decide(rules, facts or {"study.kind": "image"}, NOON, duty)


def refused(entry: str, head: str = HEAD) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        parse(f"{head}  - {entry}\n")
    return [problem.en for problem in caught.value.problems]


def test_a_rule_says_all_it_may():
    outcome = asked(
        "{name: one, when: [], then: {group: a, second_reader: b, due: {arrive: 5, claim: 10, review: 60}, "
        "forwards: [city], notify: [{who: head, when: breach}], hold: {until: '18:00'}, "
        "overflow: {group: b, after_minutes: 20}, tags: [t]}}")
    assert outcome.as_json() == {
        "group": "a", "is_fallback": False, "reader": None, "second_reader": "b", "priority": None, "raise_to": None,
        "due_minutes": 60, "due": {"arrive": 5, "claim": 10, "review": 60}, "forwards": ["city"], "tags": ["t"],
        "notify": [{"who": "head", "when": "breach"}], "hold_until": "18:00",
        "overflow": {"group": "b", "after_minutes": 20}, "assign": "least-loaded", "on_duty": ["x", "y"]}
    assert outcome.because[0]["gives"]["due"] == {"arrive": 5, "claim": 10}


def test_each_stage_comes_from_the_first_rule_that_names_it_and_lists_are_collected():
    outcome = asked("{name: one, when: [], then: {due: {claim: 3}, forwards: [p], "
                    "notify: [{who: group, when: routed}]}}",
                    "{name: two, when: [], then: {group: a, due_minutes: 90, due: {claim: 9, open: 7}, "
                    "forwards: [q, p]}}",
                    "{name: three, when: [], then: {due_minutes: 1, overflow: {group: b, after_minutes: 5}}}")
    assert outcome.due == {"claim": 3, "review": 90, "open": 7}
    assert outcome.forwards == ("p", "q")
    assert (outcome.notify, outcome.overflow) == ((Notify("group", "routed"),), Overflow("b", 5))


@pytest.mark.parametrize(("more", "urgency", "held"), [
    ("", "routine", True), ("", "urgent", False), ("", "emergency", False), (", priority: urgent", "routine", False),
    (", priority: routine", "emergency", True)])
def test_nothing_urgent_is_held_back_and_the_reason_is_told(more, urgency, held):
    outcome = asked(f"{{name: one, when: [], then: {{group: a, hold: {{until: '18:00'}}{more}}}}}",
                    facts={"study.kind": "image", "study.urgency": urgency})
    assert outcome.hold_until == ("18:00" if held else None)
    assert [entry["matched"] for entry in outcome.because if entry["rule"] == "hold"] == [held]


def test_what_nobody_planned_for_is_not_held_either():
    assert asked("{name: one, when: [], then: {hold: {until: '18:00'}}}").hold_until is None


def test_a_raised_ecg_is_not_held():
    outcome = asked("{name: m, when: ['ecg.heart_rate_bpm > 150.0'], then: {priority: urgent}}",
                    "{name: one, when: [], then: {group: a, hold: {until: '18:00'}}}",
                    facts={"ecg.heart_rate_bpm": 180.0, "study.urgency": "routine"})
    assert (outcome.raise_to, outcome.hold_until) == ("urgent", None)


@pytest.mark.parametrize("key", sorted(set(SCHEMA["$defs"]["rule"]["properties"]["then"]["properties"])
                                       - {"priority", "tags"}))
def test_a_rule_on_measured_values_may_do_nothing_but_raise_and_tag(key):
    """K3."""
    value = {"group": "a", "reader": "x", "second_reader": "x", "due_minutes": 5, "due": "{claim: 5}",
             "forwards": "[city]", "notify": "[{who: group, when: routed}]", "hold": "{until: '18:00'}",
             "overflow": "{group: b, after_minutes: 5}"}[key]
    told = refused(f"{{name: one, when: ['ecg.qrs_ms > 120.0'], then: {{{key}: {value}}}}}")
    assert told == [f"a rule that asks a device's measurement or statement may only raise priority, not set {key}"]


@pytest.mark.parametrize(("entry", "why"), [
    ("{name: o, when: [], then: {due_minutes: 5, due: {review: 6}}}", "are the same clock"),
    ("{name: o, when: [], then: {due: {sometime: 6}}}", "unknown key sometime"),
    ("{name: o, when: [], then: {due: {claim: 0}}}", "at least 1"),
    ("{name: o, when: [], then: {overflow: {group: nowhere, after_minutes: 5}}}", "there is no group nowhere"),
    ("{name: o, when: [], then: {hold: {until: '25:00'}}}", "not written like"),
    ("{name: o, when: [], then: {notify: [{who: everyone, when: routed}]}}", "cannot be everyone"),
    ("{name: o, when: [], then: {notify: [{who: head}]}}", "when is missing"),
    ("{name: o, when: [], then: {forwards: []}}", "must not be empty"),
])
def test_what_a_rule_says_wrongly_is_told(entry, why):
    assert any(why in told for told in refused(entry))


@pytest.mark.parametrize(("days", "why"), [
    ("[2026-02-30]", "there is no day 2026-02-30"), ("['2026-02-30']", "there is no day 2026-02-30"),
    ("[2026-03-01T25:00:00]", "not valid YAML"), ("[13-01]", "there is no day 13-01"),
    ("[2026-03-05..2026-03-01]", "no day at all"), ("[tomorrow]", "not written like")])
def test_a_calendar_names_real_days(days, why):
    head = HEAD.replace("[2026-03-01..2026-03-03, 12-30..01-02, 2026-05-05]", days)
    assert any(why in told for told in refused("{name: o, when: [], then: {group: a}}", head))


@pytest.mark.parametrize(("date", "is_fair"), [
    ("2026-02-28", False), ("2026-03-01", True), ("2026-03-03", True), ("2026-03-04", False), ("2026-05-05", True),
    ("2026-12-31", True), ("2031-01-02", True), ("2031-01-03", False), ("2027-05-05", False)])
def test_the_rule_sets_own_calendars_can_be_asked(date, is_fair):
    outcome = asked("{name: one, when: ['\"fair\" in arrival.calendars'], then: {group: a}}",
                    facts={"arrival.date": date})
    assert outcome.is_fallback is not is_fair


def test_load_and_presence_are_counted_for_every_group_of_the_rule_set():
    rule = "{{name: one, when: ['{0}'], then: {{group: a}}}}"
    busy = {"load.waiting": {"b": 12, "gone": 3}, "presence.away": ["y"]}
    assert not asked(rule.format('load.waiting["b"] > 10'), facts=busy).is_fallback
    assert not asked(rule.format('load.waiting["a"] < 1'), facts=busy).is_fallback, "nobody waits there: 0"
    assert not asked(rule.format('presence.on_duty["a"] == 1'), facts=busy).is_fallback
    assert not asked(rule.format('presence.on_duty["a"] == 0'), facts=busy, duty={"a": ("y",)}).is_fallback
    unknown = asked(rule.format('load.waiting["nowhere"] >= 0'), facts=busy)
    assert unknown.because[0]["conditions"][0]["holds"] is False


@pytest.mark.parametrize(("name", "value"), [
    ("patient.age_years", float("nan")), ("site.distance_km", float("inf")), ("arrival.is_holiday", 1),
    ("arrival.hour", True), ("load.waiting", {"a": 1.5}), ("load.waiting", ["a"]), ("arrival.calendars", ["fair"]),
    ("study.quality", "no_order"), ("nothing.such", 1)])
def test_a_value_that_does_not_fit_its_declaration_is_refused(name, value):
    with pytest.raises(UndeclaredFact):
        checked({name: value})


def test_every_fact_and_every_action_is_told_in_both_languages():
    for fact in FACTS.values():
        assert any("一" <= letter <= "鿿" for letter in fact.zh), fact.name
        assert fact.en.isascii(), fact.name
        assert fact.source, fact.name
    assert set(THEN_WORDS) == set(SCHEMA["$defs"]["rule"]["properties"]["then"]["properties"])
    assert set(SCHEMA["$defs"]["fact"]["enum"]) == set(FACTS)
