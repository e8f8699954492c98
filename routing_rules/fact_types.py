"""What a fact is: its type, its place of origin, and the words for it. The facts themselves stand in facts.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FactValue = str | int | float | bool | list[str] | dict[str, int]


class FactType(StrEnum):
    """The CEL type of a fact. A double is compared with 65.0, never with 65."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"
    STRINGS = "list(string)"
    COUNTS = "map(string, int)"          # by group: load.waiting["imaging"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a rule may ask."""

    name: str
    type: FactType
    unit: str
    source: str                          # where the gateway takes it from
    zh: str
    en: str
    choices: tuple[str, ...] = ()        # the only texts it can be or hold; a rule that asks for another is an error
    is_measured: bool = False            # a device's own statement or measurement: may only raise priority (K3)
    lowest: float | None = None          # the only numbers that the gateway can hand in
    highest: float | None = None
    is_derived: bool = False             # made by `decide` from the rule set itself; never stored with a decision
