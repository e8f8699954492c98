"""A modality that asks for storage commitment, made of pynetdicom: it stores, asks, and listens for the result."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from tests.support import dicom_builders as build

COMMITMENT = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"


@dataclass
class Report:
    """One N-EVENT-REPORT as it came."""

    event_type: int
    information: Dataset
    is_on_own_association: bool
    peer_proposed_scp: bool | None

    @property
    def committed(self) -> set[str]:
        return {item.ReferencedSOPInstanceUID for item in self.information.get("ReferencedSOPSequence") or ()}

    @property
    def failed(self) -> dict[str, int]:
        return {item.ReferencedSOPInstanceUID: item.FailureReason
                for item in self.information.get("FailedSOPSequence") or ()}


@dataclass
class CommitmentUser:
    """The modality; `statuses` are what it answers to the next reports (then 0000)."""

    ae_title: str = "MODALITY"
    statuses: list[int] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    received: list[str] = field(default_factory=list)    # kinds of messages, in the order in which they came
    association: Any = None

    def associate(self, address: str, *, with_storage: bool = True, bind_address: str = "") -> Any:
        """Open an association with commitment, and with the classes that the tests store."""
        host, port = address.rsplit(":", 1)
        ae = AE(ae_title=self.ae_title)
        ae.acse_timeout = ae.dimse_timeout = 20
        ae.add_requested_context(COMMITMENT)
        if with_storage:
            ae.add_requested_context(build.CT, "1.2.840.10008.1.2.1")
        self.association = ae.associate(
            host, int(port), ae_title="GATEWAY", bind_address=(bind_address, 0),
            evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._on_report, [True]), (evt.EVT_DIMSE_RECV, self._on_message)])
        assert self.association.is_established
        return self.association

    def store(self, *files: bytes) -> list[int]:
        """C-STORE on the open association; returns the statuses."""
        return [int(self.association.send_c_store(dcmread(BytesIO(data)), msg_id=number).Status)
                for number, data in enumerate(files, start=1)]

    def ask(self, references: Sequence[tuple[str, str]], *, transaction_uid: str = "", action: int = 1,
            instance: str = COMMITMENT_INSTANCE) -> tuple[int, str]:
        """N-ACTION for these (class, instance) pairs; returns status and Transaction UID."""
        transaction_uid = transaction_uid or generate_uid()
        status, _ = self.association.send_n_action(request(references, transaction_uid), action, COMMITMENT, instance)
        return int(status.Status), transaction_uid

    def release(self) -> None:
        if self.association is not None:
            self.association.release()

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[int]:
        """Listen for results, as the user of the service whom the provider calls; yields the port."""
        ae = AE(ae_title=self.ae_title)
        ae.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
        server = ae.start_server(("127.0.0.1", port), block=False,
                                 evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._on_report, [False])])
        assert server is not None
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()

    def _on_report(self, event: Any, is_own: bool) -> tuple[int, None]:
        roles = event.assoc.requestor.role_selection.get(COMMITMENT)
        self.reports.append(Report(event.request.EventTypeID, event.event_information, is_own,
                                   None if roles is None else bool(roles.scp_role)))
        return (self.statuses.pop(0) if self.statuses else 0x0000), None

    def _on_message(self, event: Any) -> None:
        self.received.append(type(event.message).__name__)


def request(references: Sequence[tuple[str, str]], transaction_uid: str) -> Dataset:
    """Action Information (PS3.4 table J.3-1)."""
    information = Dataset()
    if transaction_uid:
        information.TransactionUID = transaction_uid
    items = []
    for sop_class_uid, sop_instance_uid in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
        items.append(item)
    information.ReferencedSOPSequence = DicomSequence(items)
    return information


def references_of(*files: bytes) -> list[tuple[str, str]]:
    """(class, instance) of Part 10 files."""
    found = []
    for data in files:
        ds = dcmread(BytesIO(data), stop_before_pixels=True)
        found.append((str(ds.SOPClassUID), str(ds.SOPInstanceUID)))
    return found


def in_thread(work: Any) -> threading.Thread:
    """Run it beside the test."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
