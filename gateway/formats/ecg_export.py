"""An ECG in another format than it came in: which there are, and what each of them loses.

The file as received stays the truth; what is made here is for systems that want another form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgRecord
from gateway.formats import aecg_writer, wfdb_writer
from gateway.formats.dicom_ecg_writer import DicomUids, write_dicom
from gateway.formats.scp_writer import write_scp


class EcgTarget(StrEnum):
    """What an ECG can be written as."""

    DICOM = "dicom"                          # General ECG Waveform, or what its limits ask for
    SCP = "scp"                              # SCP-ECG 2.0
    AECG = "aecg"                            # HL7 Annotated ECG
    WFDB = "wfdb"                            # a zip of header and signal file


SUFFIXES: Mapping[EcgTarget, str] = {EcgTarget.DICOM: "dcm", EcgTarget.SCP: "scp", EcgTarget.AECG: "xml",
                                     EcgTarget.WFDB: "zip"}
MEDIA_TYPES: Mapping[EcgTarget, str] = {
    EcgTarget.DICOM: "application/dicom", EcgTarget.SCP: "application/octet-stream",
    EcgTarget.AECG: "application/xml", EcgTarget.WFDB: "application/zip"}


@dataclass(frozen=True, slots=True)
class ExportedEcg:
    """The bytes, and what of the record they do not hold, in plain words."""

    data: bytes
    losses: tuple[str, ...]


def export(record: EcgRecord, target: EcgTarget, *, uids: DicomUids | None = None,
           as_twelve_lead: bool = False) -> ExportedEcg:
    """Write the record. Raises InvalidRequest without leads, and where the format cannot hold it at all.

    `uids` and `as_twelve_lead` (the 12-lead object where its limits fit) are for DICOM.
    """
    if not record.leads:
        raise InvalidRequest("This ECG has no leads, so there is nothing to convert.", reason="no-waveform")
    if target is EcgTarget.DICOM:
        dicom = write_dicom(record, uids=uids, as_twelve_lead=as_twelve_lead)
        return ExportedEcg(dicom.data, dicom.losses)
    if target is EcgTarget.SCP:
        scp = write_scp(record)
        return ExportedEcg(scp.data, scp.losses)
    if target is EcgTarget.AECG:
        return ExportedEcg(aecg_writer.write(record), aecg_writer.losses(record))
    return ExportedEcg(wfdb_writer.write(record), wfdb_writer.losses(record))
