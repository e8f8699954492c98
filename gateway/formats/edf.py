"""EDF, EDF+ and BDF: the electrocardiogram among their signals, exact integers with the header's own scaling.

Data records that do not follow each other (EDF+D) leave a stretch without values between them; they are never joined.
Which signals are an electrocardiogram is told by their labels ("ECG II", "EKG V1", "aVR"); the others are named in
the warnings. Signals of one sampling rate make the record: the rate that most leads have.
"""

from __future__ import annotations

import re
from datetime import timedelta, tzinfo
from fractions import Fraction
from itertools import pairwise

import numpy as np

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord, IntSamples
from gateway.formats import edf_annotations, edf_header, lead_names
from gateway.formats.edf_annotations import Annotation
from gateway.formats.edf_header import Header, Signal
from gateway.formats.filter_text import filter_text
from gateway.formats.units import NANOVOLTS

NAME = "edf"
MAX_SAMPLES = 20_000_000
_PREFIX = re.compile(r"(?:ECG|EKG)(?:[\s_:-]*(?:LEAD)?[\s_:-]*(.*))?$|LEAD[\s_:-]+(.+)$", re.IGNORECASE)
_HOLTER = frozenset({"MLI", "MLII", "MLIII", "MV1", "MV2", "MV5", "CM1", "CM2", "CM5", "CC5", "CS5", "NASA", "ES",
                     "AS", "AI"})
_FILTER = re.compile(r"(HP|LP|N|NOTCH):?\s*(\d+(?:\.\d+)?)\s*(?:Hz)?", re.IGNORECASE)


def recognise(data: bytes) -> bool:
    """True for a fixed header as EDF or BDF prescribe it."""
    return edf_header.looks_right(data)


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the electrocardiogram. Raises Unreadable with a reason that begins with "edf-"."""
    header = edf_header.parse(data, time_zone=time_zone)
    warnings: list[str] = []
    records = _records(data, header, warnings)
    chosen = _chosen(header, warnings)
    onsets, annotations = _annotations(records, header)
    rate = header.signals[chosen[0][0]].samples_per_record / header.record_duration_s
    starts = _record_starts(header, onsets, rate, header.signals[chosen[0][0]].samples_per_record, warnings)
    first_s = next((onset for onset in onsets if onset is not None), Fraction(0))
    leads = tuple(_lead(name, header.signals[number], _signal(records, header, number), starts)
                  for number, name in chosen)
    code, sex, birth, person = edf_header.patient_fields(header)
    recorded_at = header.started_at
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    elif 0 <= first_s < 86_400:
        recorded_at += timedelta(microseconds=round(first_s * 1_000_000))
    return EcgRecord(
        format=NAME, interval_us=float(1_000_000 / rate), leads=leads, recorded_at=recorded_at,
        patient=EcgPatient(patient_id=code, name=person, sex=sex, birth_date=birth),
        device_model=edf_header.equipment(header),
        filters=_filters([header.signals[number] for number, _ in chosen]),
        marks=tuple(_mark(annotation, first_s) for annotation in annotations), warnings=tuple(warnings),
    )


def _records(data: bytes, header: Header, warnings: list[str]) -> np.ndarray:
    """(n_records, bytes of a record) of the data."""
    if header.record_duration_s == 0:
        raise Unreadable("The data records have no duration: no sampling interval is stated.",
                         reason="edf-no-interval")
    size = sum(signal.samples_per_record for signal in header.signals) * header.sample_bytes
    if size == 0:
        raise Unreadable("The data records hold no samples.", reason="edf-no-samples")
    held, rest = divmod(len(data) - header.header_bytes, size)
    count = header.record_count
    if count < 0:
        warnings.append("The header was not finished: it does not say how many data records follow.")
        count = held
    if held < count:
        raise Unreadable(f"The header announces {count} data records, {held} are there.", reason="edf-data-short")
    if count == 0:
        raise Unreadable("The file holds no data records.", reason="edf-no-samples")
    if held > count or rest:
        warnings.append(f"{len(data) - header.header_bytes - count * size} bytes follow the data.")
    raw = np.frombuffer(data, dtype=np.uint8, count=count * size, offset=header.header_bytes)
    return raw.reshape(count, size)


def _chosen(header: Header, warnings: list[str]) -> list[tuple[int, str]]:
    """Number and name of the leads: voltages labelled as ECG, of the sampling rate that most of them have."""
    found: list[tuple[int, str]] = []
    for number, signal in enumerate(header.signals):
        name = _lead_name(signal.label)
        if signal.is_annotations:
            continue
        if name is None:
            warnings.append(f"The signal {signal.label or number + 1} is not labelled as ECG and is not shown.")
        elif signal.unit.lower() not in NANOVOLTS:
            warnings.append(f"The signal {signal.label} is in {signal.unit or 'no unit'}, not in volts, "
                            "and is not shown.")
        elif signal.samples_per_record == 0:
            warnings.append(f"The signal {signal.label} has no samples.")
        elif any(name == other for _, other in found):
            warnings.append(f"Lead {name} comes more than once; the first is shown.")
        else:
            found.append((number, name))
    if not found:
        labels = ", ".join(signal.label for signal in header.signals[:8])
        raise Unreadable(f"None of the signals is labelled as ECG in volts: {labels[:120]}.", reason="edf-no-ecg")
    sizes = [header.signals[number].samples_per_record for number, _ in found]
    most = max(set(sizes), key=lambda size: (sizes.count(size), size))
    for (_, name), size in zip(found, sizes, strict=True):
        if size != most:
            warnings.append(f"Lead {name} has another sampling rate than the others and is not shown.")
    return [lead for lead, size in zip(found, sizes, strict=True) if size == most]


def _lead_name(label: str) -> str | None:
    """The lead of a label; the label's own words if it says ECG and nothing that we know; None if it is no ECG."""
    bare = lead_names.by_word(label)
    if bare is not None or label.upper() in _HOLTER:
        return bare or label.upper()
    found = _PREFIX.match(label.strip())
    if not found:
        return None
    rest = (found.group(1) or found.group(2) or "").strip()
    known = lead_names.by_word(rest)
    if known is None and found.group(2):                # "Lead …" alone says nothing of ECG
        return None
    return known or rest or "ECG"


