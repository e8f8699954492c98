"""The reasons of a decision as they are kept: a condition that many rules ask stands there once.

A rule set of 1,000 rules asks the same few hundred conditions again and again; written out, its reasons are a third
of a megabyte for every study. Nothing is lost: `unpacked(packed(reasons)) == reasons`. Rows from before are plain
lists, and stay so.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

Reasons = list[dict[str, Any]]
_FORMAT = 1


def packed(reasons: Reasons) -> dict[str, Any] | Reasons:
    """As one JSON object: texts, values seen, conditions that name both by number, rules that name conditions.

    Reasons of another shape are kept as they are.
    """
    if not all(entry.keys() >= _RULE_NEEDS and all(c.keys() >= _CONDITION_NEEDS for c in entry["conditions"])
               for entry in reasons):
        return reasons
    texts: dict[str, int] = {}
    seen: list[Any] = []
    conditions: list[list[Any]] = []
    numbers: dict[Hashable, int] = {}        # of what is the same object: `decide` shares them
    rules: list[list[Any]] = []
    for entry in reasons:
        asked = []
        for condition in entry["conditions"]:
            number = numbers.get(id(condition))
            if number is None:
                values = ("seen", id(condition["seen"]))
                if values not in numbers:
                    numbers[values] = len(seen)
                    seen.append(condition["seen"])
                text = texts.setdefault(condition["text"], len(texts))
                more = _besides(condition, _CONDITION)
                number = numbers[id(condition)] = len(conditions)
                conditions.append([text, condition["holds"], numbers[values], condition.get("why"),
                                   *([more] if more else [])])
            asked.append(number)
        more = _besides(entry, _RULE)
        rules.append([entry["rule"], entry["matched"], entry.get("gives"), asked, *([more] if more else [])])
    return {"format": _FORMAT, "texts": list(texts), "seen": seen, "conditions": conditions, "rules": rules}


def unpacked(kept: Any) -> Reasons:
    """The reasons as they were."""
    if isinstance(kept, list):
        return kept
    conditions = [{"text": kept["texts"][text], "holds": holds, "seen": kept["seen"][values],
                   **({} if why is None else {"why": why}), **(more[0] if more else {})}
                  for text, holds, values, why, *more in kept["conditions"]]
    return [{"rule": name, "matched": matched, **({} if gives is None else {"gives": gives}),
             "conditions": [conditions[number] for number in asked], **(more[0] if more else {})}
            for name, matched, gives, asked, *more in kept["rules"]]


def _besides(entry: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    if entry.keys() <= known:
        return {}
    return {key: value for key, value in entry.items() if key not in known}


_CONDITION = frozenset({"text", "holds", "seen", "why"})
_CONDITION_NEEDS = frozenset({"text", "holds", "seen"})
_RULE = frozenset({"rule", "matched", "gives", "conditions"})
_RULE_NEEDS = frozenset({"rule", "matched", "conditions"})
