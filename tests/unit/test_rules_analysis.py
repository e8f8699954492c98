"""What `check` claims of conditions agrees with the runtime that evaluates them, whatever is written (D1)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from routing_rules.analysis import Analysis, covers, tree_of_condition
from routing_rules.conditions import activation, ask, compile_condition
from routing_rules.evaluate import decide
from routing_rules.facts import FactValue
from routing_rules.model import Condition
from routing_rules.parse import check, parse
from tests.support.random_rules import conditions, facts, known_facts, measured_conditions, rule_sets

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PATIENT = settings(max_examples=80, deadline=None, derandomize=True, phases=[Phase.generate],
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
ANY = st.one_of(conditions, measured_conditions)


def compiled(text: str) -> Condition:
    condition = compile_condition(text)
    assert isinstance(condition, Condition), (text, condition)
    return condition


def analysed(*rules: list[str]) -> Analysis:
    return Analysis([[compiled(text) for text in rule] for rule in rules])


def holds(texts: list[str], values: dict[str, FactValue]) -> bool:
    prepared = activation(values)
    return all(ask(compiled(text), values, prepared).holds for text in texts)


@pytest.mark.parametrize("text", [
    "patient.age_years > 65.0 && patient.age_years < 14.0", 'study.modality == "CT" && study.modality != "CT"',
    'study.kind != "ecg" && !(study.kind == "image")', "size(ecg.statements) < 0",
    'ecg.statements.exists(s, s == "x") && !ecg.statements.exists(s, s == "x")',
    '(study.kind == "ecg") == false && study.kind == "ecg"', "false", "study.instance_count > 3 && "
    "study.instance_count < 4", 'study.kind.startsWith("x")', 'study.modality in ["CT"] && study.modality == "MR"',
    'study.modality == "CT" ? study.modality == "MR" : study.modality == "CT"', "arrival.hour >= 18 && "
    "!(arrival.hour > 17)", 'study.kind == "ecg" && (false || study.kind == "image")',
])
def test_what_can_never_be_true_is_found(text):
    assert analysed([text]).is_never(tree_of_condition(compiled(text)))


@pytest.mark.parametrize("text", [
    "patient.age_years > 3.0 && patient.age_years < 4.0", "arrival.hour >= 18 || arrival.hour < 8",
    'study.description.contains("a") && !study.description.contains("b")', "patient.age_years / 0.0 > 1.0",
    'study.description == "x" && study.description.contains("x")', "study.instance_count / arrival.hour > 1",
    "!(patient.age_years / patient.age_years > 1.0) && !(patient.age_years / patient.age_years <= 1.0)",    # NaN
    '"ECG" in ecg.statements && !("x" in ecg.statements)', 'study.modality == "" || study.modality == "CT"',
])
def test_what_can_be_true_is_never_called_impossible(text):
    analysis = analysed([text])
    assert not analysis.is_never(tree_of_condition(compiled(text)))
    assert not analysis.is_always(tree_of_condition(compiled(text)))


@pytest.mark.parametrize("text", [
    "patient.age_years > 65.0 || patient.age_years <= 65.0", "true", 'study.kind in ["image", "ecg"]',
    '!(study.modality == "CT") || !(study.modality == "MR")', "size(study.description) >= 0 || true",
])
def test_what_says_nothing_is_found(text):
    assert analysed([text]).is_always(tree_of_condition(compiled(text)))


@PATIENT
@given(st.lists(ANY, min_size=1, max_size=3), st.lists(facts(), min_size=8, max_size=8))
def test_a_rule_called_impossible_holds_for_no_study(texts, several):
    analysis = analysed(texts)
    if not analysis.may_hold[0]:
        assert not any(holds(texts, values) for values in several)


@PATIENT
@given(st.one_of(ANY, ANY.map(lambda text: f"({text}) || !({text})")), st.lists(known_facts, min_size=8, max_size=8))
def test_a_condition_called_always_true_holds_for_every_study_whose_facts_are_known(text, several):
    if analysed([text]).is_always(tree_of_condition(compiled(text))):
        assert all(holds([text], values) for values in several)


@PATIENT
@given(st.lists(st.lists(ANY, max_size=2), min_size=1, max_size=4), st.lists(ANY, max_size=3),
       st.lists(facts(), min_size=8, max_size=8))
def test_what_is_called_covered_holds_only_where_one_of_the_covering_rules_does(outer, inner, several):
    analysis = analysed(*outer, inner)
    if covers((box for boxes in analysis.surely_holds[:-1] for box in boxes), analysis.may_hold[-1]):
        for values in several:
            assert not holds(inner, values) or any(holds(texts, values) for texts in outer)


@settings(PATIENT, max_examples=40)
@given(rule_sets(), st.lists(facts(), min_size=6, max_size=6))
def test_a_rule_called_never_reached_changes_nothing_when_it_is_taken_away(source, several):
    text = json.dumps(source, indent=1)
    lines = {problem.line for problem in check(text) if problem.en.startswith("never reached")}
    named = {rule.name for rule in parse(text).rules if rule.line in lines or rule.line + 1 in lines}
    assert len(named) == len(lines)
    without = json.dumps({**source, "rules": [rule for rule in source["rules"] if rule["name"] not in named]})
    for values in several if named else ():
        before, after = (decide(parse(each), values, NOON).as_json() for each in (text, without))
        assert before == after
