"""Every ECG format, one line each. A format is recognised by its content, never by the name of the file.

A new format is a new file with NAME, recognise and read, and its line in FORMATS. Formats that other packages bring
(added_formats) are asked after all of ours.
"""

from __future__ import annotations

import math
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
    pdf_record,
    scp_ecg,
    sierra_xml,
    wfdb_record,
)
from gateway.formats.added_formats import added_formats
from gateway.formats.ecg_format import EcgFormat as EcgFormat
from storage.model import EcgFacts

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
    EcgFormat(pdf_record.NAME, pdf_record.recognise, pdf_record.read),
)


LEAST_INTERVAL_US, MOST_INTERVAL_US = 10.0, 1_000_000.0     # 100 kHz to 1 Hz
LATEST_START_US = 86_400e6
LEAST_NV, MOST_NV = 1e-6, 1e12                              # of one unit: a femtovolt to a kilovolt


def all_formats() -> tuple[EcgFormat, ...]:
    """Ours, then those that installed packages bring."""
    return (*FORMATS, *added_formats().formats)


def recognise(data: bytes, file_name: str = "") -> str | None:
    """The format's name, or None. `file_name` is there for messages; it decides nothing."""
    return next((known.name for known in all_formats() if known.recognise(data)), None)


def read_ecg(data: bytes, *, time_zone: tzinfo, file_name: str = "") -> EcgRecord:
    """Decode one ECG. Times without zone are the device's clock in `time_zone`. Raises Unreadable, reason named."""
    if not data:
        raise Unreadable("The file is empty.", reason="empty")
    for known in all_formats():
        if known.recognise(data):
            return _usable(known.read(data, time_zone=time_zone))
    if data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        if b"<!ENTITY" in data[:65536]:
            raise Unreadable("The XML declares entities of its own; no ECG needs that.", reason="xml-entity")
        raise Unreadable("This XML is not an ECG format that the gateway reads.", reason="unknown-xml")
    raise Unreadable("This is no ECG format that the gateway reads.", reason="unknown-format")


def _usable(record: EcgRecord) -> EcgRecord:
    """Refuse a clock, a start or a gain that no recorder of any format has: all that follows divides by them."""
    if record.leads and not LEAST_INTERVAL_US <= record.interval_us <= MOST_INTERVAL_US:
        raise Unreadable(f"A sampling interval of {record.interval_us:g} microseconds is no ECG's.",
                         reason="sampling-interval")
    if any(not 0 <= lead.start_us <= LATEST_START_US for lead in record.leads):
        raise Unreadable("Its leads begin more than a day apart.", reason="lead-start")
    for lead in (*record.leads, *record.representative_beats):
        if not (LEAST_NV <= abs(lead.nv_per_unit) <= MOST_NV and math.isfinite(lead.baseline)):
            raise Unreadable(f"A unit of {lead.nv_per_unit:g} nV in lead {lead.name} is no ECG's.", reason="gain")
    return record


def ecg_facts(record: EcgRecord, instance_id: str) -> EcgFacts:
    """What the index keeps of a decoded ECG."""
    return EcgFacts(
        instance_id=instance_id, format=record.format, interval_us=record.interval_us,
        lead_names=tuple(lead.name for lead in record.leads), sample_count=record.sample_count,
        recorded_at=record.recorded_at, device_model=record.device_model, filters=record.filters,
        measurements=_measurements(record), statements=record.statements, warnings=record.warnings,
        critical_statements=record.critical_statements,
    )


def _measurements(record: EcgRecord) -> dict[str, float]:
    """The cart's numbers; rules ask for one QTc, whatever its formula."""
    found = dict(record.measurements)
    corrected = next((key for key in ("qtc_bazett_ms", "qtc_fridericia_ms") if key in found), None)
    return found | {"qtc_ms": found[corrected]} if corrected and "qtc_ms" not in found else found
