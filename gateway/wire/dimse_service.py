"""A SOP service beside storage: what the port offers for it, and who answers its messages.

pynetdicom has one handler a message for the whole port; worklist and query, for example, both come as C-FIND. The
listener gives each message to the service that its presentation context belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pynetdicom import evt

from gateway.wire.exchange import Exchange, ExchangeHandler, serve
from gateway.wire.presentation import UNCOMPRESSED_SYNTAXES
from gateway.wire.storage_service import Peer
from gateway.wire.upper_layer import accepted_context

Handler = Callable[[Peer, Any], Any]
"""Takes who asks and pynetdicom's event; returns (or yields) what pynetdicom's handler of that event has to.

Called from the association's thread; may block. Whatever it raises is answered 0110 by pynetdicom.
"""

@dataclass(frozen=True, slots=True)
class DimseService:
    """One service; its SOP classes belong to no other service of the port."""

    sop_class_uids: tuple[str, ...]
    handlers: Mapping[evt.InterventionEvent, Handler]
    transfer_syntaxes: tuple[str, ...] = UNCOMPRESSED_SYNTAXES
    takes_either_role: bool = False      # the peer may be provider (PS3.7 D.3.3.4), as for a commitment's result
    exchanges: Mapping[type, ExchangeHandler] = field(default_factory=dict)
    """By kind of request (C_FIND, …): who answers it message by message, instead of a handler."""
    answer_extended: Callable[[bytes], bytes] | None = None
    """What the port says to an extended negotiation of one of the SOP classes (PS3.7 D.3.3.5)."""
    on_established: Callable[[Peer, Any], None] | None = None
    """Told of each association that has one of the SOP classes with us as its provider; never raises."""


def merged(services: Sequence[DimseService]) -> list[tuple[evt.EventType, Callable[[Any], Any]]]:
    """pynetdicom's handlers of all services together."""
    by_event: dict[evt.InterventionEvent, dict[str, Handler]] = {}
    for service in services:
        for event, handler in service.handlers.items():
            by_event.setdefault(event, {}).update(dict.fromkeys(service.sop_class_uids, handler))
    found: list[tuple[evt.EventType, Callable[[Any], Any]]] = [
        (event, _dispatching(handlers)) for event, handlers in by_event.items()]
    answers = {uid: service.answer_extended for service in services if service.answer_extended is not None
               for uid in service.sop_class_uids}
    if answers:
        found.append((evt.EVT_SOP_EXTENDED, lambda event: {
            uid: answers[uid](bytes(asked)) for uid, asked in event.app_info.items() if uid in answers}))
    told = [service for service in services if service.on_established is not None]
    if told:
        found.append((evt.EVT_ESTABLISHED, partial(_tell, told)))
    return found


class Exchanges:
    """Gives requests to the services that answer them message by message."""

    def __init__(self, services: Sequence[DimseService]) -> None:
        self._handlers = {(kind, uid): handler for service in services for kind, handler in service.exchanges.items()
                          for uid in service.sop_class_uids}

    def serve(self, association: Any, context_id: int | None, request: Any) -> bool:
        """Answer the request to its end; False if nobody here does."""
        if not getattr(request, "is_valid_request", False) or context_id is None:
            return False
        accepted = accepted_context(association, context_id)
        handler = self._handlers.get((type(request), accepted[0])) if accepted is not None else None
        if handler is None:
            return False
        reception = association.dimse.reception
        serve(handler, Exchange(reception.peer, association, context_id, request,
                                is_closing=lambda: reception.is_closing))
        return True


def _tell(services: Sequence[DimseService], event: Any) -> None:
    provided = {str(context.abstract_syntax) for context in event.assoc.accepted_contexts if context.as_scp}
    for service in services:
        if service.on_established is not None and not provided.isdisjoint(service.sop_class_uids):
            service.on_established(event.assoc.dimse.reception.peer, event.assoc)


def _dispatching(handlers: Mapping[str, Handler]) -> Callable[[Any], Any]:
    def handle(event: Any) -> Any:
        peer: Peer = event.assoc.dimse.reception.peer
        return handlers[str(event.context.abstract_syntax)](peer, event)

    return handle
