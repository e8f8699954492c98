"""Every ECG format, one line each. A format is recognised by its content, never by the name of the file.

A new format is a new file with NAME, recognise and read, and its line in FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord
from gateway.formats import (
    cardiosoft_xml,
    contec,
    dicom_waveform,
    edf,
    healforce,
    hl7_aecg,
    mfer,
    muse_xml,
    scp_ecg,
    sierra_xml,
    wfdb_record,
)
from storage.model import EcgFacts


@dataclass(frozen=True, slots=True)
class EcgFormat:
    """How to know one format, and how to read it. `read(data, time_zone=…)` raises Unreadable."""

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[..., EcgRecord]


FORMATS: tuple[EcgFormat, ...] = (
    EcgFormat(dicom_waveform.NAME, dicom_waveform.recognise, dicom_waveform.read),
    EcgFormat(hl7_aecg.NAME, hl7_aecg.recognise, hl7_aecg.read),
    EcgFormat(scp_ecg.NAME, scp_ecg.recognise, scp_ecg.read),
    EcgFormat(healforce.NAME, healforce.recognise, healforce.read),
    EcgFormat(muse_xml.NAME, muse_xml.recognise, muse_xml.read),
    EcgFormat(cardiosoft_xml.NAME, cardiosoft_xml.recognise, cardiosoft_xml.read),
    EcgFormat(sierra_xml.NAME, sierra_xml.recognise, sierra_xml.read),
    EcgFormat(wfdb_record.NAME, wfdb_record.recognise, wfdb_record.read),
    EcgFormat(edf.NAME, edf.recognise, edf.read),
    EcgFormat(contec.NAME, contec.recognise, contec.read),
    EcgFormat(mfer.NAME, mfer.recognise, mfer.read),
)


def recognise(data: bytes, file_name: str = "") -> str | None:
    """The format's name, or None. `file_name` is there for messages; it decides nothing."""
    return next((known.name for known in FORMATS if known.recognise(data)), None)


def read_ecg(data: bytes, *, time_zone: tzinfo, file_name: str = "") -> EcgRecord:
    """Decode one ECG. Times without zone are the device's clock in `time_zone`. Raises Unreadable, reason named."""
    if not data:
        raise Unreadable("The file is empty.", reason="empty")
    for known in FORMATS:
        if known.recognise(data):
            return known.read(data, time_zone=time_zone)
    if data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        if b"<!ENTITY" in data[:65536]:
            raise Unreadable("The XML declares entities of its own; no ECG needs that.", reason="xml-entity")
        raise Unreadable("This XML is not an ECG format that the gateway reads.", reason="unknown-xml")
    raise Unreadable("This is no ECG format that the gateway reads.", reason="unknown-format")


def ecg_facts(record: EcgRecord, instance_id: str) -> EcgFacts:
    """What the index keeps of a decoded ECG."""
    return EcgFacts(
        instance_id=instance_id, format=record.format, interval_us=record.interval_us,
        lead_names=tuple(lead.name for lead in record.leads), sample_count=record.sample_count,
        recorded_at=record.recorded_at, device_model=record.device_model, filters=record.filters,
        measurements=dict(record.measurements), statements=record.statements, warnings=record.warnings,
        critical_statements=record.critical_statements,
    )
