"""The duty groups of one version of the rules. A version never changes, so it is parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from routing_rules.model import Group, InvalidRules
from routing_rules.parse import parse
from storage.interface import Transaction


def groups_in_force(tx: Transaction) -> Mapping[str, Group]:
    """Duty groups by id, of the active rule set; empty before there is one."""
    active = tx.decisions.active_rule_set()
    return {} if active is None else _groups(active[1])


def groups_of(tx: Transaction, version: int) -> Mapping[str, Group]:
    """Duty groups by id, as a version has them."""
    source = tx.decisions.rule_set(version)
    return {} if source is None else _groups(source)


@lru_cache(maxsize=8)
def _groups(source: str) -> Mapping[str, Group]:
    """None of a text that cannot be used any more: its studies are in the fallback inbox, and nothing stops."""
    try:
        return parse(source).groups
    except InvalidRules:
        return {}
