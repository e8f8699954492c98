"""Write an ECG as HL7 Annotated ECG (PORT_MT020001): rhythm, representative beat, measurements, statements, marks.

The samples stay the integers they were, with origin and scale as exact decimals. Measurements and marks for which MDC
has no code carry our own name under the code system name READING-GATEWAY. `losses` names what the format cannot hold.
"""

from __future__ import annotations

import hashlib
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.core.waveform import EcgLead, EcgMark, EcgRecord
from gateway.formats.aecg_annotations import CRITICAL, MEASUREMENT_CODES
from gateway.formats.aecg_marks import GATEWAY
from gateway.formats.hl7_aecg import REPORTED_AGE

_MDC = {"codeSystem": "2.16.840.1.113883.6.24", "codeSystemName": "MDC"}
_ACT = {"codeSystem": "2.16.840.1.113883.5.4", "codeSystemName": "ActCode"}
_OWN = {"codeSystemName": GATEWAY}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FILTERS = re.compile(r"(?:(?P<low>[\d.]+)-(?P<high>[\d.]+) Hz|>(?P<above>[\d.]+) Hz|<(?P<below>[\d.]+) Hz)?"
                      r"(?:, )?(?:notch (?P<notch>[\d.]+) Hz)?$")
_CODES: dict[str, str] = {}
for _code, _key in MEASUREMENT_CODES.items():
    _CODES.setdefault(_key, _code)
_SPELLED = {"MDC_ECG_TIME_PD_QTC": "MDC_ECG_TIME_PD_QTc", "MDC_ECG_TIME_PD_QTCB": "MDC_ECG_TIME_PD_QTcB",
            "MDC_ECG_TIME_PD_QTCF": "MDC_ECG_TIME_PD_QTcF"}
_UNITS = (("_ms", "ms"), ("_bpm", "bpm"), ("_deg", "deg"), ("_mv", "mV"), ("", "1"))
_WAVE_BOUNDS = {"p_onset": ("PWAVE", "low"), "p_offset": ("PWAVE", "high"), "p_peak": ("PWAVE", ""),
                "qrs_onset": ("QRSWAVE", "low"), "qrs_offset": ("QRSWAVE", "high"), "r_peak": ("RWAVE", ""),
                "t_onset": ("TWAVE", "low"), "t_offset": ("TWAVE", "high"), "t_peak": ("TWAVE", "")}


def write(record: EcgRecord) -> bytes:
    """The XML in UTF-8. The same record gives the same bytes."""
    root = ET.Element("AnnotatedECG", {
        "xmlns": "urn:hl7-org:v3", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "type": "Observation"})
    _add(root, "id", root=_identifier(record))
    _add(root, "code", code="93000", codeSystem="2.16.840.1.113883.6.12", codeSystemName="CPT-4")
    _effective_time(root, record)
    _patient(root, record)
    series = _add(_add(root, "component"), "series")
    _add(series, "code", code="RHYTHM", **_ACT)
    _effective_time(series, record)
    _device(series, record)
    _filters(series, record.filters)
    for start_us, leads in _by_start(record.leads):
        _sequence_set(series, leads, record.interval_us, at=record.recorded_at, start_us=start_us)
    annotations = _add(_add(series, "subjectOf"), "annotationSet")
    _measurements(annotations, record)
    _statements(annotations, record)
    _marks(annotations, [mark for mark in record.marks if not mark.is_on_representative_beat])
    if record.representative_beats:
        _representative_beat(series, record)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def losses(record: EcgRecord) -> tuple[str, ...]:
    """What `write` cannot carry, in plain words; empty where all of it comes back."""
    lost = [f"{int(lead.missing.sum())} samples of lead {lead.name} have no value; their stored numbers are written."
            for lead in (*record.leads, *record.representative_beats) if lead.missing is not None]
    if record.filters and not _FILTERS.match(record.filters):
        lost.append("The filters are not stated in a form that has codes.")
    lost += [f"The {what} is not written." for what, value in (
        ("accession number", record.accession_number), ("study's UID", record.study_instance_uid)) if value]
    if any(lead.start_us != round(lead.start_us) for lead in record.leads):
        lost.append("The starts of the leads are rounded to whole microseconds.")
    if record.marks and any(m.is_on_representative_beat for m in record.marks) and not record.representative_beats:
        lost.append("Marks on a representative beat that is not there are not written.")
    return tuple(lost)


