"""The critical-value lists as data: which numbers and words make a hint, with levels, sources and a version.

The packaged rules are read once. An alliance's own file says only what differs, and is refused whole if any of it is
not understood: a limit that silently does not hold would be worse than none. Pure: packaged data only.

    {"version": "wudang-2026-1", "source": "武当区医共体 2026 年第 3 号通知",
     "items": {"ECG11": {"level": "orange", "limits": {"heart_rate_bpm": 40}}, "ECG16": {"is_on": false}}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

_MEASURES: Mapping[str, tuple[str, str, str, str]] = {
    "heart_rate_bpm": ("心率", "heart rate", "次/分", "1/min"), "qtc_ms": ("QTc", "QTc", "ms", "ms"),
    "qrs_ms": ("QRS时限", "QRS duration", "ms", "ms"), "longest_rr_ms": ("最长RR间期", "longest RR", "ms", "ms"),
    "shortest_rr_ms": ("最短RR间期", "shortest RR", "ms", "ms"),
}
_CHANGES = frozenset({"level", "limits", "is_on"})


class InvalidHintRules(ValueError):
    """A file of changes says something that is not understood; the message names it."""


@dataclass(frozen=True, slots=True)
class HintLimit:
    """A limit that a number is compared with."""

    measure: str
    comparison: str                      # "<=" or ">="
    than: float

    def is_beyond(self, value: float) -> bool:
        return value <= self.than if self.comparison == "<=" else value >= self.than

    @property
    def zh(self) -> str:
        return _MEASURES[self.measure][0]

    @property
    def en(self) -> str:
        return _MEASURES[self.measure][1]

    @property
    def unit_zh(self) -> str:
        return _MEASURES[self.measure][2]

    @property
    def unit(self) -> str:
        return _MEASURES[self.measure][3]


@dataclass(frozen=True, slots=True)
class HintWhen:
    """One way in which an item is met: its words and one of its limits, where it has both."""

    words: tuple[re.Pattern[str], ...] = ()
    not_words: tuple[re.Pattern[str], ...] = ()
    limits: tuple[HintLimit, ...] = ()
    level: str = ""                      # where it differs from the item's
    is_critical: bool = False            # the cart marked a statement itself
    quality: str = ""                    # "repeat_advised"


@dataclass(frozen=True, slots=True)
class HintItem:
    """One entry of the lists."""

    id: str
    level: str
    source_zh: str
    source_en: str
    when: tuple[HintWhen, ...]


@dataclass(frozen=True, slots=True)
class HintRules:
    """All entries that are in force."""

    version: str
    raises_to: Mapping[str, str]         # level → priority, "" for those that are only shown
    negations: tuple[re.Pattern[str], ...]
    items: tuple[HintItem, ...]


@cache
def packaged_hints() -> HintRules:
    """The lists as shipped."""
    data = json.loads(resources.files("gateway.core").joinpath("ecg_priority_hints.json").read_text(encoding="utf-8"))
    return HintRules(
        version=data["version"], raises_to=data["raises_to"], negations=_patterns(data["negations"]),
        items=tuple(HintItem(item["id"], item["level"], item["source_zh"], item["source_en"],
                             tuple(_when(when) for when in item["when"])) for item in data["items"]))


def with_changes(rules: HintRules, changes: Any) -> HintRules:
    """The rules as an alliance wants them. Raises InvalidHintRules."""
    if not isinstance(changes, dict) or set(changes) - {"version", "source", "items"}:
        raise InvalidHintRules("a file of changes holds version, source and items, nothing else")
    version, source, wanted = changes.get("version"), changes.get("source"), changes.get("items", {})
    if not isinstance(version, str) or not version.strip() or not isinstance(source, str) or not source.strip():
        raise InvalidHintRules("version and source must say which list this is")
    known = {item.id: item for item in rules.items}
    if not isinstance(wanted, dict) or set(wanted) - set(known):
        raise InvalidHintRules(f"items are named by their ids: {', '.join(known)}")
    items = (_changed(rules, item, wanted.get(item.id, {}), source) for item in rules.items)
    return replace(rules, version=f"{rules.version}+{version}", items=tuple(item for item in items if item))


def _changed(rules: HintRules, item: HintItem, change: Any, source: str) -> HintItem | None:
    if not isinstance(change, dict) or set(change) - _CHANGES:
        raise InvalidHintRules(f"{item.id}: only {', '.join(sorted(_CHANGES))} can be changed")
    if not change:
        return item
    if not isinstance(change.get("is_on", True), bool):
        raise InvalidHintRules(f"{item.id}: is_on is true or false")
    level, limits = change.get("level", item.level), change.get("limits", {})
    if level not in rules.raises_to:
        raise InvalidHintRules(f"{item.id}: level is one of {', '.join(rules.raises_to)}")
    measures = {limit.measure for when in item.when for limit in when.limits}
    if not isinstance(limits, dict) or set(limits) - measures:
        raise InvalidHintRules(f"{item.id}: limits of {', '.join(sorted(measures)) or 'nothing'} can be changed")
    if any(isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100_000
           for value in limits.values()):
        raise InvalidHintRules(f"{item.id}: a limit is a number above 0")
    if not change.get("is_on", True):
        return None
    # The first limit of a measure is the item's own; others of the same measure belong to combinations and stay.
    left = dict(limits)
    when = tuple(replace(each, limits=tuple(_moved(limit, left) for limit in each.limits)) for each in item.when)
    return replace(item, level=level, source_zh=source, source_en=source, when=when)


def _moved(limit: HintLimit, left: dict[str, Any]) -> HintLimit:
    return replace(limit, than=float(left.pop(limit.measure))) if limit.measure in left else limit


def _when(data: Mapping[str, Any]) -> HintWhen:
    return HintWhen(
        words=_patterns(data.get("words", ())), not_words=_patterns(data.get("not_words", ())),
        limits=tuple(HintLimit(limit["measure"], limit["is"], float(limit["than"]))
                     for limit in data.get("limits", ())),
        level=data.get("level", ""), is_critical=data.get("critical", False), quality=data.get("quality", ""))


def _patterns(words: Any) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(word, re.IGNORECASE) for word in words)
