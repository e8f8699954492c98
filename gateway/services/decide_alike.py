"""Decide about a whole sending at once: the slices of a series that was sent again lie in quarantine by the hundred.

Each arrival is decided for itself, in its own write with its own entry, by the rules for one. What cannot be decided
so (its object is gone, or is in conflict with something else) keeps waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.errors import GatewayError, InvalidRequest
from gateway.services.administer_sites import By
from gateway.services.compare_arrivals import in_quarantine
from gateway.services.ports import Parts
from gateway.services.retry_arrival import retry_arrival, take_as_new
from gateway.services.settle_quarantine import decide
from storage.model import QuarantineChoice


@dataclass(frozen=True, slots=True)
class DecidedAlike:
    """How many of the others were decided, and how many keep waiting."""

    decided: int
    waiting: int


async def decide_one(parts: Parts, arrival_id: str, choice: QuarantineChoice, *, reason: str, by: By,
                     site_id: str = "") -> None:
    """Decide about one arrival. Raises NotFound, NotAllowed, InvalidRequest, NotNow."""
    if choice is QuarantineChoice.RETRY:
        await retry_arrival(parts, arrival_id, reason=reason, by=by, site_id=site_id)
    elif choice is QuarantineChoice.TAKE_AS_NEW:
        await take_as_new(parts, arrival_id, reason=reason, by=by)
    else:
        await decide(parts, arrival_id, choice, reason=reason, by=by)


async def decide_alike(parts: Parts, arrival_id: str, choice: QuarantineChoice, *, reason: str, by: By,
                       site_id: str = "") -> DecidedAlike:
    """Decide about this arrival, then in the same way about those that came with it for the same reason.

    Raises what decide_one raises for the first one, and nothing for the others.
    """
    if choice is QuarantineChoice.UNDO:
        raise InvalidRequest("A decision is taken back one by one.")
    arrival = await parts.database.read(lambda tx: in_quarantine(tx, arrival_id, by))
    others = await parts.database.read(lambda tx: tx.quarantine.alike(arrival))
    await decide_one(parts, arrival_id, choice, reason=reason, by=by, site_id=site_id)
    waiting = 0
    for other in others:
        try:
            await decide_one(parts, other, choice, reason=reason, by=by, site_id=site_id)
        except GatewayError:
            waiting += 1
    return DecidedAlike(len(others) - waiting, waiting)
