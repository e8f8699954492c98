"""HL7 Annotated ECG (PORT_MT020001): a rhythm series of integer lists with origin and scale, and its annotations.

Only a rhythm series is read as the ECG; the representative beat (derivation) is kept beside it.
Wrappers vary (effective time as point, low, high or centre; ids and namespaces missing), so values are looked for
by name and place, not by schema.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import NamedTuple

from gateway.core.charset import from_unicode
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import safe_xml
from gateway.formats.aecg_annotations import Annotations, filters_of
from gateway.formats.aecg_marks import marks_of
from gateway.formats.aecg_sequences import code_of, read_sequences
from gateway.formats.cart_xml import number
from gateway.formats.hl7_time import parse_date, parse_time
from gateway.formats.safe_xml import Element

NAME = "hl7_aecg"
REPORTED_AGE = "21612-7"               # LOINC
_ROOT = re.compile(rb"<(\w{1,32}:)?AnnotatedECG\b")
_YEARS = {"a": 1.0, "yr": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}


def recognise(data: bytes) -> bool:
    """True for XML whose beginning names an AnnotatedECG."""
    head = safe_xml.head_of(data)
    return head[:64].lstrip()[:1] == b"<" and b"AnnotatedECG" in head and _ROOT.search(head) is not None


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the first rhythm series. Raises Unreadable with a reason that begins with "aecg-"."""
    document = safe_xml.parse(data, prefix="aecg")
    root = _annotated_ecg(document.root)
    warnings: list[str] = []
    series = _rhythm_series(root, warnings)
    rhythm = read_sequences(series, time_zone, warnings)
    recorded_at = rhythm.head or _effective_time(series, time_zone) or _effective_time(root, time_zone)
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    author = series.find("author", "seriesAuthor")
    device = author.child("manufacturedSeriesDevice") if author is not None else None
    maker = author.find("manufacturerOrganization", "name") if author is not None else None
    beats = _representative_beats(series, time_zone, warnings)
    said = Annotations(series, root)
    return EcgRecord(
        format=NAME, interval_us=rhythm.interval_us, leads=rhythm.leads, recorded_at=recorded_at,
        patient=_patient(root, document),
        device_model=_text(device.child("manufacturerModelName")) if device else "",
        device_serial=_serial(device) if device else "", device_maker=_text(maker),
        filters=filters_of(series), measurements=said.measurements(), statements=said.statements(),
        critical_statements=said.critical_statements(), representative_beats=beats.leads,
        beat_interval_us=beats.interval_us,
        marks=(*marks_of(series, time_zone, start=recorded_at, start_us=rhythm.head_us), *beats.marks),
        warnings=tuple(warnings),
    )


def _annotated_ecg(root: Element) -> Element:
    found = next(root.walk("AnnotatedECG"), None)
    if found is None:
        raise Unreadable("The XML is not an AnnotatedECG.", reason="aecg-no-ecg")
    return found


def _rhythm_series(root: Element, warnings: list[str]) -> Element:
    series = [c for component in root.all("component") for c in component.all("series")]
    if not series:
        raise Unreadable("The AnnotatedECG holds no series.", reason="aecg-no-series")
    rhythm = [s for s in series if code_of(s).upper() == "RHYTHM"]
    if not rhythm:
        raise Unreadable("The AnnotatedECG holds no rhythm series, only derived beats.", reason="aecg-no-rhythm")
    if len(rhythm) > 1:
        warnings.append(f"The file holds {len(rhythm)} rhythm series; the first is shown.")
    return rhythm[0]


class _Beats(NamedTuple):
    leads: tuple[EcgLead, ...] = ()
    interval_us: float = 0.0
    marks: tuple[EcgMark, ...] = ()


def _representative_beats(series: Element, time_zone: tzinfo, warnings: list[str]) -> _Beats:
    """The first derived series that is one; what is wrong with it never costs the rhythm."""
    derived = [d for x in series.all("derivation") for d in x.all("derivedSeries")
               if code_of(d).upper() in ("REPRESENTATIVE_BEAT", "")]
    if not derived:
        return _Beats()
    try:
        found = read_sequences(derived[0], time_zone, warnings)
    except Unreadable as exc:
        warnings.append(f"The representative beat is not shown: {exc}")
        return _Beats()
    marks = marks_of(derived[0], time_zone, start=found.head, start_us=found.head_us, is_on_beat=True)
    return _Beats(found.leads, found.interval_us, tuple(marks))


def _patient(root: Element, document: safe_xml.Document) -> EcgPatient:
    subject = next(root.walk("trialSubject"), None) or next(root.walk("patient"), None)
    if subject is None:
        return EcgPatient(age_years=_age(root))
    person = next((e for e in subject.children if e.name.endswith("Person")), None)
    identity = subject.child("id")
    name = _text(person.child("name")) if person is not None else ""
    sex = person.child("administrativeGenderCode") if person is not None else None
    birth = person.child("birthTime") if person is not None else None
    is_guessed = document.is_guessed and not name.isascii()
    return EcgPatient(
        patient_id=_patient_id(identity) if identity is not None else "", name=name,
        sex={"M": "M", "F": "F", "UN": "O"}.get(sex.get("code").upper(), "") if sex is not None else "",
        birth_date=parse_date(birth.get("value")) if birth is not None else None, age_years=_age(root),
        name_encoding=document.encoding, is_name_guessed=is_guessed,
        name_raw_hex=from_unicode(name, document.encoding).hex() if is_guessed else "",
    )


def _age(root: Element) -> float | None:
    """The reported age, an observation beside the recording."""
    for observation in (o for c in root.all("controlVariable") for o in c.all("relatedObservation")):
        value = observation.child("value")
        if code_of(observation) == REPORTED_AGE and value is not None:
            years, factor = number(value.get("value")), _YEARS.get(value.get("unit"))
            return float(years) * factor if years is not None and factor is not None else None
    return None


def _patient_id(identity: Element) -> str:
    """II: the extension; a root alone names somebody only where it is no OID, which names the issuer."""
    root = identity.get("root")
    return identity.get("extension") or ("" if root.replace(".", "").isdigit() else root)


def _serial(device: Element) -> str:
    identity = device.child("id")
    return identity.get("extension") if identity is not None else ""


def _effective_time(element: Element, time_zone: tzinfo) -> datetime | None:
    time = element.child("effectiveTime")
    if time is None:
        return None
    places = [time, *(time.child(n) for n in ("low", "center", "high"))]
    return next((at for p in places if p is not None and (at := parse_time(p.get("value"), time_zone))), None)


def _text(element: Element | None) -> str:
    return element.words() if element is not None else ""
