"""Unified Procedure Step SCP: UPS Push, Pull, Watch, Event and Query (PS3.4 annex CC; D3, D5).

Every instance is one of UPS Push, by whatever of the five classes a message comes (CC.3.1). Registered devices see
what they may query and retrieve; those of a centre or a hospital may claim. The use cases are those of UPS-RS.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import structlog
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.dimse_primitives import C_FIND

from gateway.core.answer_text import answer_character_set
from gateway.core.errors import GatewayError, Unreadable
from gateway.core.workitem_content import text_of
from gateway.core.workitem_query import BadQuery
from gateway.core.workitem_record import Json
from gateway.core.workitems import (
    FILTERED_SUBSCRIPTION,
    UPS_EVENT,
    UPS_PULL,
    UPS_PUSH,
    UPS_QUERY,
    UPS_WATCH,
    Refused,
    Status,
)
from gateway.dicom.port_context import PortContext
from gateway.dicom.ups_datasets import answer_of, dataset_from, encoded, filter_keys, read_keys, record_from
from gateway.services.commit_storage import asker_of
from gateway.services.workitems.change_workitem import change_state, request_cancel, update_workitem
from gateway.services.workitems.create_workitem import create_workitem
from gateway.services.workitems.find_workitems import find_page, note_search, retrieve
from gateway.services.workitems.outsider import Outsider, outsider_of
from gateway.services.workitems.subscribe import subscribe, suspend, unsubscribe
from gateway.services.workitems.tell_subscriber import subscriber_called
from gateway.wire.dimse_service import DimseService
from gateway.wire.exchange import Exchange, ExchangeHandler
from gateway.wire.storage_service import Peer
from storage.errors import StorageError

log = structlog.get_logger("gateway.dicom")

CHANGE_STATE, REQUEST_CANCEL, SUBSCRIBE, UNSUBSCRIBE, SUSPEND = 1, 2, 3, 4, 5
SUCCESS, CANCELLED, PENDING = 0x0000, 0xFE00, 0xFF00
OPTIONAL_NOT_SUPPORTED = 0x0001
PROCESSING_FAILURE, INVALID_ARGUMENT, NO_SUCH_ACTION, RESOURCE_LIMITATION = 0x0110, 0x0115, 0x0123, 0x0213
OUT_OF_RESOURCES, DOES_NOT_MATCH, UNABLE_TO_PROCESS = 0xA700, 0xA900, 0xC000

Answer = tuple[int | Dataset, Dataset | None]
T = TypeVar("T")

_ACTIONS: Mapping[str, frozenset[int]] = {
    UPS_PUSH: frozenset({REQUEST_CANCEL}), UPS_PULL: frozenset({CHANGE_STATE}),
    UPS_WATCH: frozenset({REQUEST_CANCEL, SUBSCRIBE, UNSUBSCRIBE, SUSPEND}),
}
"""By which class an action comes (PS3.4 tables CC.2-1 to CC.2-3)."""


def ups_services(context: PortContext) -> list[DimseService]:
    """The five SOP classes, each with the messages that it has (PS3.4 tables CC.2-1 to CC.2-5)."""
    port = _UpsPort(context)
    action, get = {evt.EVT_N_ACTION: port.on_action}, {evt.EVT_N_GET: port.on_get}
    find: Mapping[type, ExchangeHandler] = {C_FIND: port.find}
    return [
        DimseService((UPS_PUSH,), {evt.EVT_N_CREATE: port.on_create, **action, **get}),
        DimseService((UPS_PULL,), {evt.EVT_N_SET: port.on_set, **action, **get}, exchanges=find),
        DimseService((UPS_WATCH,), {**action, **get}, exchanges=find),
        DimseService((UPS_QUERY,), {}, exchanges=find),
        DimseService((UPS_EVENT,), {}, on_established=port.on_established),
    ]


class _UpsPort:
    """The handlers; called from the associations' threads."""

    def __init__(self, context: PortContext) -> None:
        self._context = context

    def on_established(self, peer: Peer, association: Any) -> None:
        """The peer can take events on this association: what waits for it is tried at once."""
        sender = self._context.sender_of(peer)
        self._context.lines.open(peer.association_id, asker_of(sender), association)
        try:
            self._call(subscriber_called(self._context.parts, sender.calling_ae_title))
        except StorageError as exc:
            log.warning("what waits for a subscriber was not looked up", why=str(exc), device=sender.calling_ae_title)

    def on_create(self, peer: Peer, event: Any) -> Answer:
        asked_uid = str(event.request.AffectedSOPInstanceUID or "")
        uid = asked_uid or str(generate_uid(prefix=None))
        status = self._answered(peer, lambda who: self._create(who, uid, record_from(event.attribute_list)))
        reply = None
        if not asked_uid and _code(status) in (SUCCESS, Status.CREATED_WITH_CHANGES):
            reply = Dataset()
            reply.AffectedSOPInstanceUID = uid
        return status, reply

    def on_set(self, peer: Peer, event: Any) -> Answer:
        uid = str(event.request.RequestedSOPInstanceUID or "")
        return self._answered(peer, lambda who: self._call(update_workitem(
            self._context.parts, who, uid, record_from(event.modification_list))).status), None

    def on_get(self, peer: Peer, event: Any) -> Answer:
        found: list[Json] = []
        uid = str(event.request.RequestedSOPInstanceUID or "")

        def get(who: Outsider) -> Status:
            found.append(self._call(retrieve(self._context.parts, who, uid)))
            return Status.SUCCESS

        status = self._answered(peer, get)
        if not found:
            return status, None
        tags = [f"{int(tag):08X}" for tag in event.request.AttributeIdentifierList or []]
        record = {tag: found[0][tag] for tag in tags if tag in found[0]} if tags else found[0]
        is_whole = all(tag in found[0] for tag in tags)
        return (SUCCESS if is_whole else OPTIONAL_NOT_SUPPORTED), dataset_from(record, self._character_set(peer, ""))

    def on_action(self, peer: Peer, event: Any) -> Answer:
        uid = str(event.request.RequestedSOPInstanceUID or "")
        kind = event.request.ActionTypeID
        if kind not in _ACTIONS[str(event.context.abstract_syntax)]:
            return NO_SUCH_ACTION, None
        return self._answered(peer, lambda who: self._act(who, kind, uid, _information(event))), None

    def _act(self, who: Outsider, kind: int, uid: str, information: Dataset) -> Status:
        parts, told = self._context.parts, record_from(information)
        receiver = text_of(told, "00741234")
        if kind == CHANGE_STATE:
            return self._call(change_state(parts, who, uid, wanted=text_of(told, "00741000"),
                                           transaction_uid=text_of(told, "00081195"))).status
        if kind == REQUEST_CANCEL:
            return self._call(request_cancel(parts, who, uid, told)).status
        if kind == SUBSCRIBE:
            lock = text_of(told, "00741230").upper()
            if lock not in ("TRUE", "FALSE"):
                raise Refused(Status.INVALID_VALUE, "Deletion Lock is TRUE or FALSE.")
            return self._call(subscribe(parts, who, uid, receiver, has_lock=lock == "TRUE",
                                        keys=filter_keys(information) if uid == FILTERED_SUBSCRIPTION else ()))
        return self._call((unsubscribe if kind == UNSUBSCRIBE else suspend)(parts, who, uid, receiver))

    def find(self, exchange: Exchange) -> None:
        """C-FIND: answers go out while pages are read; the peer's pace is ours."""
        try:
            self._find(exchange)
        except (BadQuery, Unreadable) as exc:
            log.info("workitem query refused", why=str(exc), association=exchange.peer.association_id)
            exchange.respond(DOES_NOT_MATCH if isinstance(exc, BadQuery) else UNABLE_TO_PROCESS, comment=str(exc))
        except StorageError as exc:
            log.warning("workitem query failed", why=str(exc), association=exchange.peer.association_id)
            exchange.respond(OUT_OF_RESOURCES, comment="the index does not answer, ask again later")

    def _find(self, exchange: Exchange) -> None:
        parts, who = self._context.parts, outsider_of(self._context.sender_of(exchange.peer))
        keys, asked, declared = read_keys(exchange.identifier, exchange.transfer_syntax_uid)
        character_set = self._character_set(exchange.peer, declared)
        answered, after, is_first = 0, "", True
        while after or is_first:
            is_first = False
            page = self._call(find_page(parts, who, keys, after=after))
            for record in page.records:
                if exchange.is_cancelled:
                    exchange.respond(CANCELLED)
                    return
                answer = dataset_from(answer_of(record, asked), character_set)
                exchange.respond(PENDING, identifier=encoded(answer, exchange.transfer_syntax_uid))
                answered += 1
            after = page.after
        self._call(note_search(parts, who, answered=answered, via="C-FIND"))
        exchange.respond(SUCCESS)

    def _create(self, who: Outsider, uid: str, sent: Json) -> Status:
        return self._call(create_workitem(self._context.parts, who, uid, sent)).status

    def _answered(self, peer: Peer, work: Callable[[Outsider], Status]) -> int | Dataset:
        try:
            return int(work(outsider_of(self._context.sender_of(peer))))
        except Refused as exc:
            log.info("workitem request refused", why=str(exc), association=peer.association_id)
            return _said(exc.status, str(exc))
        except (Unreadable, BadQuery) as exc:
            return _said(INVALID_ARGUMENT, str(exc))
        except GatewayError as exc:
            return _said(PROCESSING_FAILURE, str(exc))
        except StorageError as exc:
            log.warning("workitem request failed", why=str(exc), association=peer.association_id)
            return _said(RESOURCE_LIMITATION, "storage does not answer, try again later")

    def _character_set(self, peer: Peer, declared: str) -> str:
        return answer_character_set(self._context.sender_of(peer).device, declared)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return self._context.bridge.call(work)


def _information(event: Any) -> Dataset:
    if event.request.ActionInformation is None:          # a request to cancel needs none
        return Dataset()
    try:
        found: Dataset = event.action_information
    except (AttributeError, ValueError, TypeError, OSError) as exc:
        raise Unreadable("The action information cannot be understood.") from exc
    return found


def _said(status: int, comment: str) -> Dataset:
    answer = Dataset()
    answer.Status = int(status)
    answer.ErrorComment = comment.encode("ascii", "replace").decode("ascii")[:64]
    return answer


def _code(status: int | Dataset) -> int:
    return int(status.Status) if isinstance(status, Dataset) else status
