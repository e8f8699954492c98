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
    seen_numbers: dict[int, int] = {}
    try:
        # `decide` shares what is the same: one object is one condition, and one set of values.
        met = {id(condition): condition for entry in reasons for condition in entry["conditions"]}
        numbers = {found: number for number, found in enumerate(met)}
        for condition in met.values():
            values = seen_numbers.setdefault(id(condition["seen"]), len(seen))
            if values == len(seen):
                seen.append(condition["seen"])
            conditions.append([texts.setdefault(condition["text"], len(texts)), condition["holds"], values,
                               condition.get("why"), *_besides(condition, _CONDITION, "why")])
        rules = [[entry["rule"], entry["matched"], entry.get("gives"),
                  [numbers[id(condition)] for condition in entry["conditions"]], *_besides(entry, _RULE, "gives")]
                 for entry in reasons]
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


def _besides(entry: dict[str, Any], known: frozenset[str], optional: str) -> list[dict[str, Any]]:
    """What is in it that has no place of its own, if there is anything; all but `optional` is known to be there."""
    if len(entry) == len(known) - (optional not in entry):
        return []
    return [{key: value for key, value in entry.items() if key not in known}]


_CONDITION = frozenset({"text", "holds", "seen", "why"})
_RULE = frozenset({"rule", "matched", "gives", "conditions"})
