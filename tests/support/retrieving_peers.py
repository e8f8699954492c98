"""Peers of a retrieval, written with pynetdicom: one that fetches by C-GET, and one that a C-MOVE sends to."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_role, evt

from tests.support.dicom_builders import CT


@dataclass
class Taker:
    """A peer that fetches by C-GET, written with pynetdicom."""

    takes: dict[str, list[str]]
    says: list[int] = field(default_factory=list)
    cancels_after: int = 0
    aborts_after: int = 0
    datasets: list[Dataset] = field(default_factory=list)
    last: Dataset = field(default_factory=Dataset)
    counts: tuple[int, int, int] = (0, 0, 0)
    remaining: int = 0

    async def get(self, receiver, model, study_uid):
        return await asyncio.to_thread(self._get, receiver, model, study_uid)

    def _get(self, receiver, model, study_uid):
        host, port = receiver.address.split(":")
        ae = AE(ae_title="MODALITY")
        ae.dimse_timeout = 2 if self.aborts_after else 30         # after its own abort it waits for nobody
        ae.add_requested_context(model)
        for sop_class, syntaxes in self.takes.items():
            ae.add_requested_context(sop_class, syntaxes)
        association = ae.associate(host, int(port), ae_title="GATEWAY",
                                   ext_neg=[build_role(uid, scp_role=True) for uid in self.takes],
                                   evt_handlers=[(evt.EVT_C_STORE, self._store, [model])])
        assert association.is_established
        query = Dataset()
        query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", study_uid
        statuses = []
        for status, identifier in association.send_c_get(query, model):
            if "Status" not in status:
                break
            statuses.append(status.Status)
            self.last = identifier if identifier is not None else Dataset()
            completed, failed, warning, self.remaining = (
                status.get(f"NumberOf{word}Suboperations", 0)
                for word in ("Completed", "Failed", "Warning", "Remaining"))
            self.counts = (completed, failed, warning)
        if association.is_established:
            association.release()
        return statuses

    def _store(self, event, model):
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        self.datasets.append(dataset)
        if len(self.datasets) == self.cancels_after:
            event.assoc.send_c_cancel(1, query_model=model)
        if len(self.datasets) == self.aborts_after:
            event.assoc.abort()
        return self.says[len(self.datasets) - 1] if self.says else 0x0000


@dataclass
class Node:
    """A C-STORE provider that answers as it is told."""

    port: int
    requests: list[Any] = field(default_factory=list)


@contextmanager
def a_node(*, says=(), pause_s=0.0):
    node = Node(0)
    lock = threading.Lock()
    hold = threading.Event()

    def store(event):
        with lock:
            node.requests.append(event.request)
            number = len(node.requests)
        hold.wait(pause_s)
        return says[number - 1] if says else 0x0000

    ae = AE(ae_title="NODE")
    ae.require_called_aet = False
    ae.add_supported_context(CT, [ExplicitVRLittleEndian])
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    node.port = server.socket.getsockname()[1]
    try:
        yield node
    finally:
        server.shutdown()
