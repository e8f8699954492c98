"""`check` tells what a rule set says but cannot mean, at its place and with what to do (D1)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from routing_rules.evaluate import decide
from routing_rules.lint_people import DutyGap
from routing_rules.lint_traffic import is_matched
from routing_rules.model import Problem
from routing_rules.parse import check, parse
from tests.support import rule_sets as rule_sets_of_a_county
from tests.support.random_rules import facts, rule_sets

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEAD = """\
format: 1
title: t
calendars: {fair: [2026-05-01]}
groups: {imaging: {name: i}, night: {name: n}, ecg: {name: e}, fallback: {name: f}}
fallback: {group: fallback}
rules:
"""


def text_of(*rules: dict[str, Any]) -> str:
    """Each rule in four lines, the first in line 7: name, when, then, stop."""
    return HEAD + "".join(
        f"  - name: r{number}\n    when: {json.dumps(rule['when'], ensure_ascii=False)}\n"
        f"    then: {json.dumps(rule.get('then', {'tags': ['x']}))}\n"
        f"    stop: {json.dumps(rule.get('stop', False))}\n"
        for number, rule in enumerate(rules))


def place_of(text: str, words: str) -> tuple[int, int]:
    """Line and column (from 1) of the first place with these words."""
    before = text[:text.index(words)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def warned(*rules: dict[str, Any]) -> list[Problem]:
    found = check(text_of(*rules))
    assert all(problem.is_warning and problem.zh != problem.en for problem in found), found
    return found


@pytest.mark.parametrize(("when", "at", "zh", "en"), [
    (["patient.age_years > 65.0 && patient.age_years < 14.0"], "patient.age_years < ", "没有任何数值",
     "the range is empty"),
    (["patient.age_years > 65.0", "patient.age_years < 14.0"], "patient.age_years < ", "这条规则永远不成立",
     "see also line 8"),
    (["study.modality == 'CT'", "study.modality != 'CT'"], "study.modality !=", "不能同时成立",
     "cannot be true together"),
    (["arrival.hour > 25"], "arrival", "只能是 0 到 23", "is from 0 to 23"),
    (["arrival.hour >= 0"], "arrival", "总是成立", "always true (as soon as arrival.hour"),
    (["study.kind in ['image', 'ecg']"], "study", "总是成立", "always true"),
    (["true"], "true", "总是成立", "Delete it"),
    (["false"], "false", "永远不成立", "never true"),
    (["study.modality == 'CT' || arrival.hour > 25"], "arrival", "永远不成立", "never true"),
    (["study.modality == 'CT' && arrival.hour >= 0"], "arrival", "总是成立", "says nothing"),
    (["'market' in arrival.calendars"], "'market'", "没有「market」这个日历,已有:fair", "no calendar market"),
    (["load.waiting['imagin'] > 10"], "'imagin'", "没有「imagin」这个值班组", "no group imagin"),
])
def test_what_a_condition_cannot_mean_is_told_at_its_place(when, at, zh, en):
    [problem] = warned({"when": when})
    assert (problem.line, problem.column) == place_of(text_of({"when": when}), at)
    assert zh in problem.zh
    assert en in problem.en


def test_sound_conditions_are_left_alone():
    assert warned(
        {"when": ["arrival.hour >= 18 || arrival.hour < 8", 'study.description.contains("胸")',
                  "'fair' in arrival.calendars", "load.waiting['imaging'] > 10", "patient.age_years >= 14.0 && "
                  "patient.age_years < 65.0", "!arrival.is_holiday"]}) == []


@pytest.mark.parametrize(("earlier", "later", "by"), [
    ([(["study.modality in ['CT', 'MR']"], True)], ["study.modality == 'CT'", "patient.age_years < 14.0"], ["r0"]),
    ([(["study.kind == 'ecg'"], True), (["study.kind == 'image'"], True)],
     ["study.kind in ['ecg', 'image']", "patient.sex == 'M'"], ["r0", "r1"]),
    ([(["patient.age_years < 65.0"], True), (["patient.age_years >= 14.0"], True)], ["patient.age_years > 3.0"],
     ["r0", "r1"]),
    ([([], True)], ["study.description.contains('a')"], ["r0"]),
    ([(["prior.count > 3"], True)], ["prior.count >= 4", "arrival.is_holiday"],
     ["r0"]),
    ([(["study.modality in ['CT', 'MR']"], False)], ["study.modality == 'CT'"], []),
    ([(["study.modality == 'CT'", "patient.age_years < 14.0"], True)], ["study.modality == 'CT'"], []),
    ([(["study.modality == 'CT' || patient.age_years < 14.0"], True)], ["study.modality == 'CT'"], ["r0"]),
    ([(["arrival.hour >= 8"], True), (["arrival.hour < 8"], True)], ["study.modality == 'CT'"], []),   # not known
])
def test_a_rule_behind_a_stop_is_told_by_what_its_conditions_imply(earlier, later, by):
    found = warned(*({"when": when, "stop": stop} for when, stop in earlier), {"when": later})
    never = [problem for problem in found if problem.en.startswith("never reached")]
    if not by:
        assert never == []
        return
    [problem] = never
    assert problem.line == 7 + 4 * len(earlier)
    assert problem.column == 11
    for name in by:
        assert f"「{name}」" in problem.zh
        assert f'"{name}"' in problem.en


def test_two_rules_that_both_match_and_want_different_things_are_a_conflict_with_an_example():
    rules = ({"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}},
             {"when": ["arrival.hour >= 18 || arrival.hour < 8"], "then": {"tags": ["x"], "group": "night"}})
    [problem] = warned(*rules)
    assert (problem.line, problem.column) == place_of(text_of(*rules), '"group": "night"')
    assert "第 7 行的「r0」冲突" in problem.zh
    assert 'study.modality = "CT", arrival.hour = 18' in problem.zh
    assert "gives group imaging (not night)" in problem.en


@pytest.mark.parametrize(("first", "second"), [
    ({"when": ["study.modality == 'CT'", "study.body_part == 'HEAD'"], "then": {"group": "night"}},
     {"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}}),                    # a special case first
    ({"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}},
     {"when": ["study.modality == 'MR'"], "then": {"group": "night"}}),                      # never both
    ({"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}, "stop": True},
     {"when": ["arrival.hour >= 18"], "then": {"group": "night"}}),                          # the first one stops
    ({"when": ["study.modality == 'CT'"], "then": {"priority": "emergency"}},
     {"when": ["arrival.hour >= 18"], "then": {"priority": "urgent"}}),                      # the higher one wins
    ({"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}},
     {"when": ["arrival.hour >= 18"], "then": {"group": "imaging"}}),                        # the same
    ({"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}},
     {"when": ["study.kind == 'ecg'"], "then": {"group": "ecg"}}),                           # an ECG is no CT
    ({"when": ["arrival.hour >= 23", "study.modality == 'DX'"], "then": {"group": "night"}},
     {"when": ["study.kind == 'image'"], "then": {"group": "imaging"}}),                     # all DX are images
    ({"when": ["site.id == 'east'"], "then": {"group": "night"}},
     {"when": ["site.kind == 'township'"], "then": {"group": "imaging"}}),                   # one site of a kind
    ({"when": ["study.description.matches('^(a|b)+$')"], "then": {"group": "imaging"}},
     {"when": ["study.description.contains('zzz')"], "then": {"group": "ecg"}}),             # no example is found
])
def test_no_conflict_is_told_where_there_is_none_or_none_can_be_shown(first, second):
    assert warned(first, second) == []


def test_what_a_rule_gives_and_never_counts_is_told():
    [problem] = warned({"when": ["study.modality in ['CT', 'MR']"], "then": {"group": "imaging"}},
                       {"when": ["study.modality == 'CT'", "arrival.hour >= 18"], "then": {"group": "night"}})
    assert (problem.line, problem.column) == (13, 12)
    assert "永远不起作用" in problem.zh
    assert 'has its group from "r0"' in problem.en
    assert warned({"when": ["study.modality in ['CT', 'MR']"], "then": {"group": "imaging"}},
                  {"when": ["study.modality == 'CT'"], "then": {"group": "imaging", "tags": ["x"]}}) == []


@settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate],
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rule_sets(), st.lists(facts(), min_size=6, max_size=6))
def test_what_never_counts_can_be_taken_away_without_changing_any_outcome(source, several):
    text = json.dumps(source, indent=1)
    lines = text.splitlines()
    told = [problem for problem in check(text) if " never counts: " in problem.en]
    if not told:
        return
    places = {line: at for at, rule in enumerate(parse(text).rules) for line in range(rule.line, len(lines) + 1)}
    for problem in told:
        key = json.loads("{" + lines[problem.line - 1].split(":")[0] + ": 0}").popitem()[0]
        then = source["rules"][places[problem.line]]["then"]
        if key in then.get("due", {}):
            del then["due"][key]
            if not then["due"]:
                del then["due"]
        elif key in then:
            del then[key]
        then.setdefault("tags", [])
    without = json.dumps(source)
    for values in several:
        before, after = (decide(parse(each), values, NOON).as_json() for each in (text, without))
        assert before == after


def test_hours_that_no_group_covers_are_told_also_when_the_covering_group_has_the_same_hole():
    def groups(night_hours: str) -> str:
        day = '{from: "08:00", to: "20:00", members: [li]}'
        return text_of().replace("rules:\n", "rules: []\n").replace(
            "imaging: {name: i}, night: {name: n}",
            f"imaging: {{name: i, cover: night, hours: [{day}]}}, night: {{name: n, hours: [{night_hours}]}}")

    whole = '{from: "20:00", to: "08:00", members: [wang]}, {from: "08:00", to: "20:00", members: [wang]}'
    assert check(groups(whole)) == []
    found = check(groups('{from: "21:00", to: "20:00", members: [wang]}'))
    assert ["20:00-21:00" in problem.en for problem in found] == [True, True]


def test_hours_of_the_coming_weeks_without_anybody_by_the_dated_roster_are_told():
    gap = DutyGap("night", datetime(2026, 10, 1, 20, tzinfo=UTC), datetime(2026, 10, 2, 8, tzinfo=UTC))
    [problem] = check(text_of({"when": []}), duty_gaps=lambda rules: [gap] if "night" in rules.groups else [])
    assert (problem.line, problem.column) == place_of(HEAD, "night")
    assert "2026-10-01 20:00 – 10-02 08:00" in problem.zh
    assert problem.is_warning


def test_unknown_destinations_and_second_readers_are_errors():
    text = text_of({"when": [], "then": {"group": "imaging", "forwards": ["pacs", "upper"], "second_reader": "zhao"}})
    assert check(text) == []
    found = check(text, known_logins=["li"], known_destinations=["upper"])
    assert [(p.line, p.column) for p in found] == [place_of(text, '"pacs"'), place_of(text, '"zhao"')]
    assert not any(p.is_warning for p in found)
    assert "已有:upper" in found[0].zh
    assert check(text.replace("zhao", "night"), known_logins=[], known_destinations=["pacs", "upper"]) == []


def test_studies_of_the_last_weeks_that_no_rule_gives_to_anybody_are_counted():
    text = text_of({"when": ["study.modality == 'CT'"], "then": {"group": "imaging"}},
                   {"when": ["study.modality == 'US'"], "then": {"tags": ["x"]}})
    studies = [({"study.modality": modality, "site.id": "east"}, NOON) for modality in ("CT", "US", "DX", "DX")]
    [problem] = check(text, arrivals=studies)
    assert (problem.line, problem.column) == (5, 1)
    assert "最近的 4 例检查中,有 3 例" in problem.zh
    assert "2 of DX from east, 1 of US from east" in problem.en
    assert check(text, arrivals=studies[:1]) == []


@settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate],
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rule_sets(), st.lists(facts(), min_size=4, max_size=4))
def test_a_study_counts_as_unmatched_exactly_when_it_is_decided_by_fallback(source, several):
    rules = parse(json.dumps(source))
    for values in several:
        assert is_matched(rules, values, NOON) is not decide(rules, values, NOON).is_fallback


def test_two_hundred_rules_are_checked_while_one_types():
    """Measured 0.3 s of processor time; the bound leaves room for a slow machine."""
    text = rule_sets_of_a_county.rules(200, 3)
    began = time.process_time()
    assert not [problem for problem in check(text) if not problem.is_warning]
    assert time.process_time() - began < 2.0


def test_a_rule_set_made_to_be_slow_is_given_up_and_not_waited_for():
    wide = " && ".join(f"(patient.age_years == {n}.0 || study.instance_count == {n} || study.series_count == {n})"
                       for n in range(20))
    text = text_of(*({"when": [wide.replace("== 19", f"== {number}")], "then": {"group": "imaging"}, "stop": True}
                     for number in range(20, 100)))
    began = time.process_time()
    check(text)
    assert time.process_time() - began < 20.0
