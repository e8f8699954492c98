"""Ask the clinic's node to commit to the report that it took, and say how that stands.

The delivery is accepted with the node's commitment, not with its C-STORE answer, where the destination says so. A
node that says that it does not have the object gets it again, with a new Transaction UID.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from enum import Enum

from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from gateway.core.commitment import COMMITTED
from gateway.core.errors import DestinationRefused, DestinationUnavailable
from gateway.formats.commitment_messages import (
    REQUEST_COMMITMENT,
    SOP_CLASS,
    SOP_INSTANCE,
    read_report,
    request_dataset,
)
from gateway.services.ports import DeliveryParcel, Parts
from gateway.services.request_commitment import NotAsked, latest_request, note_request, take_answer
from gateway.wire.commitment_scu import ask_peer
from gateway.wire.requestor import PeerRefused, PeerUnavailable, RemoteNode
from storage.errors import StorageError
from storage.model.commitments import AskedCommitment, CommitmentItem

_STAYS_OPEN_S = 2.0
_ANSWER_WITHIN_S = 30.0
_ASK_AGAIN_AFTER = timedelta(hours=1)    # a node that forgot is asked anew
_SUCCESS, _PROCESSING_FAILURE, _INVALID_ARGUMENT = 0x0000, 0x0110, 0x0115


class Standing(Enum):
    """How a node's commitment to a delivery stands."""

    COMMITTED = "committed"
    WAITING = "waiting"                  # asked, no answer yet
    OPEN = "open"                        # not asked, refused, or forgotten: send and ask


class NodeCommitment:
    """Asks for one delivery at a time; its state is in the store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def standing(self, delivery_id: str) -> Standing:
        """What the node has said so far."""
        asked = await latest_request(self._parts, delivery_id)
        if asked is None:
            return Standing.OPEN
        if asked.failure_reason == COMMITTED:
            return Standing.COMMITTED
        is_fresh = self._parts.clock() - asked.asked_at < _ASK_AGAIN_AFTER
        return Standing.WAITING if asked.answered_at is None and is_fresh else Standing.OPEN

    async def ask(self, parcel: DeliveryParcel, node: RemoteNode, *, where: str) -> Standing:
        """Ask now. Raises DestinationUnavailable, DestinationRefused, in plain words."""
        report = parcel.report
        assert report.sop_instance_uid is not None
        asked = AskedCommitment(
            f"2.25.{uuid.uuid4().int}", parcel.delivery.id, parcel.delivery.destination_id, node.called_ae_title,
            str(EncapsulatedPDFStorage), report.sop_instance_uid, self._parts.clock())
        await note_request(self._parts, asked)
        loop = asyncio.get_running_loop()

        def on_report(information: Dataset, event_type_id: int) -> int:
            return asyncio.run_coroutine_threadsafe(
                self._take(node.called_ae_title, information), loop).result(_ANSWER_WITHIN_S)

        item = CommitmentItem(asked.sop_class_uid, asked.sop_instance_uid)
        try:
            status = await ask_peer(
                node, request_dataset(asked.transaction_uid, [item]), sop_class_uid=SOP_CLASS,
                sop_instance_uid=SOP_INSTANCE, action_type_id=REQUEST_COMMITMENT, on_report=on_report,
                stays_open_s=_STAYS_OPEN_S)
        except PeerRefused as exc:
            raise DestinationRefused(
                f"{where} 收下了报告，但不提供存储承诺，请关闭这个目的地的“要求存储承诺”。") from exc
        except (PeerUnavailable, OSError) as exc:
            raise DestinationUnavailable(f"{where} 收下了报告，但没有应答存储承诺请求，稍后自动重试。") from exc
        if status != _SUCCESS:
            await take_answer(self._parts, node.called_ae_title, asked.transaction_uid, committed=frozenset(),
                              failed={asked.sop_instance_uid: status})
            raise DestinationUnavailable(f"{where} 没有接受存储承诺请求（状态 {status:04X}），稍后自动重试。")
        return await self.standing(parcel.delivery.id)

    async def _take(self, ae_title: str, information: Dataset) -> int:
        """The answer on the association on which we asked; an error of ours is told as that (0110)."""
        try:
            transaction_uid, committed, failed = read_report(information)
            await take_answer(self._parts, ae_title, transaction_uid, committed=committed, failed=failed)
        except (ValueError, NotAsked):
            return _INVALID_ARGUMENT
        except StorageError:
            return _PROCESSING_FAILURE
        return _SUCCESS
