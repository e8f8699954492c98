"""The reasons of a decision as they are kept: a condition that many rules ask stands there once.

A rule set of 1,000 rules asks the same few hundred conditions again and again; written out, its reasons are a third
of a megabyte for every study. Nothing is lost: `unpacked(packed(reasons)) == reasons`. Rows from before are plain
lists, and stay so.
"""

from __future__ import annotations

from typing import Any

Reasons = list[dict[str, Any]]
_FORMAT = 1


def packed(reasons: Reasons) -> dict[str, Any] | Reasons:
    """As one JSON object: texts, values seen, conditions that name both by number, rules that name conditions.

    Reasons of another shape are kept as they are.
    """
    texts: dict[str, int] = {}
    seen: list[Any] = []
    conditions: list[list[Any]] = []
    numbers: dict[int, int] = {}             # of what is the same object: `decide` shares them
    seen_numbers: dict[int, int] = {}
    rules: list[list[Any]] = []
    try:
        for entry in reasons:
            asked = []
            for condition in entry["conditions"]:
                number = numbers.get(id(condition))
                if number is None:
                    values = seen_numbers.setdefault(id(condition["seen"]), len(seen))
                    if values == len(seen):
                        seen.append(condition["seen"])
                    numbers[id(condition)] = number = len(conditions)
                    conditions.append([texts.setdefault(condition["text"], len(texts)), condition["holds"], values,
                                       condition.get("why"), *_besides(condition, _CONDITION)])
                asked.append(number)
            rules.append([entry["rule"], entry["matched"], entry.get("gives"), asked, *_besides(entry, _RULE)])
    except KeyError:
        return reasons
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


def _besides(entry: dict[str, Any], known: frozenset[str]) -> list[dict[str, Any]]:
    """What is in it that has no place of its own, if there is anything."""
    more = {key: value for key, value in entry.items() if key not in known} if entry.keys() - known else {}
    return [more] if more else []


_CONDITION = frozenset({"text", "holds", "seen", "why"})
_RULE = frozenset({"rule", "matched", "gives", "conditions"})
