"""The reasons of a decision are kept without repeating themselves, and come back as they were."""

from __future__ import annotations

import json

import pytest

from routing_rules.evaluate import decide
from routing_rules.parse import parse
from storage.tables.packed_reasons import packed, unpacked
from tests.support import rule_sets


@pytest.mark.parametrize("number", range(5))
def test_what_is_kept_is_what_was_said(number):
    because = decide(parse(rule_sets.rules(60)), rule_sets.facts(number), rule_sets.local_now(number)).because
    kept = json.loads(json.dumps(packed(because)))
    assert unpacked(kept) == because


def test_a_condition_that_many_rules_ask_is_kept_once():
    rules = parse(rule_sets.rules(400, with_stops=False))
    because = decide(rules, rule_sets.facts(1), rule_sets.local_now(1)).because
    assert len(json.dumps(packed(because))) < 0.5 * len(json.dumps(because))


@pytest.mark.parametrize("reasons", [
    [], [{"rule": "r", "matched": True}], [{"rule": "r", "matched": True, "conditions": [{"text": "t"}]}],
    [{"rule": "r", "matched": False, "conditions": [{"text": "t", "holds": True, "seen": {"a": None}}], "more": 1}],
    [{"rule": "r", "matched": False, "gives": {}, "conditions": [
        {"text": "t", "holds": True, "seen": {}, "why": "", "extra": [1]}]}] * 2])
def test_reasons_of_another_shape_come_back_too(reasons):
    assert unpacked(json.loads(json.dumps(packed(reasons)))) == reasons


def test_a_row_from_before_is_a_plain_list():
    assert unpacked([{"rule": "r"}]) == [{"rule": "r"}]
