"""Change values inside a YAML text and leave every other character as it is: comments, order, quotes, line breaks.

A round trip through a dumper would lay the whole file out anew. Here the marks of ruamel's nodes say where each value
begins and ends, and only the characters of what changed are replaced.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from routing_rules.positions import Document

_QUOTED_WORDS = frozenset({"yes", "no", "on", "off", "y", "n", "null", "true", "false", "~"})


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value stands in the text (characters, end exclusive), and its parts."""

    kind: str                            # "scalar", "sequence", "mapping"
    start: int
    end: int
    value: Any
    style: str = ""                      # of a scalar: "" plain, ', ", | or >
    is_flow: bool = False                # [a, b] or {a: b}
    parts: tuple[Span, ...] = ()
    keys: tuple[tuple[str, int, int], ...] = ()      # of a mapping: each key, and where it begins and ends


@dataclass(frozen=True, slots=True)
class Splice:
    """Characters to be replaced."""

    start: int
    end: int
    text: str


def spans(text: str, document: Document) -> Span:
    """The places of all values of a text that `read_document` has read without complaint."""
    assert document.root is not None
    return _span(document.root, document.value, text)


def applied(text: str, splices: Sequence[Splice]) -> str:
    """The text with these changes; those that begin at the same place come in their order."""
    found, at = [], 0
    for splice in sorted(splices, key=lambda each: each.start):
        found += [text[at:splice.start], splice.text]
        at = max(at, splice.end)
    return "".join([*found, text[at:]])


def changes(text: str, span: Span, wanted: Any) -> Iterator[Splice]:
    """What must be replaced so that this value becomes `wanted`."""
    if span.value == wanted and type(span.value) is type(wanted):
        return
    if span.kind == "mapping" and isinstance(wanted, dict) and wanted:
        yield from _in_mapping(text, span, wanted)
    elif span.kind == "sequence" and isinstance(wanted, list) and (wanted or span.is_flow):
        yield from _in_sequence(text, span, wanted)
    elif span.kind == "scalar" or span.is_flow:
        yield Splice(span.start, span.end, written(wanted, style=span.style))
    else:
        # A block is gone as a whole: its lines go, and the empty or new value stands behind the key.
        first = _line_start(text, span.start)
        colon = text.rindex(":", 0, first)
        yield Splice(colon + 1, colon + 1, " " + written(wanted))
        yield Splice(first, _line_end(text, span.end), "")


def removed(text: str, span: Span, first: int, last: int) -> Iterator[Splice]:
    """Take entries `first` up to `last` (exclusive) out of a sequence or mapping that keeps others."""
    count, begins = len(span.parts), _begins(span)
    if span.is_flow:
        if last < count:
            yield Splice(begins[first], begins[last], "")
        else:
            yield Splice(span.parts[first - 1].end if first else begins[0], span.parts[-1].end, "")
        return
    if span.kind == "mapping" and first == 0 and text[_line_start(text, begins[0]):begins[0]].strip():
        yield Splice(begins[0], begins[last], "")    # the first key stands behind the dash of its list
        return
    start, end = chunk(text, span, first)[0], chunk(text, span, last - 1)[1]
    if last < count:
        yield Splice(start, _over_blank_lines(text, end), "")
    else:
        yield Splice(_back_over_blank_lines(text, start), end, "")


def inserted(text: str, span: Span, at: int, *entries: str) -> Splice:
    """Put entries (as they are to be written, without their dashes) before entry `at`, or last."""
    begins = _begins(span)
    if span.is_flow:
        entry = ", ".join(entries)
        if not span.parts:
            return Splice(span.end - 1, span.end - 1, entry)
        if at < len(span.parts):
            return Splice(begins[at], begins[at], f"{entry}, ")
        return Splice(span.parts[-1].end, span.parts[-1].end, f", {entry}")
    column = _dash(text, span, 0) if span.kind == "sequence" else begins[0]
    indent = " " * (column - _line_start(text, column))
    dash = "- " if span.kind == "sequence" else ""
    lines = "".join(f"{indent}{dash}{entry}{line_break(text)}" for entry in entries)
    if at < len(span.parts):
        place = chunk(text, span, at)[0]
        return Splice(place, place, lines)
    return at_line_end(text, span.parts[-1].end, lines)


def chunk(text: str, span: Span, number: int) -> tuple[int, int]:
    """The whole lines of an entry of a block: with the comments right above it, up to its last line."""
    start = _line_start(text, _dash(text, span, number) if span.kind == "sequence" else _begins(span)[number])
    floor = _line_end(text, span.parts[number - 1].end) if number else _line_start(text, span.start)
    while start > floor:
        above = _line_start(text, start - 1)
        if above < floor or not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start, _line_end(text, span.parts[number].end)


def first_chunk_with_comments(text: str, span: Span) -> int:
    """Where the first entry of a block begins, with the comments right above it (below the line of its key)."""
    start = _line_start(text, _dash(text, span, 0))
    while start:
        above = _line_start(text, start - 1)
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start


