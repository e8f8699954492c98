"""A WFDB record as one zip: header (.hea) and the signal files it names, exact integers with the header's gain.

A pair sent as two files is packed into such a zip first (`zip_members.pack`), each byte as it came. The storage
formats are decoded here in NumPy: the wfdb package wants files and folders, and this room does no I/O.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import PurePosixPath

import numpy as np

from gateway.core.charset import utf8_or_chinese
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgPatient, EcgRecord, IntSamples
from gateway.formats import lead_names, wfdb_header, wfdb_samples
from gateway.formats.units import NANOVOLTS
from gateway.formats.wfdb_header import Header, Signal
from gateway.formats.zip_members import ZipMembers

NAME = "wfdb"
_DEFAULT_FREQUENCY_HZ = Decimal(250)          # header(5): "if missing, 250 is assumed"


def recognise(data: bytes) -> bool:
    """True for a zip; whether there is a record in it is told by `read`."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the one record in the zip. Raises Unreadable with reasons that begin with "zip-" or "wfdb-"."""
    members = ZipMembers(data)
    header_name = _header_name(members)
    header = wfdb_header.parse(_text(members.read(header_name)), time_zone=time_zone)
    warnings: list[str] = []
    frequency = header.sampling_frequency_hz
    if frequency is None:
        frequency = _DEFAULT_FREQUENCY_HZ
        warnings.append("The header states no sampling frequency; 250 Hz is taken, as WFDB prescribes.")
    folder = header_name.rpartition("/")[0]
    raw = _raw_signals(header, members, folder)
    leads = tuple(lead for signal, samples in zip(header.signals, raw, strict=True)
                  if (lead := _lead(signal, samples, warnings)) is not None)
    if not leads:
        raise Unreadable("None of the record's signals is a voltage.", reason="wfdb-no-voltage")
    return EcgRecord(
        format=NAME, interval_us=float(Decimal(1_000_000) / frequency), leads=leads, recorded_at=header.recorded_at,
        patient=_patient(header), warnings=tuple(warnings),
    )


def signal_files(header: bytes) -> list[str]:
    """The files that a header names, each once, for whoever collects a pair. Raises Unreadable."""
    parsed = wfdb_header.parse(_text(header), time_zone=UTC)
    return list(dict.fromkeys(signal.file_name for signal in parsed.signals))


def _header_name(members: ZipMembers) -> str:
    headers = [name for name in members.names if name.lower().endswith(".hea")]
    if not headers:
        raise Unreadable("The zip holds no WFDB header (.hea).", reason="wfdb-no-header")
    if len(headers) > 1:
        raise Unreadable(f"The zip holds {len(headers)} records; send one at a time.", reason="wfdb-many-records")
    return headers[0]


def _raw_signals(header: Header, members: ZipMembers, folder: str) -> list[IntSamples]:
    raw: dict[int, IntSamples] = {}
    for file_name in dict.fromkeys(signal.file_name for signal in header.signals):
        numbers = [i for i, signal in enumerate(header.signals) if signal.file_name == file_name]
        raw.update(zip(numbers, _file_signals(header, numbers, _member(members, folder, file_name)), strict=True))
    return [raw[i] for i in range(len(header.signals))]


def _file_signals(header: Header, numbers: list[int], data: bytes) -> list[IntSamples]:
    signals = [header.signals[i] for i in numbers]
    first = signals[0]
    if any(signal.samples_per_frame != 1 for signal in signals):
        raise Unreadable("Signals of different rates in one record are not read yet.", reason="wfdb-frames")
    if len({(s.storage, s.byte_offset) for s in signals}) != 1:
        raise Unreadable("One signal file is described in two ways.", reason="wfdb-header")
    data = data[first.byte_offset:]
    count = header.sample_count or wfdb_samples.samples_in(len(data), first.storage) // len(signals)
    if count * len(signals) > wfdb_header.MAX_SAMPLES:
        raise Unreadable("The signal file holds more samples than any ECG has.", reason="wfdb-too-large")
    frames = wfdb_samples.decode(data, first.storage, count * len(signals)).reshape(count, len(signals))
    out = []
    for column, signal in enumerate(signals):
        samples = np.ascontiguousarray(frames[:, column])
        if signal.storage == 8:
            samples = np.cumsum(samples, dtype=np.int32) + np.int32(signal.initial_value or 0)
        out.append(samples)
    return out


def _lead(signal: Signal, samples: IntSamples, warnings: list[str]) -> EcgLead | None:
    name = lead_names.by_word(signal.description) or signal.description or "?"
    unit = NANOVOLTS.get(signal.unit.lower())
    if unit is None:
        warnings.append(f"The signal {name} is in {signal.unit}, not in volts, and is not shown.")
        return None
    if signal.gain is None:
        raise Unreadable(f"The header states no gain for {name}; none is guessed.", reason="wfdb-uncalibrated")
    if signal.checksum is not None and len(samples) and _checksum(samples) != signal.checksum % 65536:
        warnings.append(f"The checksum of {name} does not match its samples.")
    missing = samples == wfdb_samples.INVALID[signal.storage] if signal.storage in wfdb_samples.INVALID else None
    if signal.skew:
        samples, missing = _without_skew(samples, missing, signal.skew)
    if missing is not None and not missing.any():
        missing = None
    return EcgLead(name=name, code=signal.description, samples=samples, nv_per_unit=float(unit / signal.gain),
                   baseline=-float(signal.baseline), missing=missing)


def _without_skew(samples: IntSamples, missing: np.ndarray | None, skew: int) -> tuple[IntSamples, np.ndarray]:
    """A skewed signal was written `skew` samples late: move it back, the end has no value."""
    moved = np.zeros_like(samples)
    gone = np.ones(len(samples), dtype=np.bool_)
    kept = max(0, len(samples) - skew)
    moved[:kept] = samples[skew:skew + kept]
    gone[:kept] = missing[skew:skew + kept] if missing is not None else False
    return moved, gone


def _checksum(samples: IntSamples) -> int:
    return int(samples.sum(dtype=np.int64)) % 65536


def _member(members: ZipMembers, folder: str, file_name: str) -> bytes:
    if PurePosixPath(file_name).name != file_name or file_name in ("~", ".", ".."):
        raise Unreadable(f"The header names a file outside the record: {file_name[:60]!r}.", reason="zip-path")
    inside = f"{folder}/{file_name}" if folder else file_name
    if inside not in members.names:
        raise Unreadable(f"The signal file {file_name} is missing.", reason="wfdb-missing-data")
    return members.read(inside)


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
