"""HL7 Annotated ECG (PORT_MT020001): a rhythm series of integer lists with origin and scale, and its annotations.

Only a rhythm series is read as the ECG; the representative beat (derivation) gives its measurements, never samples.
Wrappers vary (effective time as point, low, high or centre; ids and namespaces missing), so values are looked for
by name and place, not by schema.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation

import numpy as np

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgPatient, EcgRecord, IntSamples
from gateway.formats import lead_names, safe_xml
from gateway.formats.aecg_annotations import filters_of, measurements_of, statements_of
from gateway.formats.hl7_time import parse_date, parse_time
from gateway.formats.safe_xml import Element
from gateway.formats.units import NANOVOLTS, SECONDS

NAME = "hl7_aecg"
MAX_LEADS = 64
_ROOT = re.compile(rb"<(\w+:)?AnnotatedECG\b")
_DIGIT_CHARACTERS = str.maketrans("", "", "0123456789+- \t\r\n")


def recognise(data: bytes) -> bool:
    """True for XML whose beginning names an AnnotatedECG."""
    head = data[:65536]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\x00"):
        head = head.replace(b"\x00", b"")
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] == b"<" and _ROOT.search(head) is not None


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the first rhythm series. Raises Unreadable with a reason that begins with "aecg-"."""
    document = safe_xml.parse(data, prefix="aecg")
    root = _annotated_ecg(document.root)
    warnings: list[str] = []
    series = _rhythm_series(root, warnings)
    leads, interval_us, head = _leads(series, time_zone, warnings)
    recorded_at = head or _effective_time(series, time_zone) or _effective_time(root, time_zone)
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    device = series.find("author", "seriesAuthor", "manufacturedSeriesDevice")
    return EcgRecord(
        format=NAME, interval_us=interval_us, leads=leads, recorded_at=recorded_at,
        patient=_patient(root, document),
        device_model=_text(device.child("manufacturerModelName")) if device else "",
        device_serial=_serial(device) if device else "",
        filters=filters_of(series), measurements=measurements_of(series, root),
        statements=statements_of(series, root), warnings=tuple(warnings),
    )


def _annotated_ecg(root: Element) -> Element:
    for element in root.walk():
        if element.name == "AnnotatedECG":
            return element
    raise Unreadable("The XML is not an AnnotatedECG.", reason="aecg-no-ecg")


def _rhythm_series(root: Element, warnings: list[str]) -> Element:
    series = [c for component in root.all("component") for c in component.all("series")]
    if not series:
        raise Unreadable("The AnnotatedECG holds no series.", reason="aecg-no-series")
    rhythm = [s for s in series if _code(s).upper() == "RHYTHM"]
    if not rhythm:
        raise Unreadable("The AnnotatedECG holds no rhythm series, only derived beats.", reason="aecg-no-rhythm")
    if len(rhythm) > 1:
        warnings.append(f"The file holds {len(rhythm)} rhythm series; the first is shown.")
    return rhythm[0]


def _leads(series: Element, time_zone: tzinfo, warnings: list[str],
           ) -> tuple[tuple[EcgLead, ...], float, datetime | None]:
    leads: list[EcgLead] = []
    starts: list[datetime | None] = []
    interval_us: float | None = None
    for sequence_set in [s for c in series.all("component") for s in c.all("sequenceSet")]:
        sequences = [s for c in sequence_set.all("component") for s in c.all("sequence")]
        head, increment_us = _time_base(sequences, time_zone)
        for sequence in sequences:
            code = _code(sequence)
            if code.startswith("TIME_"):
                continue
            if increment_us is None:
                raise Unreadable("A sequence set does not state its sampling interval.", reason="aecg-no-interval")
            if interval_us is not None and abs(increment_us - interval_us) > 1e-6:
                raise Unreadable("Its leads have different sampling intervals.", reason="aecg-mixed-intervals")
            lead = _lead(sequence, code)
            if lead is None:
                warnings.append(f"The sequence {code or 'without code'} is not a voltage and is not shown.")
            elif any(lead.name == known.name for known in leads):
                warnings.append(f"Lead {lead.name} comes more than once; the first is shown.")
            else:
                interval_us = increment_us
                leads.append(lead)
                starts.append(head)
    if len(leads) > MAX_LEADS:
        raise Unreadable(f"{len(leads)} leads are more than any ECG has.", reason="aecg-too-large")
    if interval_us is None or not any(len(lead.samples) for lead in leads):
        raise Unreadable("The rhythm series holds no samples.", reason="aecg-no-samples")
    known = [start for start in starts if start is not None]
    first = min(known) if known else None
    if first is not None:
        leads = [replace(lead, start_us=(start - first).total_seconds() * 1e6) if start else lead
                 for lead, start in zip(leads, starts, strict=True)]
    if len({len(lead.samples) for lead in leads}) > 1:
        warnings.append("The leads differ in length.")
    return tuple(leads), interval_us, first


