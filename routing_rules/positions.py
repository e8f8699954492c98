"""YAML text in, plain values out, with the line and column of every key and value kept beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from routing_rules.model import InvalidRules, Problem

MAX_CHARACTERS = 1_000_000

_TIMESTAMP = "tag:yaml.org,2002:timestamp"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, from 1; `style` is how YAML wrote it: "" plain, ' or ", | or >."""

    line: int
    column: int
    style: str = ""
    is_one_line: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """Values of a YAML text and where each of them stands."""

    value: Any
    values: dict[Path, Place]
    keys: dict[Path, Place]
    lines: list[str]
    root: Node | None = None             # ruamel's own nodes, whose marks say where each value ends

    def place(self, path: Path) -> Place:
        """The place of a value; of the nearest thing around it when it is not there."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(1, 1))

    def key_place(self, path: Path) -> Place:
        """The place of a key."""
        return self.keys.get(path) or self.place(path)

    def inside(self, path: Path, line: int, column: int) -> tuple[int, int]:
        """Line and column in the file of a position inside a text value (both from 1)."""
        place = self.place(path)
        if place.style == "|":
            first = self.lines[place.line] if place.line < len(self.lines) else ""
            return place.line + line, len(first) - len(first.lstrip(" ")) + column
        if not place.is_one_line or line != 1:
            return place.line, place.column
        return place.line, place.column + column - 1 + (1 if place.style in ("'", '"') else 0)


def read_document(text: str) -> Document:
    """Read one YAML document. Raises InvalidRules with the place of what YAML cannot read."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidRules([Problem(1, 1, "文件太大", "the file is too large")])
    values: dict[Path, Place] = {}
    keys: dict[Path, Place] = {}
    try:
        yaml = YAML(typ="rt")
        root = yaml.compose(text)
        if root is not None:
            _walk(root, (), values, keys, set())
        # Made from the nodes at hand: reading the text is nearly all the time that a check takes.
        value = _plain(yaml.constructor.construct_document(root)) if root is not None else None
    except RecursionError as exc:
        raise InvalidRules([Problem(1, 1, "嵌套太深", "nested too deeply")]) from exc
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        said = " ".join(str(exc.problem or exc.context or "").split())
        raise InvalidRules([Problem(line, column, f"不是有效的 YAML:{said}", f"not valid YAML: {said}")]) from exc
    except (YAMLError, ValueError) as exc:          # ValueError: a time that is none, an integer without end
        said = (str(exc).splitlines() or ["?"])[0]
        raise InvalidRules([Problem(1, 1, f"不是有效的 YAML:{said}", f"not valid YAML: {said}")]) from exc
    return Document(value, values, keys, text.splitlines(), root)


def _walk(node: Node, path: Path, values: dict[Path, Place], keys: dict[Path, Place], met: set[int]) -> None:
    place = _place(node)
    if id(node) in met:
        # An alias makes one node appear again, even inside itself: a few lines could grow without end.
        raise InvalidRules([Problem(place.line, place.column, "不能使用 YAML 别名(& 和 *)",
                                    "YAML aliases (& and *) are not used here")])
    met.add(id(node))
    if isinstance(node, ScalarNode) and node.tag == _TIMESTAMP:
        _check_date(node.value, place)
    values[path] = place
    if isinstance(node, MappingNode):
        for key, value in node.value:
            here = (*path, key.value if isinstance(key, ScalarNode) else str(key.value))
            keys[here] = _place(key)
            _walk(value, here, values, keys, met)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), values, keys, met)


def _check_date(text: str, place: Place) -> None:
    """YAML makes a date of what looks like one, and fails without a place where there is no such day."""
    try:
        date.fromisoformat(text[:10])
    except ValueError as exc:
        raise InvalidRules([Problem(place.line, place.column, f"没有「{text}」这一天",
                                    f"there is no day {text}")]) from exc


def _place(node: Node) -> Place:
    start, end = node.start_mark, node.end_mark
    style = (node.style or "") if isinstance(node, ScalarNode) else ""
    return Place(start.line + 1, start.column + 1, style, start.line == end.line)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
