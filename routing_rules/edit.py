"""Change a rule set through a form, in the same file that others edit as text.

A rule is shown as a form (`rule_forms`) and written back (`with_rule`): only the characters that really change are
touched. Comments, order, quotes and line breaks of the rest stay, and a form given back unchanged changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from routing_rules.edit_conditions import EditRefused, FormCondition, cel_of, form_of, same
from routing_rules.edit_splice import (
    Span,
    Splice,
    applied,
    at_line_end,
    changes,
    chunk,
    first_chunk_with_comments,
    indent_of,
    inserted,
    line_break,
    removed,
    spans,
    written,
)
from routing_rules.model import InvalidRules
from routing_rules.positions import read_document
from routing_rules.shape import shape_problems

__all__ = ["EditRefused", "FormCondition", "RuleForm", "moved", "rule_forms", "with_rule", "without_rule"]


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A rule as a form. `then` holds plain values, as in the file; `index` (from 0) and `line`: where it stands."""

    name: str
    conditions: tuple[FormCondition, ...]
    then: dict[str, Any]
    stop: bool = False
    index: int | None = None
    line: int | None = None


def rule_forms(text: str) -> list[RuleForm]:
    """Every rule of the file, in its order. Raises InvalidRules where the file has not the shape of a rule set."""
    document = read_document(text)
    problems = shape_problems(document)
    if problems:
        raise InvalidRules(sorted(problems))
    return [RuleForm(rule["name"], tuple(form_of(each) for each in rule["when"]), rule["then"],
                     rule.get("stop", False), index, document.place(("rules", index)).line)
            for index, rule in enumerate(document.value["rules"])]


def with_rule(text: str, index: int | None, form: RuleForm) -> str:
    """The text with this rule in place of rule `index`, or as the last one. Raises EditRefused, InvalidRules."""
    value, rules = _opened(text)
    entries = value["rules"]
    if index is None:
        entry = _entry(form, {"name": "", "when": [], "then": {}})
        return _verified(text, [_appended(text, rules, entry)], value, [*entries, entry])
    _exists(index, entries)
    entry = _entry(form, entries[index])
    wanted = [*entries[:index], entry, *entries[index + 1:]]
    try:
        return _verified(text, list(changes(text, rules.parts[index], entry)), value, wanted)
    except EditRefused:
        if rules.is_flow:
            raise
        # A way of writing that the fine changes do not reach: the lines of this rule are written anew.
        start, end = chunk(text, rules, index)
        start = max(start, text.rfind("\n", 0, rules.parts[index].start) + 1)
        block = _block(entry, " " * indent_of(text, rules), line_break(text))
        return _verified(text, [Splice(start, end, block)], value, wanted)


def without_rule(text: str, index: int) -> str:
    """The text without rule `index` and the comments right above it. Raises EditRefused, InvalidRules."""
    value, rules = _opened(text)
    entries = value["rules"]
    _exists(index, entries)
    wanted = [*entries[:index], *entries[index + 1:]]
    splices = _taken(text, rules, index) if wanted else list(changes(text, rules, []))
    return _verified(text, splices, value, wanted)


def moved(text: str, index: int, to: int) -> str:
    """The text with rule `index` (and the comments right above it) as rule `to`. Raises EditRefused, InvalidRules."""
    value, rules = _opened(text)
    entries = list(value["rules"])
    _exists(index, entries)
    _exists(to, entries)
    if index == to:
        return text
    entries.insert(to, entries.pop(index))
    before = to if to < index else to + 1
    if rules.is_flow:
        part = rules.parts[index]
        splices = [*removed(text, rules, index, index + 1),
                   inserted(text, rules, before, text[part.start:part.end])]
    else:
        splices = _moved_lines(text, rules, index, before)
    return _verified(text, splices, value, entries)


def _opened(text: str) -> tuple[dict[str, Any], Span]:
    document = read_document(text)
    problems = shape_problems(document)
    if problems:
        raise InvalidRules(sorted(problems))
    root = spans(text, document)
    return document.value, root.parts[[key for key, _, _ in root.keys].index("rules")]


