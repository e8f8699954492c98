"""The form writes the same file that others edit as text, and touches only what it changes (D1)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from routing_rules.conditions import activation, ask, compile_condition
from routing_rules.edit import EditRefused, FormCondition, RuleForm, moved, rule_forms, with_rule, without_rule
from routing_rules.edit_conditions import cel_of, form_of
from routing_rules.model import Condition, InvalidRules
from routing_rules.parse import check, parse
from routing_rules.positions import read_document
from tests.support.random_rules import conditions, facts, measured_conditions, rules
from tests.support.rules_files import examples

PATIENT = settings(max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate],
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

MESSY = """\
# 本县规则 — edited by hand
format: 1
title:   "试验 'x'"        # the title
groups:
    imaging: {name: 影像,   members: [li,   "wang"]}
    night:
        name: 夜班
    fallback: {name: 兜底}
fallback: { group : fallback }
rules:

    # about the first rule
    # (two lines)
    -   name: "DR 白天"
        when:   # conditions
        -   study.modality in ['DX', "CR"]   # both are DR here

        # the hour
        -   'arrival.hour >= 8 && arrival.hour < 18'
        -   >-
            study.description.contains("胸")
            || study.description.contains("肺")
        then: {group: imaging,   priority: urgent}   # to imaging
        stop: false

    -   stop: true
        name: DR 夜间
        when: [ study.modality == "DX" , "arrival.hour >= 18 || arrival.hour < 8" ]
        then:
            # who
            group: night
            tags:
            - 夜间     # kept
            - x
            due:
                claim: 10     # minutes
                write: 30


    # about the last rule
    -   name: |-
            其余
        when: []
        then:
          group: imaging
# the end
"""
FLOW = json.dumps({**read_document(MESSY).value, "title": "flow"}, ensure_ascii=False)
FLOW_LINES = json.dumps({**read_document(MESSY).value, "title": "flow"}, ensure_ascii=False, indent=2)
TEXTS = {**examples(), "messy": MESSY, "flow": FLOW, "flow on lines": FLOW_LINES,
         "crlf": MESSY.replace("\n", "\r\n"), "no last line break": MESSY.removesuffix("# the end\n").rstrip("\n"),
         "no rules": MESSY[:MESSY.index("rules:")] + "rules: []   # none yet\n# end\n"}


def rules_of(text: str) -> Any:
    return read_document(text).value["rules"]


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines between the common beginning and the common end."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return old, new


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_forms_given_back_unchanged_leave_the_text_identical(text):
    for index, form in enumerate(rule_forms(text)):
        assert form.index == index
        assert with_rule(text, index, form) == text
        assert moved(text, index, index) == text


def test_after_18_dr_goes_to_the_duty_group():
    """The sentence of a head of department: after 18:00 DR goes to the duty group."""
    form = RuleForm("18 点后 DR 归值班组", (
        FormCondition("study.modality", "one_of", ["DX", "CR"]),
        FormCondition("arrival.hour", "between", [18, 8])), {"group": "night"}, stop=True)
    text = with_rule(MESSY, None, form)
    assert changed_lines(MESSY, text) == ([], [
        "",
        "    - name: 18 点后 DR 归值班组", "      when:",
        '        - study.modality in ["DX", "CR"]', "        - arrival.hour >= 18 || arrival.hour < 8",
        "      then:", "        group: night", "      stop: true"])
    again = rule_forms(text)[-1]
    assert [(c.fact, c.operator, c.value) for c in again.conditions] == [
        ("study.modality", "one_of", ["DX", "CR"]), ("arrival.hour", "between", [18, 8])]
    earlier = with_rule(text, 3, replace(again, conditions=(
        again.conditions[0], FormCondition("arrival.hour", "between", [17, 8]))))
    assert changed_lines(text, earlier) == (["        - arrival.hour >= 18 || arrival.hour < 8"],
                                            ["        - arrival.hour >= 17 || arrival.hour < 8"])
    assert parse(earlier).rules[-1].group == "night"


def test_one_changed_condition_changes_one_line_and_keeps_its_comment():
    form = rule_forms(MESSY)[0]
    assert [c.operator for c in form.conditions] == ["one_of", "between", "contains"]
    assert form.conditions[2].value == ["胸", "肺"]
    first = FormCondition("study.modality", "is", "DX")
    assert changed_lines(MESSY, with_rule(MESSY, 0, replace(form, conditions=(first, *form.conditions[1:])))) == (
        ["""        -   study.modality in ['DX', "CR"]   # both are DR here"""],
        ["""        -   study.modality == "DX"   # both are DR here"""])


