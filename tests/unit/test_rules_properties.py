"""What holds of every rule set and every study: found by hypothesis over generated counties (D1, K3)."""

from __future__ import annotations

import json
import random
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from routing_rules.conditions import activation, ask
from routing_rules.derived import with_derived
from routing_rules.evaluate import decide, decide_fast
from routing_rules.facts import checked
from routing_rules.parse import parse
from routing_rules.questions import Questions, Sheet
from tests.support import rule_sets

SETS = st.builds(lambda seed: rule_sets.rules(14, seed=seed), st.integers(0, 7))
STUDIES = st.integers(0, 5000)
DUTY = st.dictionaries(st.sampled_from(rule_sets.GROUPS),
                       st.lists(st.sampled_from(rule_sets.READERS), max_size=3, unique=True).map(tuple), max_size=3)
hundred = settings(max_examples=100, deadline=None)


@hundred
@given(SETS, STUDIES, DUTY)
def test_the_same_question_has_the_same_answer(source, number, duty):
    facts, now = rule_sets.facts(number), rule_sets.local_now(number)
    first = decide(parse(source), facts, now, duty)
    again = decide(parse(source), facts, now, duty)
    assert (first.as_json(), first.because) == (again.as_json(), again.because)
    other = parse(source + "\n# a comment: another text, made anew\n")
    assert decide(other, facts, now, duty).because == first.because


@hundred
@given(SETS, STUDIES, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(source, number, rng):
    facts, now = rule_sets.facts(number), rule_sets.local_now(number)
    names = list(facts)
    rng.shuffle(names)
    turned = {name: facts[name] for name in names}
    assert decide(parse(source), turned, now).because == decide(parse(source), facts, now).because


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3), STUDIES, st.integers(0, 13), st.integers(0, 3))
def test_adding_a_rule_after_a_stop_changes_nothing_before_it(seed, number, place, added_seed):
    facts, now = rule_sets.facts(number), rule_sets.local_now(number)
    head, _, body = rule_sets.rules(14, seed=seed, with_stops=False).partition("rules:\n")
    entries = _entries(body)
    stop = "  - name: 到此为止\n    when: []\n    then: {tags: [stop]}\n    stop: true\n"
    ended = [*entries[:place], stop]
    more = _entries(rule_sets.rules(14, seed=added_seed).partition("rules:\n")[2])
    renamed = [entry.replace("name: ", "name: 后加 ", 1) for entry in more]
    short = decide(parse(f"{head}rules:\n{''.join(ended)}"), facts, now)
    long = decide(parse(f"{head}rules:\n{''.join([*ended, *renamed])}"), facts, now)
    assert (long.as_json(), long.because) == (short.as_json(), short.because)


@hundred
@given(SETS, STUDIES, DUTY)
def test_a_decision_replayed_from_what_is_stored_gives_itself(source, number, duty):
    facts, now = rule_sets.facts(number), rule_sets.local_now(number)
    made = decide(parse(source), facts, now, duty)
    stored = json.loads(json.dumps({"facts": facts, "now": now.isoformat(), "duty": duty, "outcome": made.as_json(),
                                    "because": made.because}))
    replayed = decide(parse(source), stored["facts"], datetime.fromisoformat(stored["now"]), stored["duty"])
    assert replayed.as_json() == stored["outcome"]
    assert json.loads(json.dumps(replayed.because)) == stored["because"]


@hundred
@given(SETS, STUDIES, DUTY)
def test_deciding_without_reasons_says_the_same(source, number, duty):
    facts, now, rules = rule_sets.facts(number), rule_sets.local_now(number), parse(source)
    assert decide_fast(rules, facts, now, duty).as_json() == decide(rules, facts, now, duty).as_json()


@hundred
@given(SETS, STUDIES, st.integers(0, 2**16))
def test_many_conditions_asked_at_once_answer_as_each_by_itself(source, number, seed):
    rng, rules = random.Random(seed), parse(source)
    facts = {name: value for name, value in rule_sets.facts(number).items() if rng.random() < 0.8}
    values = with_derived(rules, checked(facts), rule_sets.local_now(number), None)
    questions, prepared = Questions(rules), activation(values)
    sheet = Sheet(questions, values)
    for index, condition in enumerate(questions.conditions):
        alone = ask(condition, values, prepared)
        assert sheet.verdict(index) == (alone.holds, alone.why), condition.text


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), STUDIES)
def test_what_a_device_measured_only_raises(seed, number):
    """K3: without the rules on measured values everything but priority and tags is the same."""
    facts, now = rule_sets.facts(number), rule_sets.local_now(number)
    head, _, body = rule_sets.rules(25, seed=seed).partition("rules:\n")
    entries = _entries(body)
    plain = "".join(entry for entry in entries if "ecg." not in entry)
    with_them, without = decide(parse(f"{head}rules:\n{body}"), facts, now), decide(
        parse(f"{head}rules:\n{plain}"), facts, now)
    changed = {key for key, value in with_them.as_json().items() if without.as_json()[key] != value}
    assert changed <= {"raise_to", "tags"}
    assert without.raise_to is None


def _entries(body: str) -> list[str]:
    return [f"  - name:{entry}" for entry in body.split("  - name:")[1:]]
