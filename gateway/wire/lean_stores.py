"""Join the lean path to an association: which C-STOREs it takes, and where they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.wire.presentation import VERIFICATION_SOP_CLASS
from gateway.wire.receive_buffer import ReceiveBuffer
from gateway.wire.reception import Receiving, Reception
from gateway.wire.storage_service import DatasetSink, StoreCommand
from gateway.wire.store_messages import StoreRequest
from gateway.wire.store_reader import StoreReader
from gateway.wire.upper_layer import accepted_context, read_stores_past

_LONGEST_RESPONSE_BYTES = 512            # in one PDU; two UIDs of 64 bytes make less than 300


def read_lean(association: Any, reception: Reception, *, largest_pdu_bytes: int) -> None:
    """Read the C-STOREs of a tuned, not yet started association past pynetdicom."""

    def make_reader(buffer: ReceiveBuffer, send: Callable[[bytes], None]) -> StoreReader:
        return StoreReader(buffer, _AssociationStores(association, reception), send=send,
                           largest_pdu_bytes=largest_pdu_bytes)

    read_stores_past(association, make_reader)


class _AssociationStores:
    """`Stores` of one association. One message at a time: the operations window is never negotiated."""

    def __init__(self, association: Any, reception: Reception) -> None:
        self._association = association
        self._reception = reception
        self._receiving: Receiving | None = None

    def begin(self, request: StoreRequest) -> DatasetSink | None:
        accepted = accepted_context(self._association, request.context_id)
        sop_class_uid = request.sop_class_uid.decode("ascii")
        if accepted is None or accepted[0] != sop_class_uid or sop_class_uid == VERIFICATION_SOP_CLASS:
            return None
        if 0 < self._association.requestor.maximum_length < _LONGEST_RESPONSE_BYTES:
            return None
        command = StoreCommand(sop_class_uid, request.sop_instance_uid.decode("ascii"), accepted[1])
        self._receiving = self._reception.begin(command)
        return self._receiving.sink

    def store(self, request: StoreRequest, sink: DatasetSink) -> int:
        assert self._receiving is not None
        return self._reception.store(self._receiving, self._receiving.command)

    def answered(self, sink: DatasetSink) -> None:
        assert self._receiving is not None
        self._reception.answered(self._receiving)
        self._receiving = None
        if self._reception.is_closing:
            self._association.abort(block=False)
