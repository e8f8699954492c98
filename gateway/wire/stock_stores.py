"""The stock path of C-STORE: pynetdicom takes the message apart, the data set goes on while it arrives.

It serves every C-STORE when `wire` is "stock", and otherwise those that the lean path does not take.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.pdu_primitives import P_DATA

from gateway.wire.dimse_service import Exchanges
from gateway.wire.event_report_scu import ReportLine
from gateway.wire.reception import Receiving, Reception
from gateway.wire.storage_service import StoreCommand
from gateway.wire.store_messages import COMMAND
from gateway.wire.upper_layer import WaitingDimse, accepted_context

_MAX_OTHER_DATASET_BYTES = 1 << 20


class ReceivingDimse(WaitingDimse):
    """pynetdicom's DIMSE provider, which lets a data set through instead of collecting it."""

    def __init__(self, association: Any, reception: Reception, exchanges: Exchanges) -> None:
        super().__init__(association)
        self.reception = reception
        self._exchanges = exchanges
        self.reports: ReportLine | None = None       # where the peer uses a service that reports events

    @property
    def is_receiving(self) -> bool:
        return self.reception.is_receiving or not self.msg_queue.empty()

    def get_msg(self, block: bool = False) -> Any:
        """The next message for pynetdicom; one that is answered as an exchange is answered here."""
        context_id, message = super().get_msg(block)
        while self.reports is not None and self.reports.takes(message):
            context_id, message = super().get_msg(block)
        if self.reports is not None and message is None and not block and not self.is_receiving:
            self.reports.between_messages(self.reception.last_answered)
        if message is not None and not block and self._exchanges.serve(self.assoc, context_id, message):
            return None, None
        return context_id, message

    def receive_primitive(self, primitive: P_DATA) -> None:
        if self.message is None:
            self.message = DIMSEMessage()
            self.message.data_set = _DatasetStream(self, self.message)
        if _is_mixed(self.message, primitive):
            self.dul.event_queue.put("Evt19")        # invalid PDU: A-ABORT
            return
        super().receive_primitive(primitive)

    def begin(self, command_set: Any, context_id: Any) -> Receiving:
        accepted = accepted_context(self.assoc, context_id)
        return self.reception.begin(StoreCommand(
            str(command_set.get("AffectedSOPClassUID") or ""), str(command_set.get("AffectedSOPInstanceUID") or ""),
            accepted[1] if accepted else ""))


class _DatasetStream(BytesIO):
    """Stands where pynetdicom would collect the data set in memory."""

    def __init__(self, dimse: ReceivingDimse, message: DIMSEMessage) -> None:
        super().__init__()
        self._dimse = dimse
        self._message = message
        self.receiving: Receiving | None = None

    def write(self, data: Any) -> int:
        if self.receiving is None and isinstance(self._message, C_STORE_RQ):
            self.receiving = self._dimse.begin(self._message.command_set, self._message.context_id)
        if self.receiving is not None:
            self.receiving.sink.write(data)
            return len(data)
        if self.tell() + len(data) > _MAX_OTHER_DATASET_BYTES:
            raise ValueError("a data set without a C-STORE command is too large")
        return super().write(data)


def on_store(event: Any) -> int:
    """EVT_C_STORE: the data set is whole."""
    request = event.request
    command = StoreCommand(str(request.AffectedSOPClassUID or ""), str(request.AffectedSOPInstanceUID or ""),
                           str(event.context.transfer_syntax))
    reception: Reception = event.assoc.dimse.reception
    receiving = request.DataSet.receiving or reception.begin(command)
    try:
        return reception.store(receiving, command)
    finally:
        reception.answered(receiving)


def _is_mixed(message: DIMSEMessage, primitive: P_DATA) -> bool:
    """True if a fragment cannot belong to the message that has begun (PS3.8 annex E)."""
    context_id = message.context_id
    for fragment_context_id, data in primitive.presentation_data_value_list:
        if context_id is not None and (fragment_context_id != context_id or (data[:1] and data[0] & COMMAND)):
            return True
        if data[:1] and data[0] & 3 == 3:
            context_id = fragment_context_id
    return False
