"""The native file of Contec's ECG90A: a header of 43 bytes, eight leads interleaved, 37 zero bytes at the end.

The layout is not published; it was learned from files and checked against a second export of the same recordings, so
reading is strict: a byte where none belongs is a refusal. The file holds II, III and V1 to V6 at 800 Hz, 5 µV a unit
with 2048 as zero; I is their difference (Einthoven: I = II − III), and the value 6800h stands for a lead that is off.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from gateway.core.charset import TextReader
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgPatient, EcgRecord
from storage.model import Confidence

NAME = "contec"
MAX_SAMPLES = 4_000_000
_HEADER_BYTES, _FOOTER_BYTES, _LEADS = 43, 37, 8
_INTERVAL_US = 1250.0                                   # 800 Hz
_NV_PER_UNIT = 5000.0
_ZERO = 2048
_NO_VALUE = 0x6800
_HEADER = re.compile(rb"([0-9A-Za-z_-]{1,8}\x00{0,7})\x00\x00(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\x00\x00\x00"
                     rb"(.{8})([\x00\x01\xff])(.)(.)", re.DOTALL)


def recognise(data: bytes) -> bool:
    """True for the header's shape: case number, zeros, date and time, sex, and values that leads can have."""
    found = _HEADER.match(data[:_HEADER_BYTES])
    if found is None or found.end(1) != 8 or len(data) < _HEADER_BYTES + 2 * _LEADS:
        return False
    first = np.frombuffer(data, dtype="<u2", count=_LEADS, offset=_HEADER_BYTES)
    return bool(((first < 2 * _ZERO) | (first == _NO_VALUE)).all())


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the recording. Raises Unreadable with a reason that begins with "contec-"."""
    found = _HEADER.match(data[:_HEADER_BYTES])
    if found is None:
        raise Unreadable("The header is not that of an ECG90A.", reason="contec-header")
    size = len(data) - _HEADER_BYTES - _FOOTER_BYTES
    if size <= 0 or size % (2 * _LEADS):
        raise Unreadable("The file's length is not that of whole samples of eight leads.", reason="contec-length")
    if any(data[-_FOOTER_BYTES:]):
        raise Unreadable("The file does not end with the zeros of a finished recording.", reason="contec-footer")
    if size // (2 * _LEADS) > MAX_SAMPLES:
        raise Unreadable("The file holds more samples than any ECG has.", reason="contec-too-large")
    values = np.frombuffer(data, dtype="<u2", count=size // 2, offset=_HEADER_BYTES).reshape(-1, _LEADS)
    gone = values == _NO_VALUE
    if ((values >= 2 * _ZERO) & ~gone).any():
        raise Unreadable("Its values go beyond the twelve bits of the device.", reason="contec-values")
    warnings = []
    recorded_at = _time(found.group(2).decode("ascii"), time_zone)
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded: its date is no date.")
    return EcgRecord(
        format=NAME, interval_us=_INTERVAL_US, leads=_leads(values.astype(np.int32), gone), recorded_at=recorded_at,
        patient=_patient(found), device_maker="Contec", device_model="ECG90A", warnings=tuple(warnings),
    )


def _leads(values: NDArray[np.int32], gone: NDArray[np.bool_]) -> tuple[EcgLead, ...]:
    """In the file's order, with I after the two that it follows from."""
    def recorded(name: str, column: int) -> EcgLead:
        return _lead(name, f"channel {column + 1}", np.ascontiguousarray(values[:, column]), gone[:, column], -_ZERO)

    first = _lead("I", "II - III", values[:, 0] - values[:, 1], gone[:, 0] | gone[:, 1], 0)
    chest = (recorded(f"V{number}", number + 1) for number in range(1, 7))
    return (recorded("II", 0), recorded("III", 1), first, *chest)


def _lead(name: str, code: str, samples: NDArray[np.int32], gone: NDArray[np.bool_], baseline: int) -> EcgLead:
    return EcgLead(name=name, code=code, samples=samples, nv_per_unit=_NV_PER_UNIT, baseline=float(baseline),
                   missing=gone.copy() if gone.any() else None)


def _patient(header: re.Match[bytes]) -> EcgPatient:
    name = TextReader(b"").decode(header.group(3).split(b"\0")[0])
    is_guessed = name.confidence is Confidence.GUESSED
    age = header.group(5)[0]
    return EcgPatient(
        patient_id=header.group(1).rstrip(b"\0").decode("ascii"), name=name.text,
        sex={0: "F", 1: "M"}.get(header.group(4)[0], ""), age_years=float(age) if age else None,
        name_encoding=name.codec if name.text else "", is_name_guessed=is_guessed, name_raw_hex=name.raw_hex,
    )


def _time(text: str, time_zone: tzinfo) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=time_zone)
    except ValueError:
        return None
