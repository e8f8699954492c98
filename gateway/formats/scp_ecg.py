"""SCP-ECG (EN 1064, ISO/IEEE 11073-91064), versions 1.3 to 2.x, and 3.0 where its rhythm is the same Section 6.

Read: sections 1 (person, device, time), 2 (Huffman tables), 3 (leads), 4 to 6 (samples), 7, 8, 10, 11 (the cart's
findings). A wrong checksum is a warning as long as the structure holds; what the samples need and does not hold is a
refusal with a reason that begins with "scp-".
"""

from __future__ import annotations

from datetime import tzinfo

from gateway.core.waveform import EcgRecord
from gateway.formats.scp_findings import other_texts, read_measurements, read_statements
from gateway.formats.scp_patient import read_origin
from gateway.formats.scp_sections import is_scp_ecg, read_sections
from gateway.formats.scp_signal import read_signal

NAME = "scp_ecg"
_MAX_WARNINGS = 30


def recognise(data: bytes) -> bool:
    """True for bytes that begin with Section 0 of an SCP-ECG record."""
    return is_scp_ecg(data)


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode one record. Raises Unreadable with a reason that begins with "scp-"."""
    record = read_sections(data)
    warnings = record.warnings
    signal = read_signal(record, warnings)
    if 12 in record.sections and record.protocol_version >= 30:
        warnings.append("The file also holds long-term rhythm (Section 12), which is not shown.")
    origin = read_origin(record.body(1), other_texts(record), time_zone=time_zone, warnings=warnings)
    measurements, marks = read_measurements(record, warnings)
    statements = read_statements(record, origin.text, warnings)
    if len(warnings) > _MAX_WARNINGS:
        warnings[_MAX_WARNINGS:] = [f"{len(warnings) - _MAX_WARNINGS} more things do not fit."]
    return EcgRecord(
        format=NAME, interval_us=float(signal.interval_us), leads=signal.leads, recorded_at=origin.recorded_at,
        patient=origin.patient, device_model=origin.device_model, device_serial=origin.device_serial,
        device_maker=origin.device_maker, filters=origin.filters, measurements=measurements, statements=statements,
        representative_beats=signal.beats, beat_interval_us=float(signal.beat_interval_us) if signal.beats else 0.0,
        marks=(*signal.marks, *marks), warnings=tuple(warnings))
