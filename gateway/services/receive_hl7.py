"""Receive an HL7 v2 message: bytes durable, then one write with orders, audit and the answer, then the answer goes.

A repeated control ID gets the answer that it got, byte for byte, and has no second effect, also after a restart. Only
accepted messages are remembered so: a refused one did nothing, and is judged anew when it comes again, so that it
passes once its sender is registered. What is refused lies in quarantine, once, however often it is sent.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog

from gateway.core.errors import GatewayError, InvalidRequest, NotFound, NotNow, Unreadable
from gateway.core.order import checked
from gateway.formats.hl7_answer import AckCode, Fault, FaultCode, write_answer
from gateway.formats.hl7_message import (
    Header,
    Message,
    UnsupportedCharacterSet,
    codec_of,
    read_header,
    read_message,
    same_content,
)
from gateway.formats.hl7_orders import ORDER_MESSAGES, OrderCommand, OrderControl, cleared, merged, read_orders
from gateway.formats.hl7_results import RESULT_MESSAGES
from gateway.services.administer_sites import By
from gateway.services.place_order import (
    CHANGED_MEANWHILE,
    amend,
    announce_order,
    place,
    request_of,
    warnings_of,
    withdraw,
)
from gateway.services.ports import Parts
from gateway.services.quarantine_hl7 import keep_refused
from gateway.services.receive_hl7_results import receive_results
from storage.errors import StorageError, StorageUnavailable
from storage.interface import Transaction
from storage.model import INBOX_SITE_ID, AuditEntry, ObjectRef, Scope, new_id
from storage.model.orders import Hl7Exchange, Hl7Partner, Order, OrderSource

T = TypeVar("T")

_RACES = 20
_LARGE_BYTES = 1 << 16

log = structlog.get_logger("gateway.hl7")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer is told. `data` is empty where nothing must be said: an answer is never answered."""

    code: AckCode
    data: bytes


class _Refused(Exception):
    """The message is not taken; nothing of it was done."""

    def __init__(self, code: AckCode, reason: str, faults: list[Fault]) -> None:
        super().__init__(reason)
        self.code, self.reason, self.faults = code, reason, faults


async def receive_hl7(parts: Parts, data: bytes, *, address: str) -> Answer:
    """Take one message, without its frame. Never raises for what the message says."""
    header = Header()
    try:
        ref = await asyncio.to_thread(parts.objects.put, data)
        try:
            header = read_header(data)
        except Unreadable as exc:
            await keep_refused(parts, ref, address=address, site_id=INBOX_SITE_ID, sender="", reason=exc.reason,
                               detail=str(exc))
            return _answer(parts, header, AckCode.ERROR, [Fault(FaultCode.SEGMENT_SEQUENCE, str(exc), "MSH")])
        if header.message_code in ("ACK", "MCF"):
            return Answer(AckCode.ACCEPT, b"")
        return await _receive(parts, data, ref, header, address)
    except StorageError as exc:
        log.warning("HL7 message refused", why=str(exc), peer=address)
        return _answer(parts, header, AckCode.REJECT, [Fault(
            FaultCode.INTERNAL, "Storage does not answer or is full. Send it again later.")])


async def refuse_hl7(parts: Parts, data: bytes, *, address: str, reason: str, detail: str) -> Answer:
    """Keep bytes that are no whole message; the answer is empty where they do not even say whose they are.

    Raises StorageError: then they were not kept.
    """
    ref = await asyncio.to_thread(parts.objects.put, data)
    await keep_refused(parts, ref, address=address, site_id=INBOX_SITE_ID, sender="", reason=reason, detail=detail)
    try:
        header = read_header(data)
    except Unreadable:
        return Answer(AckCode.ERROR, b"")
    return _answer(parts, header, AckCode.ERROR, [Fault(FaultCode.DATA_TYPE, detail)])


async def _receive(parts: Parts, data: bytes, ref: ObjectRef, header: Header, address: str) -> Answer:
    partner: Hl7Partner | None = None
    try:
        _check_kind(header)
        partner = await parts.database.read(lambda tx: _partner(tx, header))
        digest = hashlib.sha256(same_content(data, header)).hexdigest()
        if (kept := await _kept(parts, header)) is not None:
            return _repeated(kept, digest)
        try:
            return await _accept(parts, data, ref, header, partner, digest, address)
        except _Refused:
            # The same message may have been accepted on another connection meanwhile: then it was no fault.
            if (kept := await _kept(parts, header)) is None:
                raise
            return _repeated(kept, digest)
    except _Refused as refused:
        log.info("HL7 message refused", why=refused.reason, peer=address)
        await keep_refused(parts, ref, address=address, site_id=partner.site_id if partner else INBOX_SITE_ID,
                           sender=f"{header.sending_application}|{header.sending_facility}", reason=refused.reason,
                           detail="; ".join(fault.text for fault in refused.faults))
        return _answer(parts, header, refused.code, refused.faults, codec=_codec(header, partner))


