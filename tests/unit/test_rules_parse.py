"""A rule set with a fault is refused, and told where and why, in Chinese and English (D1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing_rules.model import InvalidRules
from routing_rules.parse import check, parse

SOUND = """\
format: 1
title: 试验
groups:
  imaging: {name: 影像}
  ecg: {name: 心电, members: [demo-ecg]}
  fallback: {name: 兜底}
fallback: {group: fallback}
rules:
  - name: 胸片
    when:
      - study.modality == "DX"
      - patient.age_years >= 65.0
    then: {group: imaging, priority: urgent}
"""


def places(text, **known):
    return [(p.line, p.column) for p in check(text, **known)]


def only(text, **known):
    [problem] = check(text, **known)
    assert problem.zh
    assert problem.en
    assert problem.zh != problem.en
    return problem


def test_a_sound_rule_set_has_no_problems_and_parses():
    assert check(SOUND) == []
    rules = parse(SOUND)
    assert [rule.name for rule in rules.rules] == ["胸片"]
    assert rules.rules[0].conditions[1].facts == ("patient.age_years",)
    assert rules.groups["ecg"].members == ("demo-ecg",)


@pytest.mark.parametrize(("old", "new", "line", "column", "says"), [
    ("study.modality ==", "study.modalty ==", 11, 9, "study.modality"),            # unknown fact, with a suggestion
    ("65.0", "65", 12, 27, "65.0"),                                                # double and int do not compare
    ('== "DX"', '==', 11, 26, "syntax"),
    ('study.modality == "DX"', "study.instance_count + 1", 11, 9, "true or false"),  # the result must be bool
    ("group: imaging,", "group: imagin,", 13, 19, "imagin"),                       # unknown group
    ("priority: urgent", "priority: soon", 13, 38, "soon"),
    ("priority: urgent", "urgency: urgent", 13, 28, "urgency"),                    # unknown key: at the key
    ("{group: imaging, priority: urgent}", "{}", 13, 11, "at least one"),
    ("{group: imaging, priority: urgent}", "{due_minutes: 0}", 13, 25, "at least 1"),
    ("{group: imaging, priority: urgent}", "{due_minutes: soon}", 13, 25, "whole number"),
    ("format: 1", "format: 2", 1, 9, "1"),
    ("title: 试验\n", "", 1, 1, "title"),
    ("  ecg: {", "  ECG: {", 5, 3, "ECG"),                                         # a group's name
    ("members: [demo-ecg]", "members: demo-ecg", 5, 28, "list"),
    ("title: 试验", "title: [", 4, 10, "YAML"),
    ("title: 试验", "format: 1", 2, 1, "duplicate"),
    ('- study.modality == "DX"', '- study.urgency == "emergncy"', 11, 26, "emergency"),   # can never be so
    ('- study.modality == "DX"', "- '\"急诊\" == study.modalty'", 11, 18, "study.modality"),
    ('- study.modality == "DX"', '- |\n        true &&\n        study.kindd == "ecg"', 13, 9, "study.kind"),
])
def test_every_error_has_line_column_and_a_sentence(old, new, line, column, says):
    assert old in SOUND
    problem = only(SOUND.replace(old, new, 1))
    assert (problem.line, problem.column) == (line, column)
    assert says in problem.en
    assert not problem.is_warning


def test_all_errors_are_told_at_once_in_the_order_of_the_file():
    text = SOUND.replace("65.0", "65").replace("study.modality", "study.modalty").replace("imaging,", "imagin,")
    assert places(text) == [(11, 9), (12, 27), (13, 19)]
    with pytest.raises(InvalidRules) as caught:
        parse(text)
    assert len(caught.value.problems) == 3
    assert str(caught.value).startswith("11:9: ")


@pytest.mark.parametrize("given", ["", "- 1", "42", "a: [", "\x00", "&a [*a]", "x: !!python/object:os.system {}"])
def test_what_is_no_rule_set_at_all_is_an_error_and_not_a_crash(given):
    assert check(given)
    assert all(p.line >= 1 and p.column >= 1 for p in check(given))


def test_a_file_that_grows_by_aliases_is_refused_before_it_grows():
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert "aliases" in only("l0: &l0 [x]\n" + levels).en


def test_a_file_that_is_nested_without_end_is_refused():
    assert "deep" in only("[" * 20_000).en


@pytest.mark.parametrize(("then", "column"), [
    ("{group: imaging}", 12), ("{reader: demo-ecg}", 12), ("{due_minutes: 5}", 12),
])
def test_a_rule_on_device_measurements_may_only_raise_priority(then, column):
    """K3: the cart's own numbers and statements never choose who reads."""
    text = SOUND + f"  - name: 心率\n    when: [ecg.heart_rate_bpm > 140.0]\n    then: {then}\n"
    problem = only(text)
    assert (problem.line, problem.column) == (16, column)
    assert "only raise" in problem.en


@pytest.mark.parametrize("asked", ["ecg . heart_rate_bpm > 140.0", "ecg.statements.exists(s, s == 'x')",
                                   "size(ecg.statements) > 0", "!(ecg.qrs_ms < 120.0)"])
def test_no_way_of_writing_hides_a_measurement(asked):
    text = SOUND + f'  - name: 心率\n    when: ["{asked}"]\n    then: {{priority: urgent}}\n'
    assert check(text) == []
    assert parse(text).rules[-1].is_measured
    assert check(text + "    stop: true\n"), "a measured rule that stops would silence the rules below it"


def test_a_name_in_quotes_is_not_a_measurement():
    text = SOUND.replace('study.modality == "DX"', 'study.description == "ecg.heart_rate_bpm"')
    assert parse(text).rules[0].conditions[0].facts == ("study.description",)


def test_a_rule_that_nothing_reaches_is_a_warning():
    stopping = "  - name: 全部\n    when: []\n    then: {group: ecg}\n    stop: true\n"
    last = "  - name: 最后\n    when: [study.kind == 'ecg']\n    then: {group: ecg}\n"
    problem = only(SOUND + stopping + last)
    assert problem.is_warning
    assert (problem.line, problem.column) == (18, 11)
    assert "全部" in problem.en
    assert parse(SOUND + stopping + last)


def test_a_hole_in_the_roster_is_a_warning_unless_another_group_covers_it():
    hours = "ecg: {name: 心电, hours: [{days: [mon], from: '08:00', to: '20:00', members: [demo-ecg]}]}"
    text = SOUND.replace("ecg: {name: 心电, members: [demo-ecg]}", hours)
    problem = only(text)
    assert problem.is_warning
    assert "mon 00:00-08:00, mon 20:00-24:00, tue 00:00-24:00" in problem.en
    assert check(text.replace("hours:", "cover: imaging, hours:")) == []


def test_unknown_people_are_errors_and_unknown_sites_warnings_where_they_are_known():
    text = SOUND.replace("65.0", '65.0 && site.id in ["east", "nowhere"]')
    assert check(text) == []
    person, place = check(text, known_logins=["someone"], known_sites=["east"])
    assert "demo-ecg" in person.en
    assert not person.is_warning
    assert "nowhere" in place.en
    assert place.is_warning
    assert text.splitlines()[place.line - 1][place.column - 1:].startswith('"nowhere"')


def test_two_rules_of_one_name_are_an_error():
    assert only(SOUND + "  - name: 胸片\n    when: []\n    then: {group: ecg}\n").line == 14


def test_the_shipped_rule_sets_have_no_problems():
    for path in Path("routing_rules/examples").glob("*.yaml"):
        assert check(path.read_text(encoding="utf-8")) == [], path