def at_line_end(text: str, position: int, line: str) -> Splice:
    """Put a whole line (with its line break) below the line in which `position` is."""
    place = _line_end(text, position)
    if place == len(text) and not text.endswith("\n"):
        cut = line_break(text)
        return Splice(place, place, cut + line.removesuffix(cut))
    return Splice(place, place, line)


def indent_of(text: str, span: Span) -> int:
    """The column (from 0) at which the dashes of a block sequence stand."""
    dash = _dash(text, span, 0)
    return dash - _line_start(text, dash)


def line_break(text: str) -> str:
    """How the text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def written(value: Any, *, style: str = "", in_flow: bool = False) -> str:
    """A value on one line; texts plain where that is safe, else quoted. `style` ' or " is kept."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(k), True)}: {written(v, in_flow=True)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(each, in_flow=True) for each in value) + "]"
    if isinstance(value, str):
        if style == '"' or not value.isprintable():
            return json.dumps(value, ensure_ascii=False)
        return "'" + value.replace("'", "''") + "'" if style == "'" else _text(value, in_flow)
    return json.dumps(value)


def _text(value: str, in_flow: bool) -> str:
    is_number = not value.strip("0123456789:.-+_eExXoO")
    if not is_number and value.lower() not in _QUOTED_WORDS and _is_plain(value, in_flow):
        return value
    return json.dumps(value, ensure_ascii=False) if is_number else "'" + value.replace("'", "''") + "'"


@lru_cache(maxsize=4096)
def _is_plain(value: str, in_flow: bool) -> bool:
    try:
        read = YAML(typ="safe", pure=True).load(f"k: [{value}]" if in_flow else f"k: {value}")
    except YAMLError:
        return False
    return bool(read == {"k": [value] if in_flow else value})


def _in_mapping(text: str, span: Span, wanted: dict[str, Any]) -> Iterator[Splice]:
    names = [key for key, _, _ in span.keys]
    gone = [number for number, key in enumerate(names) if key not in wanted]
    if len(gone) == len(names):              # nothing to hold on to
        yield Splice(span.start, span.end, written(wanted))
        return
    for number, key in enumerate(names):
        if key in wanted:
            yield from changes(text, span.parts[number], wanted[key])
    for first, last in _runs(gone):
        yield from removed(text, span, first, last)
    new = [f"{key}: {written(value, in_flow=span.is_flow)}" for key, value in wanted.items() if key not in names]
    if new:
        yield inserted(text, span, len(names), *new)


def _in_sequence(text: str, span: Span, wanted: list[Any]) -> Iterator[Splice]:
    before, after = ([json.dumps(each, sort_keys=True) for each in values] for values in (span.value, wanted))
    for _, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        common = min(i2 - i1, j2 - j1)
        for offset in range(common):
            yield from changes(text, span.parts[i1 + offset], wanted[j1 + offset])
        if i1 + common < i2:
            yield from removed(text, span, i1 + common, i2)
        if j1 + common < j2:
            yield inserted(text, span, i2, *(written(value, in_flow=span.is_flow)
                                             for value in wanted[j1 + common:j2]))


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[start], numbers[at - 1] + 1
            start = at


def _begins(span: Span) -> list[int]:
    return [start for _, start, _ in span.keys] if span.kind == "mapping" else [part.start for part in span.parts]


def _dash(text: str, span: Span, number: int) -> int:
    return text.rindex("-", 0, span.parts[number].start)


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _line_end(text: str, position: int) -> int:
    """The beginning of the next line."""
    if position and text[position - 1] == "\n":
        return position
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _over_blank_lines(text: str, position: int) -> int:
    while position < len(text):
        end = _line_end(text, position + 1)
        if text[position:end].strip():
            break
        position = end
    return position


def _back_over_blank_lines(text: str, position: int) -> int:
    while position:
        above = _line_start(text, position - 1)
        if text[above:position].strip():
            break
        position = above
    return position


def _span(node: Node, value: Any, text: str) -> Span:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, ScalarNode):
        style = node.style or ""
        return Span("scalar", start, _block_end(text, start, end) if style in ("|", ">") else end, value, style)
    if isinstance(node, SequenceNode):
        parts = tuple(_span(child, each, text) for child, each in zip(node.value, value, strict=True))
        return Span("sequence", start, end if node.flow_style else parts[-1].end, value, "", bool(node.flow_style),
                    parts)
    assert isinstance(node, MappingNode)
    keys = tuple((str(key.value), key.start_mark.index, key.end_mark.index) for key, _ in node.value)
    parts = tuple(_span(child, value[name[0]], text) for (_, child), name in zip(node.value, keys, strict=True))
    return Span("mapping", start, end if node.flow_style else parts[-1].end, value, "", bool(node.flow_style), parts,
                keys)


def _block_end(text: str, start: int, end: int) -> int:
    """The end of a | or > text: YAML's mark is at what follows, after blank lines and comments."""
    lines = text[start:end].splitlines(keepends=True)
    indent = next((len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip()), 0)
    while len(lines) > 1 and (not lines[-1].strip() or len(lines[-1]) - len(lines[-1].lstrip(" ")) < indent):
        lines.pop()
    return start + len("".join(lines).rstrip("\r\n"))
