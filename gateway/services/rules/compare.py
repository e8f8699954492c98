"""The difference of two rule sets in words."""

from __future__ import annotations

import asyncio

from gateway.services.rules.refused import RulesRefused
from routing_rules.difference import Change, difference
from routing_rules.model import InvalidRules


async def difference_of(old: str, new: str) -> list[Change]:
    """What changed, in the order of the newer file. Raises RulesRefused when either has errors."""
    try:
        return await asyncio.to_thread(difference, old, new)
    except InvalidRules as exc:
        raise RulesRefused(exc.problems) from exc
