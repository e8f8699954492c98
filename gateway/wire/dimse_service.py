"""A SOP service beside storage: what the port offers for it, and who answers its messages.

pynetdicom has one handler a message for the whole port; worklist and query, for example, both come as C-FIND. The
listener gives each message to the service that its presentation context belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynetdicom import evt

from gateway.wire.presentation import UNCOMPRESSED_SYNTAXES
from gateway.wire.storage_service import Peer

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


def merged(services: Sequence[DimseService]) -> list[tuple[evt.InterventionEvent, Callable[[Any], Any]]]:
    """pynetdicom's handlers of all services together."""
    by_event: dict[evt.InterventionEvent, dict[str, Handler]] = {}
    for service in services:
        for event, handler in service.handlers.items():
            by_event.setdefault(event, {}).update(dict.fromkeys(service.sop_class_uids, handler))
    return [(event, _dispatching(handlers)) for event, handlers in by_event.items()]


def _dispatching(handlers: Mapping[str, Handler]) -> Callable[[Any], Any]:
    def handle(event: Any) -> Any:
        peer: Peer = event.assoc.dimse.reception.peer
        return handlers[str(event.context.abstract_syntax)](peer, event)

    return handle