async def _accept(parts: Parts, data: bytes, ref: ObjectRef, header: Header, partner: Hl7Partner, digest: str,
                  address: str) -> Answer:
    try:
        codec = codec_of(header, partner.character_set)
        is_large = len(data) > _LARGE_BYTES      # it holds files: not on the loop that serves everybody
        message = await asyncio.to_thread(read_message, data, header, codec) if is_large else read_message(
            data, header, codec)
    except Unreadable as exc:
        is_unknown_set = isinstance(exc, UnsupportedCharacterSet)
        raise _Refused(AckCode.REJECT if is_unknown_set else AckCode.ERROR, exc.reason, [Fault(
            FaultCode.NOT_IN_TABLE if is_unknown_set else FaultCode.DATA_TYPE, str(exc), "MSH", 1, 18)]) from exc
    if (header.message_code, header.trigger_event) in RESULT_MESSAGES:
        return await _accept_results(parts, message, ref, partner, digest, address)
    commands, faults = read_orders(message, zone=ZoneInfo(parts.settings.time_zone))
    if faults:
        raise _Refused(AckCode.ERROR, "hl7-content", faults)
    by = By(f"hl7:{header.sending_application}|{header.sending_facility}"[:200], address,
            Scope(frozenset({partner.site_id})))
    remarks = [Fault(FaultCode.ACCEPTED, remark, "MSH", is_remark=True) for remark in message.remarks]
    now = parts.clock()

    def work(tx: Transaction) -> tuple[list[Order], bytes]:
        orders = [_do(tx, parts, command, partner.site_id, by) for command in commands]
        said = [*remarks, *_warnings(orders, commands)]
        answer = write_answer(header, AckCode.ACCEPT, said, at=now, control_id=new_id()[:20], codec=codec)
        tx.objects.add(ref, kind="received", at=now)
        tx.quarantine.mark_received(ref.sha256)              # where it was refused before
        if not tx.hl7_exchanges.add(Hl7Exchange(header.sending_application, header.sending_facility,
                                                header.control_id, now, digest, ref.sha256, answer)):
            raise _Refused(AckCode.ERROR, "hl7-control-id", [Fault(
                FaultCode.DUPLICATE_KEY, "MSH-10: it was accepted meanwhile.", "MSH", 1, 10)])
        return orders, answer

    orders, answer = await _written(parts, work)
    for order in orders:
        announce_order(parts, order)
    return Answer(AckCode.ACCEPT, answer)


async def _accept_results(parts: Parts, message: Message, ref: ObjectRef, partner: Hl7Partner, digest: str,
                          address: str) -> Answer:
    """ECG files first, each durable and indexed, then the exchange with its answer, then the answer goes.

    What could be taken is kept also where a part of the message is refused; sent again it is a duplicate.
    """
    header, now = message.header, parts.clock()
    done = await receive_results(parts, message, partner.site_id, address=address)
    remarks = [*(Fault(FaultCode.ACCEPTED, remark, "MSH", is_remark=True) for remark in message.remarks),
               *done.remarks]
    if done.faults:
        raise _Refused(AckCode.ERROR, done.reason, [*done.faults, *remarks])
    answer = write_answer(header, AckCode.ACCEPT, remarks, at=now, control_id=new_id()[:20], codec=message.codec)

    def work(tx: Transaction) -> None:
        tx.objects.add(ref, kind="received", at=now)
        tx.quarantine.mark_received(ref.sha256)
        tx.audit.append(AuditEntry(
            now, f"hl7:{header.sending_application}|{header.sending_facility}"[:200], "hl7.results",
            site_id=partner.site_id, address=address,
            detail={"object": ref.sha256, "studies": [one.study_id for one in done.received]}))
        if not tx.hl7_exchanges.add(Hl7Exchange(header.sending_application, header.sending_facility,
                                                header.control_id, now, digest, ref.sha256, answer)):
            raise _Refused(AckCode.ERROR, "hl7-control-id", [Fault(
                FaultCode.DUPLICATE_KEY, "MSH-10: it was accepted meanwhile.", "MSH", 1, 10)])

    await parts.database.write(work)
    return Answer(AckCode.ACCEPT, answer)


async def _written(parts: Parts, work: Callable[[Transaction], T]) -> T:
    """Do it in one write; again where somebody changed one of the orders at the same moment."""
    for _ in range(_RACES):
        try:
            return await parts.database.write(work)
        except NotNow as exc:
            if exc.reason != CHANGED_MEANWHILE:
                raise
    raise StorageUnavailable("the order was changed by others again and again")