def _time_base(sequences: list[Element], time_zone: tzinfo) -> tuple[datetime | None, float | None]:
    """Head and increment (µs) of the set's GLIST_TS or GLIST_PQ."""
    for sequence in sequences:
        value = sequence.child("value")
        if value is None or not _code(sequence).startswith("TIME_"):
            continue
        increment, head = value.child("increment"), value.child("head")
        if increment is None:
            continue
        seconds = SECONDS.get(increment.get("unit") or "s")
        step = _decimal(increment.get("value"))
        if seconds is None or step is None or step <= 0:
            raise Unreadable("The sampling interval cannot be understood.", reason="aecg-no-interval")
        is_absolute = head is not None and _code(sequence) == "TIME_ABSOLUTE"
        at = parse_time(head.get("value"), time_zone) if head is not None and is_absolute else None
        return at, float(step * seconds * 1_000_000)
    return None, None


def _lead(sequence: Element, code: str) -> EcgLead | None:
    value = sequence.child("value")
    if value is None:
        return None
    scale, origin, digits = value.child("scale"), value.child("origin"), value.child("digits")
    if digits is None:
        return None
    name = lead_names.by_code(code) or code.removeprefix("MDC_ECG_LEAD_") or "?"
    if scale is None or not scale.get("value"):
        raise Unreadable(f"Lead {name} states no scale; a gain is never guessed.", reason="aecg-uncalibrated")
    unit = NANOVOLTS.get(scale.get("unit").lower())
    if unit is None:
        return None
    step, zero = _decimal(scale.get("value")), _decimal(origin.get("value") or "0" if origin is not None else "0")
    zero_unit = NANOVOLTS.get((origin.get("unit") if origin is not None else "").lower() or scale.get("unit").lower())
    if step is None or step == 0 or zero is None or zero_unit is None:
        raise Unreadable(f"The scale of lead {name} cannot be understood.", reason="aecg-uncalibrated")
    nv_per_unit = step * unit
    return EcgLead(name=name, code=code, samples=_samples(digits.text, name), nv_per_unit=float(nv_per_unit),
                   baseline=float(zero * zero_unit / nv_per_unit))


def _samples(text: str, name: str) -> IntSamples:
    refusal = f"The digits of lead {name} are not a list of whole numbers."
    if text.translate(_DIGIT_CHARACTERS):
        raise Unreadable(refusal, reason="aecg-digits")
    try:
        values = np.fromstring(text, dtype=np.int64, sep=" ") if text.strip() else np.zeros(0, dtype=np.int64)
    except ValueError as exc:
        raise Unreadable(refusal, reason="aecg-digits") from exc
    if len(values) != len(text.split()):           # NumPy stops at the first thing that is no number, like "1-2"
        raise Unreadable(refusal, reason="aecg-digits")
    if len(values) and (values.max() > 2**31 - 1 or values.min() < -(2**31)):
        raise Unreadable(f"The digits of lead {name} do not fit 32 bits.", reason="aecg-digits")
    return values.astype(np.int32)


def _patient(root: Element, document: safe_xml.Document) -> EcgPatient:
    subject = next((e for e in root.walk() if e.name in ("trialSubject", "patient")), None)
    if subject is None:
        return EcgPatient()
    person = next((e for e in subject.children if e.name.endswith("Person")), None)
    identity = subject.child("id")
    name = _text(person.child("name")) if person is not None else ""
    sex = person.child("administrativeGenderCode") if person is not None else None
    birth = person.child("birthTime") if person is not None else None
    is_guessed = document.is_guessed and not name.isascii()
    return EcgPatient(
        patient_id=(identity.get("extension") or identity.get("root")) if identity is not None else "", name=name,
        sex={"M": "M", "F": "F", "UN": "O"}.get(sex.get("code").upper(), "") if sex is not None else "",
        birth_date=parse_date(birth.get("value")) if birth is not None else None,
        name_encoding=document.encoding, is_name_guessed=is_guessed,
        name_raw_hex=name.encode(document.encoding, "replace").hex() if is_guessed else "",
    )


def _serial(device: Element) -> str:
    identity = device.child("id")
    return identity.get("extension") if identity is not None else ""


def _effective_time(element: Element, time_zone: tzinfo) -> datetime | None:
    time = element.child("effectiveTime")
    if time is None:
        return None
    places = [time, *(time.child(n) for n in ("low", "center", "high"))]
    return next((at for p in places if p is not None and (at := parse_time(p.get("value"), time_zone))), None)


def _code(element: Element) -> str:
    code = element.child("code")
    return code.get("code") if code is not None else ""


def _text(element: Element | None) -> str:
    return element.words() if element is not None else ""


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
