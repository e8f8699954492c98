"""A WFDB record as one zip: header (.hea) and the signal files it names, exact integers with the header's gain.

A pair sent as two files is packed into such a zip first (`zip_members.pack`), each byte as it came. A record in
segments and its reference annotations (.atr) are read when they lie in the zip too. The storage formats are decoded
here in NumPy: the wfdb package wants files and folders, and this room does no I/O.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, tzinfo
from decimal import Decimal

from gateway.core.charset import utf8_or_chinese
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import lead_names, wfdb_annotations, wfdb_header, wfdb_segments, wfdb_signals
from gateway.formats.units import NANOVOLTS
from gateway.formats.wfdb_header import Header
from gateway.formats.wfdb_signals import Recorded
from gateway.formats.zip_members import ZipMembers

NAME = "wfdb"
_IN_SEGMENTS = re.compile(rb"(?:\s*#[^\n]*\n)*\s*[^\s/#]+/\d")
_DEFAULT_FREQUENCY_HZ = Decimal(250)          # header(5): "if missing, 250 is assumed"


def recognise(data: bytes) -> bool:
    """True for a zip; whether there is a record in it is told by `read`."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the one record in the zip. Raises Unreadable with reasons that begin with "zip-" or "wfdb-"."""
    members = ZipMembers(data)
    name, header = _record_header(members, time_zone)
    folder = name.rpartition("/")[0]
    warnings: list[str] = []
    frequency = header.sampling_frequency_hz
    if frequency is None:
        frequency = _DEFAULT_FREQUENCY_HZ
        warnings.append("The header states no sampling frequency; 250 Hz is taken, as WFDB prescribes.")
    if header.segments:
        def header_of(segment: str) -> Header:
            return _parsed(members, wfdb_signals.member(members, folder, f"{segment}.hea"), time_zone)
        signals = wfdb_segments.joined(replace(header, sampling_frequency_hz=frequency), members, folder, header_of,
                                       warnings)
    else:
        signals = wfdb_signals.recorded(header, members, folder, warnings)
    leads, per_frame = _leads(signals, warnings)
    if not any(len(lead.samples) for lead in leads):
        raise Unreadable("The record holds no samples.", reason="wfdb-no-samples")
    return EcgRecord(
        format=NAME, interval_us=float(Decimal(1_000_000) / (frequency * per_frame)), leads=leads,
        recorded_at=header.recorded_at, patient=_patient(header),
        marks=_marks(members, name, frequency, warnings), warnings=tuple(warnings),
    )


def signal_files(header: bytes) -> list[str]:
    """The files that a header names, each once, for whoever collects a record: signals, or headers of segments."""
    parsed = wfdb_header.parse(_text(header), time_zone=UTC)
    names = [signal.file_name for signal in parsed.signals] or [f"{s.name}.hea" for s in parsed.segments]
    nothing = (wfdb_signals.NOTHING, f"{wfdb_signals.NOTHING}.hea")
    return [name for name in dict.fromkeys(names) if name not in nothing]


def _record_header(members: ZipMembers, time_zone: tzinfo) -> tuple[str, Header]:
    """The one header, or the one whose segments all others are."""
    names = [name for name in members.names if name.lower().endswith(".hea")]
    if not names:
        raise Unreadable("The zip holds no WFDB header (.hea).", reason="wfdb-no-header")
    if len(names) == 1:
        return names[0], _parsed(members, names[0], time_zone)
    masters = [name for name in names if _IN_SEGMENTS.match(members.read(name))]
    if len(masters) == 1:
        header = _parsed(members, masters[0], time_zone)
        folder = masters[0].rpartition("/")[0]
        parts = {f"{folder}/{s.name}.hea" if folder else f"{s.name}.hea" for s in header.segments}
        if set(names) <= parts | {masters[0]}:
            return masters[0], header
    raise Unreadable(f"The zip holds {len(names)} records; send one at a time.", reason="wfdb-many-records")


def _parsed(members: ZipMembers, name: str, time_zone: tzinfo) -> Header:
    return wfdb_header.parse(_text(members.read(name)), time_zone=time_zone)


def _leads(signals: list[Recorded], warnings: list[str]) -> tuple[tuple[EcgLead, ...], int]:
    """The voltages of the sampling rate that most of them have (of two, the higher), and its samples a frame."""
    found = [(one, lead) for one in signals if (lead := _lead(one, warnings)) is not None]
    if not found:
        raise Unreadable("None of the record's signals is a voltage.", reason="wfdb-no-voltage")
    rates = [one.signal.samples_per_frame for one, _ in found]
    per_frame = max(set(rates), key=lambda rate: (rates.count(rate), rate))
    for one, lead in found:
        if one.signal.samples_per_frame != per_frame:
            warnings.append(f"The signal {lead.name} has another sampling rate than the others and is not shown.")
    return tuple(lead for one, lead in found if one.signal.samples_per_frame == per_frame), per_frame


def _lead(one: Recorded, warnings: list[str]) -> EcgLead | None:
    signal = one.signal
    name = lead_names.by_word(signal.description) or signal.description or "?"
    unit = NANOVOLTS.get(signal.unit.lower())
    if unit is None:
        warnings.append(f"The signal {name} is in {signal.unit}, not in volts, and is not shown.")
        return None
    if signal.gain is None:
        raise Unreadable(f"The header states no gain for {name}; none is guessed.", reason="wfdb-uncalibrated")
    return EcgLead(name=name, code=signal.description, samples=one.samples, nv_per_unit=float(unit / signal.gain),
                   baseline=-float(signal.baseline), missing=one.missing)


def _marks(members: ZipMembers, header_name: str, frequency: Decimal, warnings: list[str]) -> tuple[EcgMark, ...]:
    """The reference annotations (.atr), where the zip holds them."""
    name = header_name[:-len(".hea")] + ".atr"
    if name not in members.names:
        return ()
    return wfdb_annotations.marks(members.read(name), frames_per_second=frequency, warnings=warnings)


def _text(data: bytes) -> str:
    if len(data) > 1 << 20 or b"\x00" in data:
        raise Unreadable("The WFDB header is not text.", reason="wfdb-header")
    return utf8_or_chinese(data)


def _patient(header: Header) -> EcgPatient:
    """Age and sex from the comments as PhysioNet writes them; a record's name is its only identity."""
    fields = {key.strip(" <>").lower(): value.strip()
              for line in header.comments for key, _, value in [line.partition(":")] if value}
    age = re.match(r"\d{1,3}(\.\d+)?$", fields.get("age", ""))
    sex = fields.get("sex", fields.get("gender", ""))[:1].upper()
    return EcgPatient(patient_id=header.name, sex=sex if sex in ("M", "F") else "",
                      age_years=float(age.group()) if age else None)
