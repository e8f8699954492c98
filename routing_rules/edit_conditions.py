"""A condition as a line of a form: fact, operator, value; and back as CEL.

A form shows what these operators can say. Every other condition stays CEL (operator "text") and is never rewritten.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from routing_rules.analysis import tree_of_condition
from routing_rules.analysis_space import comparison
from routing_rules.analysis_tree import Kind, Tree
from routing_rules.conditions import compile_condition
from routing_rules.facts import FACTS, FactType
from routing_rules.model import Condition


class Operator(StrEnum):
    """What a form offers."""

    IS = "is"
    IS_NOT = "is_not"
    ONE_OF = "one_of"
    NONE_OF = "none_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"                  # [from, to]: from <= x < to; from 20 to 8 runs past midnight
    CONTAINS = "contains"                # a text contains this, or any of these
    ANY_CONTAINS = "any_contains"        # any entry of a list contains this, or any of these
    ANY_IS = "any_is"                    # any entry of a list is this, or any of these
    TEXT = "text"                        # CEL, as it stands in the file


@dataclass(frozen=True, slots=True)
class FormCondition:
    """One condition. `fact` may have a key: `load.waiting["imaging"]`; it is empty where only the text is known."""

    fact: str
    operator: str
    value: Any
    text: str = ""                       # as it stands in the file

    @property
    def is_form(self) -> bool:
        """True if a form can show it."""
        return self.operator != Operator.TEXT


class EditRefused(ValueError):
    """The form or the place asked for cannot be written into the file; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh, self.en = zh, en


_SIGNS = {"_==_": Operator.IS, "_!=_": Operator.IS_NOT, "@in": Operator.ONE_OF, "_>=_": Operator.AT_LEAST,
          "_<=_": Operator.AT_MOST, "_>_": Operator.ABOVE, "_<_": Operator.BELOW}
_NOT = {Operator.IS: Operator.IS_NOT, Operator.IS_NOT: Operator.IS, Operator.ONE_OF: Operator.NONE_OF,
        Operator.AT_LEAST: Operator.BELOW, Operator.BELOW: Operator.AT_LEAST, Operator.AT_MOST: Operator.ABOVE,
        Operator.ABOVE: Operator.AT_MOST}
_WRITTEN = {Operator.IS: "==", Operator.IS_NOT: "!=", Operator.AT_LEAST: ">=", Operator.AT_MOST: "<=",
            Operator.ABOVE: ">", Operator.BELOW: "<"}
_KEYED = re.compile(r'([a-z_.]+)\["((?:[^"\\]|\\.)+)"\]')
_NUMBERS = (Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOVE, Operator.BELOW, Operator.BETWEEN)


def form_of(text: str) -> FormCondition:
    """The condition as a form, or as text where a form cannot show it."""
    plain = FormCondition("", Operator.TEXT, text, text)
    compiled = compile_condition(text)
    if not isinstance(compiled, Condition):
        return plain
    tree = tree_of_condition(compiled)
    for form in _candidates(tree, text):
        # Written back and compared as the runtime reads it: a form never says less or more than the condition.
        try:
            again = compile_condition(cel_of(form))
        except EditRefused:
            continue
        if isinstance(again, Condition) and _plain_key(tree_of_condition(again)) == _plain_key(tree):
            return form
    return plain


def cel_of(form: FormCondition) -> str:
    """The condition as CEL. Raises EditRefused where fact, operator and value do not fit together."""
    if form.operator == Operator.TEXT:
        if not isinstance(form.value, str) or not form.value.strip():
            raise EditRefused("条件不能为空", "a condition must not be empty")
        return form.value
    name, kind = form.fact, _type_of(form.fact)
    operator = _operator(form.operator)
    if kind == "bool":
        if operator is not Operator.IS or not isinstance(form.value, bool):
            raise _unfit(form)
        return name if form.value else f"!{name}"
    if operator in (Operator.CONTAINS, Operator.ANY_CONTAINS, Operator.ANY_IS):
        return _text_test(form, operator, kind)
    if kind == FactType.STRINGS or (kind == FactType.STRING and operator in _NUMBERS):
        raise _unfit(form)
    if operator in (Operator.ONE_OF, Operator.NONE_OF):
        inner = f"{name} in [{', '.join(_literal(each, kind, form) for each in _several(form))}]"
        return inner if operator is Operator.ONE_OF else f"!({inner})"
    if operator is Operator.BETWEEN:
        return _range(form, name, kind)
    return f"{name} {_WRITTEN[operator]} {_literal(form.value, kind, form)}"


