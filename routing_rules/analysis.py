"""What can be said of conditions without asking them: never true, always true, true only where others are.

A box is one region set a variable; a condition is true in a union of boxes. The boxes hold at least every case in
which it really is true ("may hold"); where it has no loop, whose budget could end it, they are exact in what they
claim ("surely holds"). So "never" is said of an empty may-hold, "covered" of a may-hold inside a surely-hold, and
whatever grows beyond the limits below is left alone: silence, never a false claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from routing_rules.analysis_space import FALSE, TRUE, UNKNOWN, Space, comparison
from routing_rules.analysis_tree import Kind, Tree, tree_of
from routing_rules.facts import FACTS
from routing_rules.model import Condition

Box = Mapping[str, int]
"""Variable to the regions it may be in; a variable that is not named may be anything."""

MAX_BOXES = 64
MAX_COMPARED = 60
"""Conditions of one rule that are compared with each other to find those that contradict."""


@lru_cache(maxsize=8192)
def tree_of_condition(condition: Condition) -> Tree:
    """The tree of a compiled condition; the same text is read once."""
    return tree_of(condition.program)


class Analysis:
    """Questions about the rules of one rule set, each given as its conditions."""

    def __init__(self, rules: Sequence[Sequence[Condition]]) -> None:
        self.trees = [[tree_of_condition(condition) for condition in conditions] for conditions in rules]
        self.space = Space(tree for trees in self.trees for tree in trees)
        self._conditions: dict[str, list[Box]] = {}
        self.may_hold = [self._all(trees, is_sure=False) for trees in self.trees]
        self.surely_holds = [self._all(trees, is_sure=True) for trees in self.trees]

    def is_never(self, tree: Tree) -> bool:
        """True if no facts make it true."""
        return not where(tree, True, self.space)

    def is_always(self, tree: Tree) -> bool:
        """True if it is true for every study whose facts, as far as it asks them, are known."""
        if has_loop(tree):
            return False
        known: dict[str, int] = {}
        for node in tree.walk():
            name = compared.variable if (compared := comparison(node)) else node.key
            if name in FACTS:
                known[name] = self.space.everything(name) & ~(UNKNOWN if name not in self.space.variables else 1)
        return self.covers(where(tree, True, self.space), [known])

    def covers(self, outer: Iterable[Box], inner: Sequence[Box]) -> bool:
        """As `covers`, within what is left of the steps for this rule set."""
        return covers(outer, inner, self.space)

    def both(self, first: int, second: int) -> list[Box]:
        """The boxes in which both rules may hold; none as well when there are too many."""
        ours, theirs = self.may_hold[first], self.may_hold[second]
        return (product(ours, theirs) or []) if self.space.can_afford(len(ours) * len(theirs)) else []

    def contradicting(self, trees: Sequence[Tree]) -> tuple[int, int] | None:
        """The first two of these that are never true together, though each alone can be."""
        found = [where(tree, True, self.space) for tree in trees[:MAX_COMPARED]]
        for second, theirs in enumerate(found):
            for first, ours in enumerate(found[:second]):
                if ours and theirs and product(ours, theirs) == []:
                    return first, second
        return None

    def _all(self, trees: Sequence[Tree], *, is_sure: bool) -> list[Box]:
        boxes: list[Box] = [{}]
        for tree in trees:
            kind = "sure" if is_sure else "may"
            key = f"{kind} {tree.key}"
            if key not in self._conditions:
                self._conditions[key] = self._of(tree, is_sure=is_sure)
            boxes = _both(boxes, self._conditions[key], tree, self.space)
        return boxes

    def _of(self, tree: Tree, *, is_sure: bool) -> list[Box]:
        if not has_loop(tree):
            return where(tree, True, self.space)
        # A loop may end by its budget: that the whole is true is then a thing of its own, the same in every rule.
        whole: list[Box] = [{f"whole {tree.key}": TRUE}]
        return whole if is_sure else _both(where(tree, True, self.space), whole, tree, self.space)


def where(tree: Tree, wanted: bool, space: Space) -> list[Box]:
    """The boxes in which the expression is `wanted`; neither true nor false where a fact is missing."""
    if tree.kind is Kind.CONSTANT:
        return [{}] if tree.value is wanted else []
    if tree.kind is Kind.CALL:
        if tree.name == "!_":
            return where(tree.parts[0], not wanted, space)
        if tree.name in ("_&&_", "_||_"):
            left, right = (where(part, wanted, space) for part in tree.parts)
            if (tree.name == "_&&_") is wanted:
                return _both(left, right, tree, space, wanted)
            return _either([*left, *right], tree, wanted)
        if tree.name == "_?_:_":
            asked, yes, no = tree.parts
            return _either([*_both(where(asked, True, space), where(yes, wanted, space), yes, space, wanted),
                            *_both(where(asked, False, space), where(no, wanted, space), no, space, wanted)],
                           tree, wanted)
        flipped = _against_a_constant(tree)
        if flipped is not None:
            return where(flipped[0], flipped[1] is wanted, space)
    compared = comparison(tree)
    if compared is None:
        return _opaque(tree, wanted)
    variable = space.variables[compared.variable]
    mask = variable.mask(compared.sign, compared.constants)
    mask = mask if wanted else variable.known & ~mask
    return [{variable.name: mask}] if mask else []


def product(left: Sequence[Box], right: Sequence[Box]) -> list[Box] | None:
    """Boxes in which both hold; None when there are too many."""
    found: list[Box] = []
    for ours in left:
        for theirs in right:
            both = _meet(ours, theirs)
            if both is not None:
                found.append(both)
                if len(found) > MAX_BOXES:
                    return None
    return found


def covers(outer: Iterable[Box], inner: Sequence[Box], space: Space | None = None) -> bool:
    """True if every case of `inner` surely lies in `outer`; False as well when that is too long to find out."""
    # A box never holds "not known" of what it names: so one that names more than the inner box leaves that case over.
    if not inner:
        return True
    asked = inner[0].keys()
    candidates = [box for box in outer if box.keys() <= asked] if len(inner) == 1 else list(outer)
    return all((space is None or space.can_afford(len(candidates))) and _is_covered(box, candidates, space)
               for box in inner)


def has_loop(tree: Tree) -> bool:
    """True if it holds a loop or a map, which may end by the runtime's budget."""
    return any(node.kind is Kind.OTHER for node in tree.walk())


