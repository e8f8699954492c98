"""Change one rule of a text through a form: comments and everything else in the file stay as they were."""

from __future__ import annotations

import asyncio

from gateway.core.errors import InvalidRequest
from gateway.services.rules.refused import RulesRefused
from routing_rules.edit import EditRefused, moved, rule_forms, with_rule, without_rule
from routing_rules.edit import FormCondition as FormCondition
from routing_rules.edit import RuleForm as RuleForm
from routing_rules.model import InvalidRules


async def forms_of(source: str) -> list[RuleForm]:
    """Every rule in order. Raises RulesRefused when the file cannot be read as rules."""
    try:
        return await asyncio.to_thread(rule_forms, source)
    except InvalidRules as exc:
        raise RulesRefused(exc.problems) from exc


async def edited(source: str, index: int | None, form: RuleForm | None, move_to: int | None = None) -> str:
    """Return the text with the rule added (no index), replaced, moved, or removed (no form).

    Raises RulesRefused, InvalidRequest("edit-refused").
    """
    def change() -> str:
        if form is not None:
            text = with_rule(source, index, form)
            return text if index is None or move_to is None else moved(text, index, move_to)
        if index is None:
            raise InvalidRequest("Say which rule: index.")
        return without_rule(source, index) if move_to is None else moved(source, index, move_to)

    try:
        return await asyncio.to_thread(change)
    except InvalidRules as exc:
        raise RulesRefused(exc.problems) from exc
    except EditRefused as exc:
        raise InvalidRequest(f"{exc.zh} / {exc.en}", reason="edit-refused") from exc