def _do(tx: Transaction, parts: Parts, command: OrderCommand, site_id: str, by: By) -> Order:
    known = tx.orders.of_placer(command.placer_order_number, site_id)
    try:
        if command.control is OrderControl.NEW:
            if known is not None:
                raise _fault(command, FaultCode.DUPLICATE_KEY, "There is an order of this number already.")
            return place(tx, parts, site_id, checked(cleared(command.request)), by, OrderSource.HL7)
        if known is None:
            raise _fault(command, FaultCode.UNKNOWN_KEY, "There is no order of this number.")
        if command.control is OrderControl.CANCEL:
            return withdraw(tx, parts, known, command.reason or "HL7 ORC-1 CA", by)
        return amend(tx, parts, known, checked(merged(request_of(known), command.request)), by)
    except NotNow as exc:
        if exc.reason == CHANGED_MEANWHILE:
            raise                            # of no fault of the message: the whole write is done again
        raise _fault(command, FaultCode.LOCKED, str(exc)) from exc
    except NotFound as exc:
        raise _fault(command, FaultCode.UNKNOWN_KEY, str(exc)) from exc
    except InvalidRequest as exc:
        code = FaultCode.DUPLICATE_KEY if exc.reason == "taken" else FaultCode.DATA_TYPE
        raise _fault(command, code, str(exc)) from exc
    except GatewayError as exc:
        raise _fault(command, FaultCode.INTERNAL, str(exc)) from exc


def _fault(command: OrderCommand, code: FaultCode, text: str) -> _Refused:
    return _Refused(AckCode.ERROR, "hl7-order", [command.fault(code, text)])


def _warnings(orders: list[Order], commands: list[OrderCommand]) -> list[Fault]:
    return [Fault(FaultCode.ACCEPTED, f"{word.value}: the identity number does not agree.", "PID", 1, 3,
                  is_remark=True)
            for order, command in zip(orders, commands, strict=True) if command.control is not OrderControl.CANCEL
            for word in warnings_of(order)]


def _check_kind(header: Header) -> None:
    """Raises _Refused with AR for what we do not do at all."""
    kind = (header.message_code, header.trigger_event)
    if not header.control_id:
        raise _Refused(AckCode.ERROR, "hl7-no-control-id", [Fault(FaultCode.FIELD_MISSING, "MSH-10: no control ID.",
                                                                "MSH", 1, 10)])
    understood = ORDER_MESSAGES | RESULT_MESSAGES
    if kind not in understood:
        is_known_type = header.message_code in {code for code, _ in understood}
        raise _Refused(AckCode.REJECT, "hl7-message-type", [Fault(
            FaultCode.UNSUPPORTED_EVENT if is_known_type else FaultCode.UNSUPPORTED_TYPE,
            "MSH-9: ORM^O01, OMI^O23 and ORU^R01 are understood.", "MSH", 1, 9)])
    if header.version and not header.version.startswith("2."):
        raise _Refused(AckCode.REJECT, "hl7-version", [Fault(
            FaultCode.UNSUPPORTED_VERSION, "MSH-12: version 2 is understood.", "MSH", 1, 12)])
    if header.processing_id not in ("P", ""):
        raise _Refused(AckCode.REJECT, "hl7-processing-id", [Fault(
            FaultCode.UNSUPPORTED_PROCESSING_ID, "MSH-11: only production (P) is taken, so that no trial becomes an "
            "order or a finding.", "MSH", 1, 11)])


def _partner(tx: Transaction, header: Header) -> Hl7Partner:
    """Who sends: a registered partner, or a site that names itself by its own id. Raises _Refused."""
    facility = header.sending_facility
    partner = tx.hl7_exchanges.find_partner(header.sending_application, facility)
    site = tx.sites.site(partner.site_id if partner else facility) if facility else None
    if site is None or not site.is_enabled or site.id == INBOX_SITE_ID or (partner and not partner.is_enabled):
        raise _Refused(AckCode.REJECT, "hl7-unknown-partner", [Fault(
            FaultCode.NOT_IN_TABLE, "MSH-4: nobody has registered this sending facility.", "MSH", 1, 4)])
    return partner or Hl7Partner("", site.name, "", facility, site.id)


async def _kept(parts: Parts, header: Header) -> Hl7Exchange | None:
    return await parts.database.read(lambda tx: tx.hl7_exchanges.find(
        header.sending_application, header.sending_facility, header.control_id))


def _repeated(kept: Hl7Exchange, digest: str) -> Answer:
    if kept.content_sha256 != digest:
        raise _Refused(AckCode.ERROR, "hl7-control-id", [Fault(
            FaultCode.DUPLICATE_KEY, "MSH-10: another message was accepted under this control ID.", "MSH", 1, 10)])
    return Answer(AckCode.ACCEPT, kept.answer)


def _answer(parts: Parts, header: Header, code: AckCode, faults: list[Fault], *, codec: str = "utf-8") -> Answer:
    at: datetime = parts.clock()
    return Answer(code, write_answer(header, code, faults, at=at, control_id=new_id()[:20], codec=codec))


def _codec(header: Header, partner: Hl7Partner | None) -> str:
    try:
        return codec_of(header, partner.character_set if partner else "utf-8")
    except Unreadable:
        return "utf-8"