def _annotations(records: np.ndarray, header: Header) -> tuple[list[Fraction | None], list[Annotation]]:
    """Onsets by the first annotation signal, texts of all of them."""
    onsets: list[Fraction | None] = []
    annotations: list[Annotation] = []
    for number, signal in enumerate(header.signals):
        if signal.is_annotations and signal.samples_per_record:
            begin, end = _span(header, number)
            times, texts = edf_annotations.record_lists(row.tobytes() for row in records[:, begin:end])
            onsets = onsets or times
            annotations += texts
    return onsets, annotations


def _record_starts(header: Header, onsets: list[Fraction | None], rate: Fraction, size: int,
                   warnings: list[str]) -> IntSamples | None:
    """The first sample of each record; None when each follows the one before without a gap.

    Raises Unreadable: edf-discontinuous, edf-overlap, edf-gap.
    """
    if not onsets or any(onset is None for onset in onsets):
        if header.version.endswith("+D"):
            raise Unreadable("The file is not continuous (EDF+D) and does not say where its records begin.",
                             reason="edf-discontinuous")
        return None
    known = [onset for onset in onsets if onset is not None]
    exact = [(onset - known[0]) * rate for onset in known]
    starts = [round(at) for at in exact]
    if starts == list(range(0, len(starts) * size, size)):
        return None
    if any(later - earlier < size for earlier, later in pairwise(starts)):
        raise Unreadable("Data records lie over each other in time.", reason="edf-overlap")
    if not header.version.endswith("+D"):
        warnings.append("The header calls the file continuous (EDF+C); its data records have gaps between them.")
    if starts[-1] + size > 2 * len(starts) * size:
        raise Unreadable("The gaps between the data records are longer than the recording.", reason="edf-gap")
    if any(abs(at - whole) > Fraction(1, 100) for at, whole in zip(exact, starts, strict=True)):
        warnings.append("A data record begins between two samples; it is shown at the nearer one.")
    warnings.append("The recording has gaps; they are shown as missing.")
    return np.array(starts, dtype=np.int64).astype(np.int32)


def _span(header: Header, number: int) -> tuple[int, int]:
    sizes = [signal.samples_per_record * header.sample_bytes for signal in header.signals]
    begin = sum(sizes[:number])
    return begin, begin + sizes[number]


def _signal(records: np.ndarray, header: Header, number: int) -> IntSamples:
    begin, end = _span(header, number)
    raw = np.ascontiguousarray(records[:, begin:end])
    if raw.size // header.sample_bytes > MAX_SAMPLES:
        raise Unreadable("The file holds more samples than any ECG has.", reason="edf-too-large")
    if header.sample_bytes == 2:
        return raw.reshape(-1).view("<i2").astype(np.int32)
    low, middle, high = (raw.reshape(-1, 3)[:, i].astype(np.int32) for i in range(3))
    return (low | middle << 8 | (high ^ 0x80) - 0x80 << 16).astype(np.int32)


def _lead(name: str, signal: Signal, samples: IntSamples, starts: IntSamples | None) -> EcgLead:
    if signal.scale is None:
        raise Unreadable(f"The limits of {name} give no scale; none is guessed.", reason="edf-uncalibrated")
    missing = None
    if starts is not None:
        size = signal.samples_per_record
        places = (starts[:, None] + np.arange(size, dtype=np.int32)).reshape(-1)
        spread = np.zeros(int(starts[-1]) + size, dtype=np.int32)
        missing = np.ones(len(spread), dtype=np.bool_)
        spread[places], missing[places] = samples, False
        samples = spread
    scale = signal.scale * Fraction(NANOVOLTS[signal.unit.lower()])
    return EcgLead(name=name, code=signal.label, samples=samples, nv_per_unit=float(scale),
                   baseline=float(signal.baseline), missing=missing)


def _mark(annotation: Annotation, first_s: Fraction) -> EcgMark:
    lasting = f" ({float(annotation.duration_s):g} s)" if annotation.duration_s else ""
    return EcgMark(kind="annotation", at_us=float((annotation.onset_s - first_s) * 1_000_000),
                   text=annotation.text + lasting)


def _filters(signals: list[Signal]) -> str:
    """As the other formats say it, e.g. "0.05-150 Hz, notch 50 Hz"; where leads differ, each kind once."""
    return "; ".join(dict.fromkeys(_filter(signal.prefilter) for signal in signals if signal.prefilter))


def _filter(text: str) -> str:
    found = {key.upper()[:2].rstrip("O"): value for key, value in _FILTER.findall(text)}
    if not found:
        return text
    return filter_text(found.get("HP", ""), found.get("LP", ""), found.get("N", ""))
