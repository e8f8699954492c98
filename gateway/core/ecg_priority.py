"""Hints for the order in which ECGs are read: 提示排序,不代表诊断 (K3).

Two things count, and nothing that would need an interpretation: a number beyond a limit of the critical-value lists,
and the cart's own words. The lists are data (ecg_priority_hints.json, read by ecg_hint_rules.py); an alliance changes
limits and levels by a file of its own. A hint can raise a priority and never lower one. Pure: packaged data only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.core.ecg_hint_rules import HintItem, HintLimit, HintRules, HintWhen
from gateway.core.order import more_urgent

QUIETEST = "routine"
LEVELS = ("red", "orange", "yellow", "blue")
_MEASURED_BY = {"device": ("设备测量", "measured by the cart"), "gateway": ("网关测量", "measured by the gateway")}
_LONGEST_STATEMENT = 500                 # characters that are looked at
_CLAUSE = re.compile(r"[，,。；;.!！\n]")


@dataclass(frozen=True, slots=True)
class EcgSeen:
    """What is known of one ECG. `device` and `gateway` are measurements by name, as the cart and we have them."""

    device: Mapping[str, float] = field(default_factory=dict)
    gateway: Mapping[str, float] = field(default_factory=dict)
    rr_ms: Sequence[float] = ()
    statements: Sequence[str] = ()
    critical_statements: Sequence[str] = ()
    repeat_advised: Sequence[str] = ()   # kinds of faults for which the trace should be taken again


@dataclass(frozen=True, slots=True)
class PriorityHint:
    """One reason to read it earlier, in words that name no diagnosis of ours."""

    item: str
    level: str
    zh: str
    en: str
    source: str                          # device, gateway, statement
    measure: str = ""
    value: float | None = None
    unit: str = ""
    comparison: str = ""
    threshold: float | None = None
    statement: str = ""
    list_source: str = ""
    list_version: str = ""
    raises_to: str = ""                  # a priority, or "" if it is only shown

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def hints_of(rules: HintRules, seen: EcgSeen) -> list[PriorityHint]:
    """Every hint, the most pressing first; the same item once a source."""
    found: dict[tuple[str, str, str, str], PriorityHint] = {}
    numbers = {"device": _device_numbers(seen), "gateway": _gateway_numbers(seen)}
    for item in rules.items:
        for when in item.when:
            for hint in _of_condition(rules, item, when, seen, numbers):
                found.setdefault((hint.item, hint.source, hint.measure, hint.statement), hint)
    return sorted(found.values(), key=lambda hint: LEVELS.index(hint.level))


def raises_to(hints: Sequence[PriorityHint]) -> str | None:
    """The most urgent priority that any of them asks for."""
    asked = [hint.raises_to for hint in hints if hint.raises_to]
    most = QUIETEST
    for priority in asked:
        most = more_urgent(most, priority)
    return most if asked else None


def _of_condition(rules: HintRules, item: HintItem, when: HintWhen, seen: EcgSeen,
                  numbers: Mapping[str, Mapping[str, float]]) -> Iterator[PriorityHint]:
    level = when.level or item.level
    more: dict[str, Any] = {"list_source": item.source_zh, "list_version": rules.version,
                            "raises_to": rules.raises_to[level]}
    if when.is_critical:
        for text in seen.critical_statements:
            yield PriorityHint(item.id, level, f"设备标为危急：“{text}”", f"marked as critical by the cart: “{text}”",
                               "statement", statement=text, **more)
    if when.quality and seen.repeat_advised:
        kinds = "、".join(seen.repeat_advised)
        yield PriorityHint(item.id, level, "图形质量差，建议重新采集", "poor trace, repeat advised", "gateway",
                           statement=kinds, **more)
    texts = _said(rules, when, seen.statements) if when.words else [""]
    for limit in when.limits:
        for source, values in numbers.items():
            value = values.get(limit.measure)
            if value is not None and limit.is_beyond(value) and texts:
                zh, en = _number_words(limit, value, source)
                yield PriorityHint(item.id, level, zh, en, source, limit.measure, value, limit.unit, limit.comparison,
                                   limit.than, texts[0], **more)
    if when.words and not when.limits:
        for text in texts:
            yield PriorityHint(item.id, level, f"设备语句：“{text}”", f"cart says: “{text}”", "statement",
                               statement=text, **more)


def _said(rules: HintRules, when: HintWhen, statements: Sequence[str]) -> list[str]:
    """The statements that say one of the words without denying it."""
    return [text for text in statements if _says(rules, when, text[:_LONGEST_STATEMENT])]


def _says(rules: HintRules, when: HintWhen, text: str) -> bool:
    if any(pattern.search(text) for pattern in when.not_words):
        return False
    for pattern in when.words:
        for match in pattern.finditer(text):
            clause = _CLAUSE.split(text[:match.start()])[-1]
            if not any(denial.search(clause) for denial in rules.negations):
                return True
    return False


def _number_words(limit: HintLimit, value: float, source: str) -> tuple[str, str]:
    by_zh, by_en = _MEASURED_BY[source]
    sign = "≤" if limit.comparison == "<=" else "≥"
    return (f"{limit.zh} {value:g} {limit.unit_zh}（界限 {sign} {limit.than:g}，{by_zh}，未经医师确认）",
            f"{limit.en} {value:g} {limit.unit} (limit {sign} {limit.than:g}, {by_en}, not confirmed by a physician)")


def _device_numbers(seen: EcgSeen) -> dict[str, float]:
    found = {name: seen.device[name] for name in ("heart_rate_bpm", "qrs_ms") if name in seen.device}
    for name in ("qtc_ms", "qtc_fridericia_ms", "qtc_bazett_ms"):       # the cart's own word first
        if name in seen.device:
            return found | {"qtc_ms": seen.device[name]}
    return found


def _gateway_numbers(seen: EcgSeen) -> dict[str, float]:
    found = {name: seen.gateway[name] for name in ("heart_rate_bpm", "qrs_ms") if name in seen.gateway}
    if "qtc_fridericia_ms" in seen.gateway:      # Bazett's formula says too much where the heart is fast
        found["qtc_ms"] = seen.gateway["qtc_fridericia_ms"]
    if seen.rr_ms:
        found |= {"longest_rr_ms": max(seen.rr_ms), "shortest_rr_ms": min(seen.rr_ms)}
    return found
