"""Write a WFDB record as one zip: header and signal file, the same integers with the same gain that were read.

The storage format is the narrowest of 16, 24 and 32 that holds every sample beside the value that means "none".
WFDB wants a whole number as the baseline: a lead without one is written in whole nanovolts instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import MISSING_NV, EcgLead, EcgRecord
from gateway.formats.zip_members import pack

_STORAGES = (16, 24, 32)
_MOST_FILLING, _ALWAYS_FITS = 10, 1_000_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    values: NDArray[np.int64]
    missing: NDArray[np.bool_]
    nv_per_unit: float
    baseline: int


def write(record: EcgRecord, *, name: str = "", time_zone: tzinfo | None = None) -> bytes:
    """The zip of NAME.hea and NAME.dat. The base time is in `time_zone`, else in the zone that the record carries.

    NAME is `name`, else the patient's ID where it can be one, else "ecg". What is lost is told by `losses`.
    Raises InvalidRequest for a record without leads, as a PDF is one.
    """
    if not record.leads:
        raise InvalidRequest("There is no waveform to write.", reason="no-waveform")
    name = next((word for word in (name, record.patient.patient_id) if _NAME.fullmatch(word)), "ecg")
    _refuse_leads_far_apart(record)
    columns = _same_length([_column(lead, record.interval_us) for lead in record.leads])
    storage = next(bits for bits in _STORAGES if all(_fits(column, bits) for column in columns))
    none = -(1 << (storage - 1))
    frames = np.stack([np.where(column.missing, none, column.values) for column in columns], axis=1)
    lines = [" ".join((name, str(len(columns)), _exact(record.interval_us), str(len(frames)),
                       *_base_time(record, time_zone)))]
    for number, column in enumerate(columns):
        samples = frames[:, number]
        checksum = (int(samples.sum()) + 32768) % 65536 - 32768
        first = int(samples[0]) if len(samples) else 0
        lines.append(f"{name}.dat {storage} {_exact(column.nv_per_unit)}({column.baseline})/mV {storage} 0 {first} "
                     f"{checksum} 0 {column.name}")
    lines += [f"# {_one_line(comment)}" for comment in _comments(record)]
    return pack({f"{name}.hea": ("\n".join(lines) + "\n").encode(), f"{name}.dat": _bytes(frames, storage)})


def losses(record: EcgRecord) -> tuple[str, ...]:
    """What a WFDB header and signal file do not hold, in plain words."""
    whole = [lead for lead in record.leads if not _keeps_integers(lead)]
    lengths = {len(lead.samples) for lead in record.leads}
    told = (
        (bool(whole), f"Written in whole nanovolts instead of the file's own units: "
                      f"{', '.join(lead.name for lead in whole)}."),
        (len(lengths) > 1 or any(lead.start_us for lead in record.leads),
         "The leads are brought to one length; what one does not have is marked as missing."),
        (bool(record.representative_beats), "The representative beats are left out."),
        (bool(record.marks), "Marks and annotations are left out."),
        (bool(record.patient.name or record.patient.birth_date), "Name and date of birth are left out."),
        (bool(record.device_model or record.filters), "Device and filters are left out."),
    )
    return tuple(words for is_lost, words in told if is_lost)


def _refuse_leads_far_apart(record: EcgRecord) -> None:
    """Every lead is as long as the record here: a late one is filled up before its start."""
    longest = max(round(lead.start_us / record.interval_us) + len(lead.samples) for lead in record.leads)
    held = sum(len(lead.samples) for lead in record.leads)
    if longest * len(record.leads) > _MOST_FILLING * held + _ALWAYS_FITS:
        raise InvalidRequest("Its leads begin too far apart for one WFDB record.", reason="leads-apart")


def _column(lead: EcgLead, interval_us: float) -> _Column:
    missing = lead.missing if lead.missing is not None else np.zeros(len(lead.samples), dtype=np.bool_)
    if _keeps_integers(lead):
        values, scale, baseline = lead.samples.astype(np.int64), lead.nv_per_unit, -int(lead.baseline)
    else:
        nanovolts = lead.nanovolts()
        values, scale, baseline = nanovolts.astype(np.int64), 1.0, 0
        missing = missing | (nanovolts == MISSING_NV)
    late = max(0, round(lead.start_us / interval_us))
    if late:
        values = np.concatenate([np.zeros(late, dtype=np.int64), values])
        missing = np.concatenate([np.ones(late, dtype=np.bool_), missing])
    return _Column(_one_line(lead.name), values, missing, scale, baseline)


def _keeps_integers(lead: EcgLead) -> bool:
    values = lead.samples if lead.missing is None else lead.samples[~lead.missing]
    return float(lead.baseline).is_integer() and abs(lead.baseline) < 2**31 and lead.nv_per_unit > 0 and (
        not len(values) or int(values.min()) > -(2**31))


def _same_length(columns: list[_Column]) -> list[_Column]:
    longest = max(len(column.values) for column in columns)
    return [_Column(column.name, np.pad(column.values, (0, longest - len(column.values))),
                    np.pad(column.missing, (0, longest - len(column.missing)), constant_values=True),
                    column.nv_per_unit, column.baseline) for column in columns]


def _fits(column: _Column, bits: int) -> bool:
    values = column.values[~column.missing]
    return not len(values) or (int(values.min()) > -(1 << (bits - 1)) and int(values.max()) < 1 << (bits - 1))


def _exact(microseconds_or_nanovolts: float) -> str:
    """A million divided by the number, in the fewest digits from which a reader gets the very same number back."""
    exact = Decimal(1_000_000) / Decimal(repr(microseconds_or_nanovolts))
    for digits in range(6, 29):
        text = f"{exact:.{digits}g}"
        if float(Decimal(1_000_000) / Decimal(text)) == microseconds_or_nanovolts:
            break
    plain = format(Decimal(text), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _base_time(record: EcgRecord, time_zone: tzinfo | None) -> tuple[str, ...]:
    if record.recorded_at is None:
        return ()
    at = record.recorded_at.astimezone(time_zone) if time_zone is not None else record.recorded_at
    part = f".{at.microsecond:06d}" if at.microsecond else ""
    return f"{at:%H:%M:%S}{part}", f"{at:%d/%m}/{at.year:04d}"


def _comments(record: EcgRecord) -> list[str]:
    """The cart's words and numbers; age and sex last, as PhysioNet writes them."""
    out = [f"Measurement {key}: {value:g}" for key, value in record.measurements.items()]
    out += [f"Statement {number}: {text}" for number, text in enumerate(record.statements, start=1)]
    if record.patient.age_years is not None:
        out.append(f"Age: {record.patient.age_years:g}")
    if record.patient.sex:
        out.append(f"Sex: {record.patient.sex}")
    return out


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bytes(frames: NDArray[np.int64], storage: int) -> bytes:
    if storage == 16:
        return frames.astype("<i2").tobytes()
    whole = frames.astype("<i4").reshape(-1, 1).view(np.uint8)
    return whole.tobytes() if storage == 32 else np.ascontiguousarray(whole[:, :3]).tobytes()