def _is_covered(box: Box, candidates: Sequence[Box], space: Space | None) -> bool:
    remaining = [box]
    for outer in candidates:
        if not outer.keys() <= box.keys():
            continue
        rest: list[Box] = []
        for piece in remaining:
            rest += _minus(piece, outer)
        if not rest:
            return True
        if len(rest) > MAX_BOXES or (space is not None and not space.can_afford(len(remaining))):
            return False
        remaining = rest
    return False


def _minus(box: Box, outer: Box) -> list[Box]:
    if any(not box[name] & mask for name, mask in outer.items()):
        return [box]
    pieces: list[Box] = []
    left = dict(box)
    for name, mask in outer.items():
        outside = left[name] & ~mask
        if outside:
            pieces.append({**left, name: outside})
            left[name] &= mask
    return pieces


def _meet(left: Box, right: Box) -> Box | None:
    if not left or not right:
        return left or right
    both = dict(left)
    for name, mask in right.items():
        narrowed = both[name] & mask if name in both else mask
        if not narrowed:
            return None
        both[name] = narrowed
    return both


def _both(left: list[Box], right: list[Box], right_tree: Tree, space: Space, wanted: bool = True) -> list[Box]:
    found = product(left, right) if space.can_afford(len(left) * len(right)) else None
    if found is not None:
        return found
    # Too many cases: the second part is taken as a whole, as something that may be true or false.
    return [box for each in left for box in (_meet(each, _opaque(right_tree, wanted)[0]),) if box is not None]


def _either(boxes: list[Box], tree: Tree, wanted: bool) -> list[Box]:
    return boxes if len(boxes) <= MAX_BOXES else _opaque(tree, wanted)


def _opaque(tree: Tree, wanted: bool) -> list[Box]:
    return [{tree.key: TRUE if wanted else FALSE}]


def _against_a_constant(tree: Tree) -> tuple[Tree, bool] | None:
    """`x == true`, `false != x`: the expression and what it must be."""
    if tree.name not in ("_==_", "_!=_") or not any(part.type == "bool" for part in tree.parts):
        return None
    for part, other in (tree.parts, tree.parts[::-1]):
        if isinstance(part.value, bool) and part.kind is Kind.CONSTANT:
            return other, part.value is (tree.name == "_==_")
    return None