def same(one: FormCondition, other: FormCondition) -> bool:
    """True if both say the same, so that the text in the file can stay."""
    return (one.fact, one.operator, _canonical(one.value)) == (other.fact, other.operator, _canonical(other.value))


def _candidates(tree: Tree, text: str) -> list[FormCondition]:
    found: list[tuple[str, Operator, Any] | None] = [_boolean(tree), _comparison(tree), _between(tree), _tests(tree)]
    return [FormCondition(each[0], each[1], each[2], text) for each in found if each is not None]


def _boolean(tree: Tree) -> tuple[str, Operator, Any] | None:
    if tree.name == "!_" and tree.parts[0].kind is Kind.NAME:
        return tree.parts[0].name, Operator.IS, False
    return (tree.name, Operator.IS, True) if tree.kind is Kind.NAME else None


def _comparison(tree: Tree) -> tuple[str, Operator, Any] | None:
    if tree.name == "!_":
        inner = _comparison(tree.parts[0])
        return (inner[0], _NOT[inner[1]], inner[2]) if inner is not None and inner[1] in _NOT else None
    compared = comparison(tree)
    if compared is None or compared.sign not in _SIGNS:
        return None
    named = next((part for part in tree.parts if part.kind is not Kind.CONSTANT), None)
    name = _fact_of(named) if named is not None else ""
    operator = _SIGNS[compared.sign]
    value = list(compared.constants) if operator is Operator.ONE_OF else compared.constants[0]
    return (name, operator, value) if name else None


def _between(tree: Tree) -> tuple[str, Operator, Any] | None:
    if tree.name not in ("_&&_", "_||_"):
        return None
    low, high = (_comparison(part) for part in tree.parts)
    if low is None or high is None or low[0] != high[0]:
        return None
    if low[1] is not Operator.AT_LEAST or high[1] is not Operator.BELOW:
        return None
    is_range = low[2] < high[2] if tree.name == "_&&_" else low[2] > high[2]
    return (low[0], Operator.BETWEEN, [low[2], high[2]]) if is_range else None


def _tests(tree: Tree) -> tuple[str, Operator, Any] | None:
    """`x.contains("a") || x.contains("b")`, `"a" in list`, `list.exists(s, s.contains("a"))`."""
    if tree.kind is Kind.OTHER:
        names = [node.name for node in tree.walk() if node.name in FACTS]
        texts = [node.value for node in tree.walk() if isinstance(node.value, str)]
        return (names[0], Operator.ANY_CONTAINS, _one_or_list(texts)) if len(names) == 1 and texts else None
    found: list[tuple[str, Operator, str]] = []
    for part in _alternatives(tree):
        if len(part.parts) != 2:
            return None
        left, right = part.parts
        if part.name == "contains" and left.kind is Kind.NAME and isinstance(right.value, str):
            found.append((left.name, Operator.CONTAINS, right.value))
        elif part.name == "@in" and right.kind is Kind.NAME and isinstance(left.value, str):
            found.append((right.name, Operator.ANY_IS, left.value))
        else:
            return None
    if len({each[:2] for each in found}) != 1:
        return None
    return found[0][0], found[0][1], _one_or_list([each[2] for each in found])


def _alternatives(tree: Tree) -> list[Tree]:
    if tree.name != "_||_":
        return [tree]
    return [part for each in tree.parts for part in _alternatives(each)]