def test_a_condition_the_form_cannot_show_stays_as_it_is_written():
    odd = 'study.description.matches("(?i)chest")   ||   patient.age_years<3.0'
    text = MESSY.replace("arrival.hour >= 8 && arrival.hour < 18", odd)
    form = rule_forms(text)[0]
    assert not form.conditions[1].is_form
    assert (form.conditions[1].fact, form.conditions[1].value) == ("", odd)
    changed = with_rule(text, 0, replace(form, conditions=form.conditions[1:], then={"group": "night"}))
    assert odd in changed
    assert rules_of(changed)[0]["when"] == rules_of(text)[0]["when"][1:]


def test_what_is_given_can_be_changed_added_and_taken_away_in_place():
    form = rule_forms(MESSY)[1]
    then = {"group": "night", "tags": ["夜间", "z"], "due": {"claim": 15, "review": 60}, "hold": {"until": "22:00"}}
    assert changed_lines(MESSY, with_rule(MESSY, 1, replace(form, then=then, stop=False))) == (
        ["    -   stop: true", "        name: DR 夜间",
         '        when: [ study.modality == "DX" , "arrival.hour >= 18 || arrival.hour < 8" ]', "        then:",
         "            # who", "            group: night", "            tags:", "            - 夜间     # kept",
         "            - x", "            due:", "                claim: 10     # minutes",
         "                write: 30"],
        ["    -   stop: false", "        name: DR 夜间",
         '        when: [ study.modality == "DX" , "arrival.hour >= 18 || arrival.hour < 8" ]', "        then:",
         "            # who", "            group: night", "            tags:", "            - 夜间     # kept",
         "            - z", "            due:", "                claim: 15     # minutes",
         "                review: 60", '            hold: {until: "22:00"}'])


def test_a_moved_rule_takes_its_comments_along_and_leaves_the_others():
    first = moved(MESSY, 2, 0)
    assert "rules:\n\n    # about the last rule\n    -   name: |-\n            其余\n" in first
    assert "    # about the first rule\n    # (two lines)\n    -   name: \"DR 白天\"\n" in first
    assert [rule["name"] for rule in rules_of(first)] == ["其余", "DR 白天", "DR 夜间"]
    assert sorted(filter(str.strip, first.splitlines())) == sorted(filter(str.strip, MESSY.splitlines()))


def test_a_rule_taken_out_takes_its_own_comments_and_no_other_line():
    text = without_rule(MESSY, 2)
    assert "about the last rule" not in text
    assert "# the end" in text
    assert changed_lines(MESSY, text)[1] == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_rule_can_be_added_taken_out_and_moved_in_every_way_of_writing(text):
    before = rules_of(text)
    new = RuleForm("新 #1: 'x'", (FormCondition("study.description", "contains", 'a "b" \\ #'),),
                   {"group": "imaging", "notify": [{"who": "clinic", "when": "breach"}]})
    added = with_rule(text, None, new)
    assert rules_of(added)[:-1] == before
    assert rules_of(added)[-1]["name"] == "新 #1: 'x'"
    assert rule_forms(added)[-1].conditions[0].value == 'a "b" \\ #'
    assert rules_of(without_rule(added, len(before))) == before
    for index in range(len(before)):
        assert rules_of(without_rule(text, index)) == before[:index] + before[index + 1:]
        for to in sorted({0, (index + 2) % len(before), len(before) - 1}):
            wanted = list(before)
            wanted.insert(to, wanted.pop(index))
            assert rules_of(moved(text, index, to)) == wanted


