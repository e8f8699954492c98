"""The tree of a compiled condition, read from what the CEL runtime itself checked.

cel-expr-python 0.1.3 shows no tree, but `Expression.serialize()` is a `cel.expr.CheckedExpr` in protobuf's wire form
(github.com/google/cel-spec, checked.proto and syntax.proto): names resolved, types known, places kept. Reading that
is shorter and surer than a second parser of the language, so the analysis sees exactly what will be evaluated.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

Value = str | int | float | bool | bytes | None

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}


class Kind(StrEnum):
    """What a node is."""

    CONSTANT = "constant"
    NAME = "name"
    SELECT = "select"
    CALL = "call"
    LIST = "list"
    OTHER = "other"                      # maps, messages and loops: never looked into, only compared as a whole


@dataclass(frozen=True)
class Tree:
    """One node. `name` is a fact, a function or a field; `parts` are operands (the target of a method first)."""

    kind: Kind
    at: int                              # character of the text where its sign stands, from 0
    type: str = ""                       # "bool", "int", "double", "string" …; empty for lists, maps and dyn
    name: str = ""
    value: Value = None
    parts: tuple[Tree, ...] = ()

    @cached_property
    def key(self) -> str:
        """The same for equal expressions, wherever they stand."""
        if self.kind is Kind.CONSTANT:
            return f"{self.value!r}{'u' if self.type == 'uint' else ''}"
        if self.kind is Kind.NAME:
            return self.name
        return f"{self.kind}:{self.name}({','.join(part.key for part in self.parts)})"

    @cached_property
    def begins(self) -> int:
        """The first character of the whole expression."""
        return min((self.at, *(part.begins for part in self.parts)))

    def walk(self) -> Iterator[Tree]:
        """This node and everything below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def tree_of(program: Any) -> Tree:
    """Return the tree of a compiled expression (`cel_expr_python` Expression)."""
    wrapped = _fields(program.serialize())
    checked = _fields(_one(wrapped, 2))
    types = {number: kind for entry in checked.get(3, ()) for number, kind in (_typed(entry),)}
    source = _fields(_one(checked, 5))
    places: dict[int, int] = {}
    for entry in source.get(4, ()):
        pair = _fields(entry)
        places[_number(pair, 1)] = _number(pair, 2)
    return _node(_one(checked, 4), types, places)


def _node(raw: bytes, types: dict[int, str], places: dict[int, int]) -> Tree:
    fields = _fields(raw)
    number = _number(fields, 2)
    at, kind = places.get(number, 0), types.get(number, "")

    def child(part: bytes) -> Tree:
        return _node(part, types, places)

    if 3 in fields:
        value = _constant(_fields(_one(fields, 3)))
        return Tree(Kind.CONSTANT, at, kind, value=value)
    if 4 in fields:
        name = _text(_fields(_one(fields, 4)), 1)
        # CEL keeps the place of the last dot of a dotted name.
        return Tree(Kind.NAME, max(0, at - max(0, name.rfind("."))), kind, name)
    if 5 in fields:
        select = _fields(_one(fields, 5))
        name = _text(select, 2) + ("?" if _number(select, 3) else "")
        return Tree(Kind.SELECT, at, kind, name, parts=(child(_one(select, 1)),))
    if 6 in fields:
        call = _fields(_one(fields, 6))
        operands = [*call.get(1, ()), *call.get(3, ())]
        return Tree(Kind.CALL, at, kind, _text(call, 2), parts=tuple(child(part) for part in operands))
    if 7 in fields:
        elements = _fields(_one(fields, 7)).get(1, ())
        return Tree(Kind.LIST, at, kind, parts=tuple(child(part) for part in elements))
    return _other(fields, at, kind, types, places)


def _other(fields: dict[int, list[Any]], at: int, kind: str, types: dict[int, str], places: dict[int, int]) -> Tree:
    """A loop or a map: its nodes are listed, so that facts and constants in it are found; they mean nothing here."""
    if 9 not in fields:
        return Tree(Kind.OTHER, at, kind, name=repr(fields.get(8)))
    loop = _fields(_one(fields, 9))
    names = ",".join(_text(loop, field) for field in (1, 3, 8))
    parts = tuple(_node(_one(loop, field), types, places) for field in (2, 4, 5, 6, 7) if field in loop)
    return Tree(Kind.OTHER, at, kind, f"loop {names}", parts=parts)


def _constant(fields: dict[int, list[Any]]) -> Value:
    [(field, [*_, raw])] = fields.items()
    if field == 2:
        return bool(raw)
    if field == 4:
        return int(raw)
    if field == 3:
        return int(raw) - (1 << 64) if raw >> 63 else int(raw)
    if field == 5:
        [number] = struct.unpack("<d", raw)
        return float(number)
    if field == 6:
        return bytes(raw).decode()
    return bytes(raw) if field == 7 else None


def _typed(entry: bytes) -> tuple[int, str]:
    pair = _fields(entry)
    kind = _fields(_one(pair, 2))
    return _number(pair, 1), _PRIMITIVES.get(_number(kind, 3), "")


def _one(fields: dict[int, list[Any]], field: int) -> bytes:
    found = fields.get(field)
    return bytes(found[-1]) if found else b""


def _number(fields: dict[int, list[Any]], field: int) -> int:
    found = fields.get(field)
    return int(found[-1]) if found else 0


def _text(fields: dict[int, list[Any]], field: int) -> str:
    return _one(fields, field).decode()


def _fields(raw: bytes) -> dict[int, list[Any]]:
    """One protobuf message: field number to its values, in order. Varints as int, everything else as bytes."""
    found: dict[int, list[Any]] = {}
    at, end = 0, len(raw)
    while at < end:
        tag, at = _varint(raw, at)
        kind = tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint(raw, at)
        else:
            if kind == _BYTES:
                size, at = _varint(raw, at)
            else:
                size = {_FIXED64: 8, _FIXED32: 4}[kind]
            value = raw[at:at + size]
            at += size
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    byte = raw[at]
    at += 1
    if byte < 0x80:
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
