"""Random conditions, facts and rule sets, for tests that hold whatever a person may write.

Numbers and texts are taken from few values, so that conditions overlap, contradict and cover one another often.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from routing_rules.facts import FactValue

AGES = (0.0, 14.0, 15.5, 65.0, 70.0)
HOURS = (0, 7, 8, 18, 19, 23)
COUNTS = (0, 1, 2, 100)
MODALITIES = ("CT", "MR", "DX")
KINDS = ("image", "ecg")
TEXTS = ("", "chest", "chest CT", "HEAD")
STATEMENTS = ("sinus", "acute infarct", "x")

_SIGNS = st.sampled_from(("==", "!=", "<", "<=", ">", ">="))


def _number(name: str, values: tuple[float, ...]) -> st.SearchStrategy[str]:
    value = st.sampled_from(values).map(json.dumps)
    one = st.builds(lambda sign, v: f"{name} {sign} {v}", _SIGNS, value)
    mirrored = st.builds(lambda sign, v: f"{v} {sign} {name}", _SIGNS, value)
    several = st.lists(value, min_size=1, max_size=3).map(lambda vs: f"{name} in [{', '.join(vs)}]")
    return one | mirrored | several


def _text(name: str, values: tuple[str, ...]) -> st.SearchStrategy[str]:
    value = st.sampled_from(values).map(json.dumps)
    one = st.builds(lambda sign, v: f"{name} {sign} {v}", st.sampled_from(("==", "!=")), value)
    several = st.lists(value, min_size=1, max_size=3).map(lambda vs: f"{name} in [{', '.join(vs)}]")
    tests = st.builds(lambda test, v: f"{name}.{test}({v})",
                      st.sampled_from(("contains", "startsWith", "endsWith")), value)
    return one | several | tests


_ATOMS = st.one_of(
    _number("patient.age_years", AGES), _number("arrival.hour", HOURS), _number("study.instance_count", COUNTS),
    _number("size(study.description)", (0, 4)), _text("study.modality", MODALITIES), _text("study.kind", KINDS),
    _text("study.description", TEXTS), st.sampled_from(("true", "false")),
    st.sampled_from(("patient.age_years / 0.0 > 1.0", "study.instance_count / arrival.hour > 1",
                     "study.modality == study.description")))
_MEASURED = st.one_of(
    _number("ecg.heart_rate_bpm", (40.0, 140.0)),
    st.sampled_from(STATEMENTS).map(lambda s: f"{json.dumps(s)} in ecg.statements"),
    st.sampled_from(STATEMENTS).map(lambda s: f"ecg.statements.exists(s, s.contains({json.dumps(s)}))"),
    st.just("size(ecg.statements) > 0"))


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.builds(lambda a, sign, b: f"({a}) {sign} ({b})", parts, st.sampled_from(("&&", "||")), parts)
    ternary = st.builds(lambda a, b, c: f"(({a}) ? ({b}) : ({c}))", parts, parts, parts)
    return two | parts.map(lambda a: f"!({a})") | ternary | parts.map(lambda a: f"({a}) == false")


conditions = st.recursive(_ATOMS, _joined, max_leaves=5)
measured_conditions = st.recursive(_MEASURED | _ATOMS, _joined, max_leaves=4)

known_facts: st.SearchStrategy[dict[str, FactValue]] = st.fixed_dictionaries({
    "patient.age_years": st.sampled_from(AGES) | st.sampled_from((3.0, 14.5, 66.0, 120.0)),
    "arrival.hour": st.integers(0, 23),
    "study.instance_count": st.sampled_from((*COUNTS, 3, 99)),
    "study.modality": st.sampled_from((*MODALITIES, "US", "")),
    "study.kind": st.sampled_from(KINDS),
    "study.description": st.sampled_from((*TEXTS, "other")),
    "ecg.heart_rate_bpm": st.sampled_from((30.0, 40.0, 90.0, 140.0, 150.0)),
    "ecg.statements": st.lists(st.sampled_from(STATEMENTS), max_size=2),
})


@st.composite
def facts(draw: st.DrawFn) -> dict[str, FactValue]:
    """Facts of a study, of which some are not known."""
    values = draw(known_facts)
    left_out = draw(st.sets(st.sampled_from(sorted(values)), max_size=3))
    return {name: value for name, value in values.items() if name not in left_out}


_GROUPS = ("imaging", "ecg", "night")
_THEN = st.fixed_dictionaries({}, optional={
    "group": st.sampled_from(_GROUPS), "reader": st.sampled_from(("li", "wang")),
    "priority": st.sampled_from(("routine", "urgent", "emergency")), "due_minutes": st.sampled_from((10, 30)),
    "due": st.fixed_dictionaries({}, optional={"claim": st.just(5), "write": st.sampled_from((7, 9))}).filter(bool),
    "forwards": st.just(["upper"]), "tags": st.lists(st.sampled_from("ab"), min_size=1, max_size=2, unique=True),
    "second_reader": st.sampled_from(("li", "night")), "hold": st.just({"until": "22:00"}),
    "overflow": st.sampled_from(_GROUPS).map(lambda group: {"group": group, "after_minutes": 20}),
}).filter(bool)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """One rule as plain values, without its name."""
    if draw(st.integers(0, 5)) == 0:
        rule = {"when": draw(st.lists(measured_conditions, min_size=1, max_size=2)),
                "then": {"priority": draw(st.sampled_from(("urgent", "emergency")))}}
        return {**rule, "when": ["size(ecg.statements) >= 0", *rule["when"]]}
    entry: dict[str, Any] = {"when": draw(st.lists(conditions, max_size=3)), "then": draw(_THEN)}
    return {**entry, "stop": True} if draw(st.booleans()) else entry


@st.composite
def rule_sets(draw: st.DrawFn, max_rules: int = 6) -> dict[str, Any]:
    """A sound rule set as plain values; `json.dumps` of it is its text."""
    found = draw(st.lists(rules(), min_size=1, max_size=max_rules))
    return {
        "format": 1, "title": "t",
        "groups": {"imaging": {"name": "i", "members": ["li"]}, "ecg": {"name": "e"},
                   "night": {"name": "n", "members": ["wang"],
                             "hours": [{"from": "20:00", "to": "08:00", "members": ["wang"]}], "cover": "imaging"},
                   "fallback": {"name": "f"}},
        "fallback": {"group": "fallback", "priority": "urgent"},
        "rules": [{"name": f"r{number}", **rule} for number, rule in enumerate(found)],
    }