@pytest.mark.parametrize("form", [
    FormCondition("study.modalty", "is", "CT"), FormCondition("study.modality", "like", "CT"),
    FormCondition("study.modality", "at_least", "CT"), FormCondition("patient.age_years", "is", "old"),
    FormCondition("patient.age_years", "between", [65, 14]), FormCondition("arrival.hour", "between", [8, 8]),
    FormCondition("arrival.hour", "is", 8.5), FormCondition("ecg.statements", "is", "x"),
    FormCondition("study.modality", "one_of", []), FormCondition("study.modality", "any_contains", "x"),
    FormCondition("", "text", "  "), FormCondition("arrival.hour", "is", True),
])
def test_a_form_that_makes_no_sense_is_refused_in_words(form):
    with pytest.raises(EditRefused) as refused:
        cel_of(form)
    assert refused.value.zh != refused.value.en


def test_a_rule_that_is_not_there_or_says_nothing_is_refused():
    form = rule_forms(MESSY)[0]
    for wrong in (lambda: with_rule(MESSY, 7, form), lambda: without_rule(MESSY, -1), lambda: moved(MESSY, 0, 3),
                  lambda: with_rule(MESSY, 0, replace(form, then={})),
                  lambda: with_rule(MESSY, 0, replace(form, name=" "))):
        with pytest.raises(EditRefused):
            wrong()
    with pytest.raises(InvalidRules):
        rule_forms("rules: 5")


@PATIENT
@given(st.one_of(conditions, measured_conditions), st.lists(facts(), min_size=4, max_size=4))
def test_a_form_says_exactly_what_its_condition_says(text, several):
    form = form_of(text)
    again = cel_of(form)
    assert form.is_form or again == text
    one, other = compile_condition(text), compile_condition(again)
    assert isinstance(one, Condition)
    assert isinstance(other, Condition)
    for values in several:
        prepared = activation(values)
        assert ask(one, values, prepared).holds == ask(other, values, prepared).holds


@PATIENT
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_a_random_edit_gives_exactly_what_was_asked_and_leaves_the_lines_of_other_rules(name, data):
    text = TEXTS[name]
    forms = rule_forms(text)
    index = data.draw(st.integers(0, len(forms) - 1)) if forms else None
    wish = data.draw(rules())
    kept = forms[index].conditions if index is not None else ()
    chosen = [kept[at] for at in data.draw(st.permutations(range(len(kept))))[:data.draw(st.integers(0, len(kept)))]]
    form = RuleForm(data.draw(st.sampled_from(("x", "a: b", "是 #1", "- y", "12", "no"))),
                    (*chosen, *(FormCondition("", "text", each) for each in wish["when"])),
                    wish["then"], wish.get("stop", False))
    text_after = with_rule(text, index, form)
    entries, after = rules_of(text), rules_of(text_after)
    at = len(entries) if index is None else index
    assert after[:at] + after[at + 1:] == entries[:at] + entries[at + 1:]
    assert after[at]["name"] == form.name
    assert after[at]["when"] == [c.text or c.value for c in form.conditions]
    assert after[at]["then"] == form.then
    assert after[at].get("stop", False) == form.stop
    if index is not None and not name.startswith("flow"):
        place = read_document(text).place(("rules", index)).line - 1
        following = read_document(text).place(("rules", index + 1)).line - 2 if index + 1 < len(entries) else None
        assert text_after.splitlines()[:place] == text.splitlines()[:place]
        if following is not None:
            unchanged = text.splitlines()[following:]
            assert text_after.splitlines()[-len(unchanged):] == unchanged


def test_an_edited_file_is_checked_like_any_other():
    form = rule_forms(MESSY)[0]
    broken = with_rule(MESSY, 0, replace(form, then={"group": "nobody"}))
    assert [problem.line for problem in check(broken) if not problem.is_warning] == [23]
