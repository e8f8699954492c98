"""Read and write the data sets of storage commitment (PS3.4 tables J.3-1 and J.3-2). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.sequence import Sequence as DicomSequence

from gateway.core.commitment import COMMITTED, FailureReason
from gateway.core.identifiers import Uid
from storage.model.commitments import CommitmentItem

SOP_CLASS = "1.2.840.10008.1.20.1"
SOP_INSTANCE = "1.2.840.10008.1.20.1.1"  # well-known (PS3.4 J.3.5)
REQUEST_COMMITMENT = 1                   # Action Type ID


def request_dataset(transaction_uid: str, items: Sequence[CommitmentItem]) -> Dataset:
    """Action Information of a request."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = DicomSequence([_reference(item) for item in items])
    return information


def read_request(information: Dataset) -> tuple[str, list[CommitmentItem]]:
    """Transaction UID and what is asked for. Raises ValueError: one is missing, or something is no UID."""
    transaction_uid = Uid.parse(str(information.get("TransactionUID") or "")).value
    items = [CommitmentItem(Uid.parse(str(item.get("ReferencedSOPClassUID") or "")).value,
                            Uid.parse(str(item.get("ReferencedSOPInstanceUID") or "")).value)
             for item in information.get("ReferencedSOPSequence") or ()]
    if not items:
        raise ValueError("nothing is referenced")
    return transaction_uid, items


def report_dataset(transaction_uid: str, items: Sequence[CommitmentItem], *, ae_title: str) -> Dataset:
    """Event Information: the complete set, what is committed and what is not."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    committed = [_reference(item) for item in items if item.failure_reason == COMMITTED]
    if committed:
        information.RetrieveAETitle = ae_title
        information.ReferencedSOPSequence = DicomSequence(committed)
    failed = []
    for item in items:
        if item.failure_reason != COMMITTED:
            reference = _reference(item)
            reason = item.failure_reason
            reference.FailureReason = int(FailureReason.PROCESSING_FAILURE if reason is None else reason)
            failed.append(reference)
    if failed:
        information.FailedSOPSequence = DicomSequence(failed)
    return information


def read_report(information: Dataset) -> tuple[str, frozenset[str], dict[str, int]]:
    """Transaction UID, the committed SOP Instance UIDs, and the reasons of the others. Raises ValueError."""
    transaction_uid = Uid.parse(str(information.get("TransactionUID") or "")).value
    committed = frozenset(str(item.get("ReferencedSOPInstanceUID") or "")
                          for item in information.get("ReferencedSOPSequence") or ())
    failed = {str(item.get("ReferencedSOPInstanceUID") or ""):
              int(item.get("FailureReason") or FailureReason.PROCESSING_FAILURE)
              for item in information.get("FailedSOPSequence") or ()}
    return transaction_uid, committed, failed


def _reference(item: CommitmentItem) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = item.sop_class_uid
    reference.ReferencedSOPInstanceUID = item.sop_instance_uid
    return reference