def _identifier(record: EcgRecord) -> str:
    """The same for the same samples, so that writing twice gives one document."""
    content = hashlib.sha256(b"".join(lead.samples.tobytes() for lead in record.leads)).hexdigest()
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{content}{record.recorded_at}{record.patient.patient_id}"))


def _patient(root: ET.Element, record: EcgRecord) -> None:
    patient = record.patient
    assignment = _add(_add(_add(_add(root, "componentOf"), "timepointEvent"), "componentOf"), "subjectAssignment")
    subject = _add(_add(assignment, "subject"), "trialSubject")
    if patient.patient_id:
        _add(subject, "id", extension=patient.patient_id)
    person = _add(subject, "subjectDemographicPerson")
    if patient.name:
        _add(person, "name").text = _clean(patient.name)
    if patient.sex:
        _add(person, "administrativeGenderCode", code={"O": "UN"}.get(patient.sex, patient.sex),
             codeSystem="2.16.840.1.113883.5.1")
    if patient.birth_date:
        _add(person, "birthTime", value=patient.birth_date.strftime("%Y%m%d").zfill(8))
    if patient.age_years is not None:
        age = _add(_add(root, "controlVariable"), "relatedObservation")
        _add(age, "code", code=REPORTED_AGE, codeSystem="2.16.840.1.113883.6.1", codeSystemName="LOINC")
        _value(age, "PQ", value=_plain(patient.age_years), unit="a")


def _device(series: ET.Element, record: EcgRecord) -> None:
    author = _add(_add(series, "author"), "seriesAuthor")
    device = _add(author, "manufacturedSeriesDevice")
    if record.device_serial:
        _add(device, "id", extension=record.device_serial)
    if record.device_model:
        _add(device, "manufacturerModelName").text = _clean(record.device_model)
    if record.device_maker:
        _add(_add(author, "manufacturerOrganization"), "name").text = _clean(record.device_maker)


def _filters(series: ET.Element, text: str) -> None:
    found = _FILTERS.match(text)
    if not text or not found:
        return
    for names, code, inner in ((("low", "above"), "HIGH_PASS", "CUTOFF_FREQ"),
                               (("high", "below"), "LOW_PASS", "CUTOFF_FREQ"), (("notch",), "NOTCH", "NOTCH_FREQ")):
        hertz = next((found.group(name) for name in names if found.group(name)), None)
        if hertz is not None:
            control = _add(_add(series, "controlVariable"), "controlVariable")
            _add(control, "code", code=f"MDC_ECG_CTL_VBL_ATTR_FILTER_{code}", **_MDC)
            cut = _add(_add(control, "component"), "controlVariable")
            _add(cut, "code", code=f"MDC_ECG_CTL_VBL_ATTR_FILTER_{inner}", **_MDC)
            _value(cut, "PQ", value=hertz, unit="Hz")


def _by_start(leads: Sequence[EcgLead]) -> list[tuple[float, list[EcgLead]]]:
    """Neighbours that begin together share a sequence set; the order stays."""
    groups: list[tuple[float, list[EcgLead]]] = []
    for lead in leads:
        if not groups or groups[-1][0] != lead.start_us:
            groups.append((lead.start_us, []))
        groups[-1][1].append(lead)
    return groups


def _sequence_set(series: ET.Element, leads: Iterable[EcgLead], interval_us: float, *, at: datetime | None,
                  start_us: float = 0.0) -> None:
    group = _add(_add(series, "component"), "sequenceSet")
    clock = _add(_add(group, "component"), "sequence")
    _add(clock, "code", code="TIME_ABSOLUTE" if at else "TIME_RELATIVE", **_ACT)
    value = _value(clock, "GLIST_TS" if at else "GLIST_PQ")
    if at:
        _add(value, "head", value=_moment(at + timedelta(microseconds=round(start_us))))
    else:
        _add(value, "head", value=_plain(start_us, "0.000001"), unit="s")
    _add(value, "increment", value=_plain(interval_us, "0.000001"), unit="s")
    for lead in leads:
        sequence = _add(_add(group, "component"), "sequence")
        _add(sequence, "code", code=f"MDC_ECG_LEAD_{_clean(lead.name)}", **_MDC)
        value = _value(sequence, "SLIST_PQ")
        origin_nv = Decimal(repr(float(lead.baseline))) * Decimal(repr(float(lead.nv_per_unit)))
        _add(value, "origin", value=f"{(origin_nv / 1000).normalize():f}", unit="uV")
        _add(value, "scale", value=_plain(lead.nv_per_unit, "0.001"), unit="uV")
        _add(value, "digits").text = " ".join(map(str, lead.samples.tolist()))