def _exists(index: int, entries: list[Any]) -> None:
    if not 0 <= index < len(entries):
        raise EditRefused(f"没有第 {index + 1} 条规则", f"there is no rule {index + 1}")


def _entry(form: RuleForm, old: dict[str, Any]) -> dict[str, Any]:
    """The rule as plain values; a condition that still says the same keeps its text."""
    if not form.name.strip():
        raise EditRefused("规则要有名称", "a rule needs a name")
    if not form.then:
        raise EditRefused("规则至少要给出一项结果", "a rule must give at least one thing")
    left = [form_of(text) for text in old["when"]]
    texts: list[str] = []
    for condition in form.conditions:
        kept = next((each for each in left if same(each, condition)), None)
        if kept is not None:
            left.remove(kept)
        texts.append(kept.text if kept is not None else cel_of(condition))
    wanted = {"name": form.name, "when": texts, "then": _plain(form.then), "stop": form.stop}
    if form.stop is old.get("stop", False) and "stop" not in old:
        del wanted["stop"]
    return {key: wanted[key] for key in [*(k for k in old if k in wanted), *(k for k in wanted if k not in old)]}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _appended(text: str, rules: Span, entry: dict[str, Any]) -> Splice:
    if rules.is_flow and rules.parts:
        return inserted(text, rules, len(rules.parts), written(entry, in_flow=True))
    cut = line_break(text)
    if rules.is_flow:                        # rules: [] becomes a block
        return Splice(rules.start, rules.end, cut + _block(entry, "  ", cut).removesuffix(cut))
    last = rules.parts[-1]
    is_spaced = len(rules.parts) > 1 and text[rules.parts[-2].end:last.start].count("\n") > 1
    block = _block(entry, " " * indent_of(text, rules), cut)
    return at_line_end(text, last.end, cut + block if is_spaced else block)


def _block(entry: dict[str, Any], indent: str, cut: str) -> str:
    lines = [f"- name: {written(entry['name'])}"]
    if entry["when"]:
        lines += ["  when:", *(f"    - {written(text)}" for text in entry["when"])]
    else:
        lines.append("  when: []")
    lines += ["  then:", *(f"    {key}: {written(value)}" for key, value in entry["then"].items())]
    if entry.get("stop"):
        lines.append("  stop: true")
    return "".join(f"{indent}{line}{cut}" for line in lines)


def _moved_lines(text: str, rules: Span, index: int, before: int) -> list[Splice]:
    cut = line_break(text)
    start, end = _chunk(text, rules, index)
    lines = text[start:end]
    taken = _taken(text, rules, index)
    # What is taken with it beside its own lines are the blank lines that set it apart from its neighbours.
    gap = cut if sum(splice.end - splice.start for splice in taken) > len(lines) else ""
    if not lines.endswith("\n"):
        lines += cut
    if before < len(rules.parts):
        place = _chunk(text, rules, before)[0]
        return [*taken, Splice(place, place, lines + gap)]
    return [*taken, at_line_end(text, rules.parts[-1].end, gap + lines)]


def _chunk(text: str, rules: Span, index: int) -> tuple[int, int]:
    start, end = chunk(text, rules, index)
    return (first_chunk_with_comments(text, rules), end) if index == 0 else (start, end)


def _taken(text: str, rules: Span, index: int) -> list[Splice]:
    splices = list(removed(text, rules, index, index + 1))
    if index or rules.is_flow:
        return splices
    return [Splice(first_chunk_with_comments(text, rules), splices[0].end, "")]


def _verified(text: str, splices: list[Splice], value: dict[str, Any], rules: list[dict[str, Any]]) -> str:
    """The new text, after reading it again: it must hold exactly what was asked for."""
    changed = applied(text, splices)
    try:
        found = read_document(changed).value
    except InvalidRules as exc:
        raise _cannot() from exc
    if found != {**value, "rules": rules}:
        raise _cannot()
    return changed


def _cannot() -> EditRefused:
    return EditRefused("这条规则的写法特殊,不能用表单修改,请直接修改文本",
                       "this rule is written in a way that the form cannot change; please edit the text")
