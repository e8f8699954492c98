"""Retrieve SCP: C-GET on the peer's own association, C-MOVE to a registered device (PS3.4 C.4.2, C.4.3).

One object is open at a time and read from the store while it leaves. Each sub-operation is counted by what the
receiver answered: 0000 as completed, Bxxx as completed with a warning, anything else as failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import structlog
from pynetdicom.dimse_primitives import C_GET, C_MOVE

from gateway.core.query_keys import GET_SOP_CLASSES, MOVE_SOP_CLASSES
from gateway.dicom.outgoing_objects import outgoing
from gateway.dicom.port_context import PortContext
from gateway.dicom.query_scp import (
    CANCELLED,
    PENDING,
    SUCCESS,
    UNABLE_TO_PROCESS,
    Refusal,
    extended_answer,
    understood,
)
from gateway.formats.identifier import AnswerElement, encode_identifier
from gateway.services.receive_instance import Sender
from gateway.services.retrieve_for_peer import (
    MOST_OBJECTS,
    destination_for,
    note_retrieval,
    objects_for,
)
from gateway.wire.dimse_service import DimseService
from gateway.wire.exchange import Exchange, PeerGone, StorageContext
from gateway.wire.exchange_messages import Counts
from gateway.wire.store_scu import (
    CannotBeSent,
    MoveOriginator,
    OutgoingInstance,
    PeerRefused,
    PeerUnavailable,
    RemoteNode,
    send_instances,
)
from gateway.wire.tls_context import TlsFault, client_context
from storage.errors import StorageError
from storage.model import Device

log = structlog.get_logger("gateway.dicom")

CANNOT_COUNT_MATCHES, SUBOPERATIONS_FAILED, DESTINATION_UNKNOWN = 0xA701, 0xA702, 0xA801
SOME_SUBOPERATIONS_FAILED = 0xB000
NOT_SENT = 0xC000
_FAILED_UIDS = 0x00080058
_MOST_LIST_BYTES = 0xFFFE
_READ_BYTES = 1 << 20


def retrieve_service(context: PortContext) -> DimseService:
    """C-GET and C-MOVE of both information models."""
    retriever = Retriever(context)
    return DimseService((*GET_SOP_CLASSES, *MOVE_SOP_CLASSES), {},
                        exchanges={C_GET: retriever.get, C_MOVE: retriever.move},
                        answer_extended=extended_answer(context.parts.settings.relational_queries))


@dataclass(slots=True)
class _Progress:
    """Sub-operations so far."""

    total: int
    completed: int = 0
    warning: int = 0
    failed_uids: list[str] = field(default_factory=list)

    def count(self, sop_instance_uid: str, status: int) -> None:
        if status == SUCCESS:
            self.completed += 1
        elif status >> 12 == 0xB:
            self.warning += 1
        else:
            self.failed_uids.append(sop_instance_uid)

    @property
    def remaining(self) -> int:
        return self.total - self.completed - self.warning - len(self.failed_uids)

    def counts(self, *, has_remaining: bool) -> Counts:
        return Counts(self.completed, len(self.failed_uids), self.warning, self.remaining if has_remaining else None)

    @property
    def final_status(self) -> int:
        if self.failed_uids and not self.completed and not self.warning:
            return SUBOPERATIONS_FAILED
        return SOME_SUBOPERATIONS_FAILED if self.failed_uids or self.warning else SUCCESS


class Retriever:
    """Handles the retrievals of all associations, each in its association's thread."""

    def __init__(self, context: PortContext) -> None:
        self._context = context

    def get(self, exchange: Exchange) -> None:
        """C-GET."""
        self._answer(exchange, "C-GET", None)

    def move(self, exchange: Exchange) -> None:
        """C-MOVE."""
        self._answer(exchange, "C-MOVE", exchange.move_destination)

    def _answer(self, exchange: Exchange, service: str, destination: str | None) -> None:
        peer = exchange.peer
        try:
            self._retrieve(exchange, service, destination)
        except PeerGone:
            log.info("a retrieval ended with its association", service=service, association=peer.association_id)
            raise
        except Refusal as exc:
            log.info("retrieval refused", service=service, why=str(exc), association=peer.association_id)
            exchange.respond(exc.status, comment=str(exc))
        except StorageError as exc:
            log.warning("retrieval failed", service=service, why=str(exc), association=peer.association_id)
            exchange.respond(CANNOT_COUNT_MATCHES, comment="storage does not answer, ask again later")
        except Exception:  # the listener's outermost loop: answer, and serve the next one
            log.exception("retrieval failed", service=service, association=peer.association_id)
            exchange.respond(UNABLE_TO_PROCESS, comment="the retrieval failed here")

    def _retrieve(self, exchange: Exchange, service: str, ae_title: str | None) -> None:
        context = self._context
        sender = context.sender_of(exchange.peer)
        query, _ = understood(context, exchange, sender, is_retrieval=True)
        destination = self._destination(sender, ae_title) if ae_title is not None else None
        objects = context.bridge.call(objects_for(context.parts, sender, query))
        if len(objects) > MOST_OBJECTS:
            raise Refusal(CANNOT_COUNT_MATCHES, f"more than {MOST_OBJECTS} objects match, ask for less at once")
        progress = _Progress(len(objects))
        if objects:
            context.bridge.call(note_retrieval(context.parts, sender, objects, service=service,
                                               destination=ae_title or ""))
            instances = [outgoing(context.parts, one) for one in objects]
            results = self._moved(exchange, instances, destination) if destination else _got(exchange, instances)
            if not _reported(exchange, progress, results):
                return
        _finish(exchange, progress.final_status, progress)

    def _destination(self, sender: Sender, ae_title: str) -> Device:
        found = self._context.bridge.call(destination_for(self._context.parts, sender, ae_title))
        if found is None:
            raise Refusal(DESTINATION_UNKNOWN, "the move destination is not registered for you, or only calls")
        return found

    def _moved(self, exchange: Exchange, instances: Sequence[OutgoingInstance], destination: Device
               ) -> Iterator[tuple[str, int]]:
        settings = self._context.parts.settings
        try:
            secured = (client_context(self._context.tls, destination.certificate_sha256) if destination.uses_tls
                       else None)
        except TlsFault as exc:
            raise Refusal(UNABLE_TO_PROCESS, "the move destination wants TLS, for which nothing is set up") from exc
        node = RemoteNode(destination.address or "", destination.port, destination.ae_title, settings.ae_title,
                          settings.network_timeout_s, secured)
        originator = MoveOriginator(exchange.peer.calling_ae_title, exchange.message_id)
        sending = send_instances(instances, node, originator=originator,
                                 is_cancelled=lambda: exchange.is_cancelled or exchange.is_over)
        sent = 0
        try:
            with closing(sending):                     # type: ignore[type-var]
                for result in sending:
                    sent += 1
                    yield result.instance.sop_instance_uid, result.status
        except (PeerUnavailable, PeerRefused) as exc:
            log.warning("the move destination was not reached, or left", why=str(exc),
                        association=exchange.peer.association_id)
            for instance in instances[sent:]:
                yield instance.sop_instance_uid, NOT_SENT


