"""Orders for lists and pages: only of the sites that the caller may see."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.errors import NotFound
from gateway.services.place_order import Placed, warnings_of
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Scope
from storage.model.orders import Order, OrderFilter


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page, and how many orders there are in all."""

    orders: list[Placed]
    total: int
    site_names: dict[str, str]


async def find_orders(parts: Parts, scope: Scope, wanted: OrderFilter, *, limit: int, offset: int) -> OrderPage:
    """Newest scheduled time first."""
    def work(tx: Transaction) -> tuple[tuple[list[Order], int], dict[str, str]]:
        return (tx.orders.find(wanted, scope, limit=limit, offset=offset),
                {site.id: site.name for site in tx.sites.sites(scope)})

    (orders, total), names = await parts.database.read(work)
    return OrderPage([Placed(order, warnings_of(order)) for order in orders], total, names)


async def show_order(parts: Parts, scope: Scope, order_id: str) -> Placed:
    """One order. Raises NotFound."""
    order = await parts.database.read(lambda tx: tx.orders.get(order_id, scope))
    if order is None:
        raise NotFound("There is no such order.")
    return Placed(order, warnings_of(order))
