"""What facts can be, cut into regions that the conditions of a rule set cannot tell apart.

Each thing a condition compares (a fact, or an expression such as `size(ecg.statements)`) is a variable. The numbers
and texts that the rule set mentions cut its values into a few regions: "below 14", "14", "between 14 and 65", …,
and one more for "not known". A set of values is then a bit mask, and union, intersection and complement are exact.

What is not a comparison with a constant (`description.contains("胸")`, a loop over statements) is a variable of its
own with three regions: true, false, cannot be told. Two such variables are taken as independent, though they may
not be: the analysis then sees more as possible than there is, so that it claims less, never too much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from routing_rules.analysis_tree import Kind, Tree, Value
from routing_rules.facts import FACTS, FactType, FactValue

TRUE, FALSE, UNKNOWN = 1, 2, 4
"""The regions of a variable that is true, false, or cannot be told."""

MAX_STEPS = 3_000_000
"""Comparisons of boxes for one rule set, a few seconds at most: beyond that, nothing more is claimed."""

_SIGNS = {"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"}
_MIRRORED = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}
_TEXT_TESTS = {"contains", "startsWith", "endsWith"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variable compared with constants: `sign` is a CEL operator, or @in."""

    variable: str
    sign: str
    constants: tuple[Value, ...]
    is_number: bool
    is_whole: bool                       # an int: nothing lies between 7 and 8


@dataclass(slots=True)
class Variable:
    """One thing that is compared, and its regions; bit 0 is always "not known"."""

    name: str
    is_number: bool = False
    is_whole: bool = False
    constants: set[Value] = field(default_factory=set)
    regions: list[tuple[float, float] | str | None] = field(default_factory=list)
    # of numbers: (low, high), a point where both are equal, else without its ends; of texts: the text; None: others
    masks: dict[tuple[str, tuple[Value, ...]], int] = field(default_factory=dict)

    @property
    def everything(self) -> int:
        """All regions, and not known."""
        return (2 << len(self.regions)) - 1

    @property
    def known(self) -> int:
        """All regions but not known."""
        return self.everything & ~1

    def mask(self, sign: str, constants: tuple[Value, ...]) -> int:
        """Regions in which the comparison is true."""
        found = self.masks.get((sign, constants))
        if found is None:
            wanted = constants if sign == "@in" else constants[0]
            found = sum(2 << at for at, region in enumerate(self.regions) if _holds(region, sign, wanted))
            self.masks[(sign, constants)] = found
        return found

    def sample(self, mask: int) -> FactValue | None:
        """A value in one of these regions; None for "not known" and where there is none at hand."""
        for at, region in enumerate(self.regions):
            if not mask & (2 << at):
                continue
            if isinstance(region, tuple):
                number = _inside(*region)
                return int(number) if self.is_whole else number
            if region is not None:
                return region
        return None