def _got(exchange: Exchange, instances: Sequence[OutgoingInstance]) -> Iterator[tuple[str, int]]:
    contexts = {(one.sop_class_uid, one.transfer_syntax_uid): one for one in exchange.storage_contexts()}
    for number, instance in enumerate(instances):
        if exchange.is_cancelled:
            return
        yield instance.sop_instance_uid, _store(exchange, contexts, instance, number % 0xFFFF + 1)


def _store(exchange: Exchange, contexts: dict[tuple[str, str], StorageContext], instance: OutgoingInstance,
           message_id: int) -> int:
    """Store one object on the peer's association, in the first transfer syntax that it takes."""
    context = next((found for syntax in instance.transfer_syntaxes
                    if (found := contexts.get((instance.sop_class_uid, syntax))) is not None), None)
    if context is None:
        return NOT_SENT
    try:
        opened = instance.open_dataset(context.transfer_syntax_uid)
    except CannotBeSent as exc:
        log.warning("an object was not sent", why=str(exc), association=exchange.peer.association_id)
        return NOT_SENT
    assert not isinstance(opened, bytes | memoryview)
    with opened:
        return exchange.store(context, instance.sop_instance_uid, message_id,
                              iter(lambda: opened.read(_READ_BYTES), b""))


def _reported(exchange: Exchange, progress: _Progress, results: Iterator[tuple[str, int]]) -> bool:
    """Tell of each sub-operation as it ends. False: it was cancelled, and that was answered."""
    for sop_instance_uid, status in results:
        progress.count(sop_instance_uid, status)
        if progress.remaining:
            exchange.respond(PENDING, counts=progress.counts(has_remaining=True))
    if progress.remaining:
        _finish(exchange, CANCELLED, progress)
        return False
    return True


def _finish(exchange: Exchange, status: int, progress: _Progress) -> None:
    """The final response; failed objects are named, as many as the element can hold."""
    identifier = None
    if status != SUCCESS:
        uids, length = [], 0
        for uid in progress.failed_uids:
            length += len(uid) + 1
            if length > _MOST_LIST_BYTES:
                break
            uids.append(uid)
        failed = AnswerElement(_FAILED_UIDS, "UI", "\\".join(uids).encode("ascii", "replace"))
        identifier = encode_identifier([failed], exchange.transfer_syntax_uid)
    exchange.respond(status, identifier=identifier, counts=progress.counts(has_remaining=status == CANCELLED))