def _representative_beat(series: ET.Element, record: EcgRecord) -> None:
    derived = _add(_add(series, "derivation"), "derivedSeries")
    _add(derived, "code", code="REPRESENTATIVE_BEAT", **_ACT)
    _sequence_set(derived, record.representative_beats, record.beat_interval_us, at=None)
    _marks(_add(_add(derived, "subjectOf"), "annotationSet"),
           [mark for mark in record.marks if mark.is_on_representative_beat])


def _measurements(annotations: ET.Element, record: EcgRecord) -> None:
    for key, number in record.measurements.items():
        code = _CODES.get(key)
        unit = next(unit for ending, unit in _UNITS if key.endswith(ending))
        one = _annotation(annotations, _SPELLED.get(code, code) if code else key, is_ours=code is None)
        _value(one, "PQ", value=_plain(number), unit=unit)


def _statements(annotations: ET.Element, record: EcgRecord) -> None:
    for text in record.statements:
        one = _annotation(annotations, "MDC_ECG_INTERPRETATION_STATEMENT")
        _value(one, "ST").text = _clean(text)
        if text in record.critical_statements:
            _annotation(one, CRITICAL, is_ours=True)


def _marks(annotations: ET.Element, marks: Iterable[EcgMark]) -> None:
    """One annotation a mark, so that their order stays."""
    for mark in marks:
        wave, bound = _WAVE_BOUNDS.get(mark.kind, ("", ""))
        if wave:
            one = _annotation(annotations, "MDC_ECG_WAVC")
            _value(one, "CE", code=f"MDC_ECG_WAVC_{wave}", **_MDC)
        else:
            one = _annotation(annotations, "MDC_ECG_BEAT" if mark.kind == "beat" else mark.kind,
                              is_ours=mark.kind != "beat")
            if mark.text:
                _value(one, "ST").text = _clean(mark.text)
        region = _add(_add(one, "support"), "supportingROI", classCode="ROIBND")
        _add(region, "code", code="ROIPS", **_ACT)
        boundary = _add(_add(region, "component"), "boundary")
        _add(boundary, "code", code="TIME_RELATIVE", **_ACT)
        at = {"value": _plain(mark.at_us, "0.001"), "unit": "ms"}
        if bound:
            _add(_value(boundary, "IVL_PQ"), bound, **at)
        else:
            _value(boundary, "PQ", **at)
        if mark.lead:
            _add(_add(_add(region, "component"), "boundary"), "code", code=f"MDC_ECG_LEAD_{mark.lead}", **_MDC)


def _annotation(parent: ET.Element, code: str, *, is_ours: bool = False) -> ET.Element:
    one = _add(_add(parent, "component"), "annotation")
    _add(one, "code", code=code, **(_OWN if is_ours else _MDC))
    return one


def _effective_time(element: ET.Element, record: EcgRecord) -> None:
    if record.recorded_at is None:
        return
    time = _add(element, "effectiveTime")
    length = timedelta(microseconds=record.sample_count * record.interval_us)
    _add(time, "low", value=_moment(record.recorded_at))
    _add(time, "high", value=_moment(record.recorded_at + length))


def _moment(at: datetime) -> str:
    """HL7 time with its zone, and a fraction where it has one."""
    fraction = f".{at.microsecond:06d}" if at.microsecond else ""
    return f"{at:%Y%m%d%H%M%S}{fraction}{at:%z}"[:31].rjust(19, "0")


def _plain(number: float, factor: str = "1") -> str:
    """The shortest decimal that gives the number back, never with an exponent."""
    return f"{(Decimal(repr(float(number))) * Decimal(factor)).normalize():f}"


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)


def _value(parent: ET.Element, kind: str, **attributes: str) -> ET.Element:
    return _add(parent, "value", **{"xsi:type": kind}, **attributes)


def _add(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, name, {key: _clean(value) for key, value in attributes.items()})
