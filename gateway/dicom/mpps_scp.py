"""Modality Performed Procedure Step (PS3.4 annex F.7): a device creates a step, changes it, and makes it final.

After COMPLETED or DISCONTINUED every update is refused with 0110 and Error ID A710 (B7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt

from gateway.core.errors import NotFound
from gateway.core.identifiers import InvalidUid, Uid
from gateway.dicom.port_context import PortContext
from gateway.formats.performed_step import (
    InvalidValue,
    MissingAttribute,
    MissingValue,
    StepTold,
    read_change,
    read_creation,
)
from gateway.services.record_mpps import StepExists, StepIsFinal, change_step, create_step
from gateway.wire.dimse_service import DimseService
from gateway.wire.storage_service import Peer
from storage.errors import StorageError

log = structlog.get_logger("gateway.dicom")

SOP_CLASS = "1.2.840.10008.3.1.2.3.3"

SUCCESS = 0x0000
INVALID_ATTRIBUTE_VALUE = 0x0106
PROCESSING_FAILURE = 0x0110
DUPLICATE_SOP_INSTANCE = 0x0111
NO_SUCH_SOP_INSTANCE = 0x0112
INVALID_OBJECT_INSTANCE = 0x0117
MISSING_ATTRIBUTE = 0x0120
MISSING_ATTRIBUTE_VALUE = 0x0121
RESOURCE_LIMITATION = 0x0213
MAY_NO_LONGER_BE_UPDATED = 0xA710        # Error ID beside 0110

Answer = tuple[int | Dataset, Dataset | None]


def mpps_service(context: PortContext) -> DimseService:
    """N-CREATE and N-SET; retrieving and notifying are SOP classes of their own, which are not offered."""
    port = _StepPort(context)
    return DimseService((SOP_CLASS,), {evt.EVT_N_CREATE: port.on_create, evt.EVT_N_SET: port.on_set})


class _StepPort:
    """The handlers; called from the associations' threads."""

    def __init__(self, context: PortContext) -> None:
        self._context = context

    def on_create(self, peer: Peer, event: Any) -> Answer:
        asked_uid = event.request.AffectedSOPInstanceUID
        uid = str(asked_uid) if asked_uid else str(generate_uid(prefix=None))    # a device may leave it to us
        status = self._answered(peer, lambda: self._create(peer, uid, read_creation(event.attribute_list)))
        reply = None
        if status == SUCCESS and not asked_uid:
            reply = Dataset()
            reply.AffectedSOPInstanceUID = uid
        return status, reply

    def on_set(self, peer: Peer, event: Any) -> Answer:
        uid = str(event.request.RequestedSOPInstanceUID or "")
        return self._answered(peer, lambda: self._change(peer, uid, read_change(event.modification_list))), None

    def _create(self, peer: Peer, uid: str, told: StepTold) -> None:
        self._context.bridge.call(create_step(
            self._context.parts, self._context.sender_of(peer), Uid.parse(uid).value, told))

    def _change(self, peer: Peer, uid: str, told: StepTold) -> None:
        self._context.bridge.call(change_step(
            self._context.parts, self._context.sender_of(peer), Uid.parse(uid).value, told))

    def _answered(self, peer: Peer, work: Callable[[], None]) -> int | Dataset:
        try:
            work()
        except StepIsFinal as exc:
            return _said(PROCESSING_FAILURE, str(exc), error_id=MAY_NO_LONGER_BE_UPDATED)
        except tuple(_STATUSES) as exc:
            log.info("performed step refused", why=type(exc).__name__, what=str(exc),
                     association=peer.association_id)
            return _said(_STATUSES[type(exc)], str(exc))
        except StorageError as exc:
            log.warning("performed step not kept", why=str(exc), association=peer.association_id)
            return _said(RESOURCE_LIMITATION, "storage does not answer, try again later")
        return SUCCESS


_STATUSES: dict[type[Exception], int] = {
    MissingAttribute: MISSING_ATTRIBUTE, MissingValue: MISSING_ATTRIBUTE_VALUE, InvalidValue: INVALID_ATTRIBUTE_VALUE,
    StepExists: DUPLICATE_SOP_INSTANCE, NotFound: NO_SUCH_SOP_INSTANCE, InvalidUid: INVALID_OBJECT_INSTANCE,
}


def _said(status: int, comment: str, *, error_id: int | None = None) -> Dataset:
    answer = Dataset()
    answer.Status = status
    answer.ErrorComment = comment[:64]
    if error_id is not None:
        answer.ErrorID = error_id
    return answer