def _plain_key(tree: Tree) -> str:
    """Equal for conditions that a form shows alike: `!(x == 1)` and `x != 1`, `1 == x` and `x == 1`, chains of ||."""
    shown = _comparison(tree)
    if shown is not None:
        return f"{shown[0]} {shown[1]} {shown[2]!r}"
    if tree.name in ("_||_", "_&&_"):
        return f"{tree.name}({','.join(sorted(_plain_key(part) for part in _chain(tree, tree.name)))})"
    return re.sub(r"loop \w+,", "loop s,", tree.key)


def _chain(tree: Tree, sign: str) -> list[Tree]:
    return [part for each in tree.parts for part in _chain(each, sign)] if tree.name == sign else [tree]


def _fact_of(tree: Tree) -> str:
    if tree.kind is Kind.NAME:
        return tree.name
    if tree.name == "_[_]" and tree.parts[0].kind is Kind.NAME and isinstance(tree.parts[1].value, str):
        return f"{tree.parts[0].name}[{json.dumps(tree.parts[1].value, ensure_ascii=False)}]"
    return ""


def _type_of(name: str) -> str:
    keyed = _KEYED.fullmatch(name)
    fact = FACTS.get(keyed.group(1) if keyed else name)
    if fact is None:
        raise EditRefused(f"没有「{name}」这个事实", f"there is no fact {name}")
    if keyed is None:
        return fact.type.value
    return FactType.INT.value               # a fact with a key is a count of each group


def _operator(word: str) -> Operator:
    try:
        return Operator(word)
    except ValueError as exc:
        raise EditRefused(f"不认识的比较方式「{word}」", f"unknown operator {word}") from exc


def _literal(value: Any, kind: str, form: FormCondition) -> str:
    if kind == FactType.STRING and isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if kind == FactType.DOUBLE:
            return repr(float(value))
        if kind == FactType.INT and float(value).is_integer():
            return str(int(value))
    raise _unfit(form)


def _several(form: FormCondition) -> list[Any]:
    if not isinstance(form.value, list | tuple) or not form.value:
        raise _unfit(form)
    return list(form.value)


def _range(form: FormCondition, name: str, kind: str) -> str:
    ends = _several(form)
    if len(ends) != 2 or kind not in (FactType.INT, FactType.DOUBLE):
        raise _unfit(form)
    low, high = (_literal(end, kind, form) for end in ends)
    if ends[0] == ends[1]:
        raise EditRefused("范围的开始和结束不能相同", "a range must not begin where it ends")
    if ends[0] < ends[1]:
        return f"{name} >= {low} && {name} < {high}"
    if not name.startswith("arrival."):
        raise EditRefused(f"{name} 的范围要从小到大写", f"write the range of {name} from low to high")
    return f"{name} >= {low} || {name} < {high}"


def _text_test(form: FormCondition, operator: Operator, kind: str) -> str:
    if kind != (FactType.STRING if operator is Operator.CONTAINS else FactType.STRINGS):
        raise _unfit(form)
    several = [form.value] if isinstance(form.value, str) else _several(form)
    texts = [_literal(each, FactType.STRING, form) for each in several]
    if operator is Operator.ANY_IS:
        return " || ".join(f"{text} in {form.fact}" for text in texts)
    subject = form.fact if operator is Operator.CONTAINS else "s"
    inner = " || ".join(f"{subject}.contains({text})" for text in texts)
    return inner if operator is Operator.CONTAINS else f"{form.fact}.exists(s, {inner})"


def _unfit(form: FormCondition) -> EditRefused:
    said = json.dumps(form.value, ensure_ascii=False, default=str)
    return EditRefused(f"「{form.fact}」不能用「{form.operator}」与 {said} 比较",
                       f"{form.fact} cannot be compared by {form.operator} with {said}")


def _one_or_list(texts: list[Any]) -> Any:
    return texts[0] if len(texts) == 1 else texts


def _canonical(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = value[0] if len(value) == 1 else [float(v) if _is_number(v) else v for v in value]
    return json.dumps(float(value) if _is_number(value) else value, default=str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