class Space:
    """All variables of some conditions. Every condition that is asked of it must have been given to it."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self.steps_left = MAX_STEPS
        self.variables: dict[str, Variable] = {}
        for tree in trees:
            for node in tree.walk():
                compared = comparison(node)
                if compared is not None:
                    self._met(compared)
        for variable in self.variables.values():
            variable.regions = _cut(variable)

    def everything(self, name: str) -> int:
        """All regions of a variable; of one that is only true or false, the three."""
        variable = self.variables.get(name)
        return TRUE | FALSE | UNKNOWN if variable is None else variable.everything

    def can_afford(self, steps: int) -> bool:
        """Take so many steps from what is left; False when that is too little."""
        self.steps_left -= steps
        return self.steps_left > 0

    def _met(self, compared: Comparison) -> None:
        variable = self.variables.setdefault(
            compared.variable, Variable(compared.variable, compared.is_number, compared.is_whole))
        variable.constants.update(compared.constants)


def comparison(node: Tree) -> Comparison | None:
    """The node as a comparison of one thing with constants, or None."""
    if node.kind is not Kind.CALL or len(node.parts) != 2:
        return None
    left, right = node.parts
    if node.name in _SIGNS:
        sign = node.name
        if left.kind is Kind.CONSTANT:
            left, right, sign = right, left, _MIRRORED.get(sign, sign)
        constants: tuple[Value, ...] = (right.value,) if right.kind is Kind.CONSTANT else ()
    elif node.name == "@in" and right.kind is Kind.LIST:
        sign = "@in"
        constants = tuple(part.value for part in right.parts if part.kind is Kind.CONSTANT)
        if len(constants) != len(right.parts):
            return None
    elif node.name in _TEXT_TESTS and left.name in FACTS and FACTS[left.name].choices:
        # Only where the fact has its few texts: then each of them passes the test, or does not.
        sign, constants = node.name, (right.value,) if right.kind is Kind.CONSTANT else ()
    else:
        return None
    if left.kind is Kind.CONSTANT or not constants or not _is_simple(left):
        return None
    if left.type == "string" and all(isinstance(c, str) for c in constants) and sign not in _MIRRORED:
        return Comparison(left.key, sign, constants, is_number=False, is_whole=False)
    # A double that is computed may be NaN, for which neither < nor >= holds; a declared fact never is.
    is_number = left.type == "int" or (left.type == "double" and left.kind is Kind.NAME)
    if is_number and all(isinstance(c, int | float) and not isinstance(c, bool) for c in constants):
        return Comparison(left.key, sign, constants, is_number=True, is_whole=left.type == "int")
    return None


def _is_simple(tree: Tree) -> bool:
    # Inside a loop the same name stands for another value at each turn.
    return all(node.kind is not Kind.NAME or node.name in FACTS for node in tree.walk())


def _cut(variable: Variable) -> list[tuple[float, float] | str | None]:
    fact = FACTS.get(variable.name)
    if variable.is_number:
        return _cut_numbers(variable, *limits(variable.name))
    if fact is not None and fact.choices and fact.type is FactType.STRING:
        return list(fact.choices)
    return [*sorted(str(constant) for constant in variable.constants), None]


def limits(name: str) -> tuple[float, float]:
    """The smallest and the largest number that this can be."""
    fact = FACTS.get(name)
    if fact is None:
        return (0 if name.startswith("call:size(") else -math.inf), math.inf
    low, high = getattr(fact, "lowest", None), getattr(fact, "highest", None)
    return (-math.inf if low is None else low), (math.inf if high is None else high)


def _cut_numbers(variable: Variable, lowest: float, highest: float) -> list[tuple[float, float] | str | None]:
    ends: set[float] = {end for end in (lowest, highest) if math.isfinite(end)}
    ends |= {c for c in variable.constants if isinstance(c, int | float) and lowest <= c <= highest}
    points = sorted(ends - {math.inf, -math.inf})
    regions: list[tuple[float, float] | str | None] = []
    before = -math.inf
    for point in points:
        regions += [(before, point), (point, point)]
        before = point
    regions.append((before, math.inf))
    return [r for r in regions if isinstance(r, tuple) and lowest <= r[1] and r[0] <= highest
            and (r[0] == r[1] or (r[0] < highest and r[1] > lowest))
            and not (variable.is_whole and r[0] + 1 == r[1])]


def _holds(region: tuple[float, float] | str | None, sign: str, wanted: Value | tuple[Value, ...]) -> bool:
    if isinstance(wanted, tuple):
        return any(_holds(region, "_==_", each) for each in wanted)
    if isinstance(region, tuple):
        assert isinstance(wanted, int | float)
        low, high = region
        is_point = low == high
        if sign == "_==_":
            return is_point and low == wanted
        if sign == "_!=_":
            return not (is_point and low == wanted)
        # The wanted number is itself an end of regions, or outside what the fact can be: never inside a region.
        if sign == "_<_":
            return low < wanted if is_point else high <= wanted
        if sign == "_<=_":
            return high <= wanted
        if sign == "_>_":
            return low > wanted if is_point else low >= wanted
        return low >= wanted
    if sign == "_==_":
        return region == wanted
    if sign == "_!=_":
        return region != wanted
    assert region is not None
    assert isinstance(wanted, str)
    if sign == "contains":
        return wanted in region
    return region.startswith(wanted) if sign == "startsWith" else region.endswith(wanted)


def _inside(low: float, high: float) -> float:
    if low == high:
        return low
    if math.isinf(low):
        return 0.0 if math.isinf(high) else high - 1
    if math.isinf(high):
        return low + 1
    middle = (low + high) / 2
    return float(math.floor(middle)) if low < math.floor(middle) < high else middle
