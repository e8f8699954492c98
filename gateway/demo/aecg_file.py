"""Write a made ECG as HL7 Annotated ECG (PORT_MT020001), the XML that many carts export."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime, timedelta

from gateway.demo.demo_patients import DemoPatient
from gateway.demo.ecg_generator import (
    DURATION_S,
    LEAD_NAMES,
    MICROVOLTS_PER_COUNT,
    SAMPLING_FREQUENCY_HZ,
    MadeEcg,
)

_HL7 = "urn:hl7-org:v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_MDC = {"codeSystem": "2.16.840.1.113883.6.24", "codeSystemName": "MDC"}
_MEASUREMENTS = {
    "heart_rate_bpm": ("MDC_ECG_HEART_RATE", "bpm"), "pr_ms": ("MDC_ECG_TIME_PD_PR", "ms"),
    "qrs_ms": ("MDC_ECG_TIME_PD_QRS", "ms"), "qt_ms": ("MDC_ECG_TIME_PD_QT", "ms"),
    "qtc_ms": ("MDC_ECG_TIME_PD_QTc", "ms"), "qrs_axis_deg": ("MDC_ECG_ANGLE_QRS_FRONT", "deg"),
}
_FILTERS = (("MDC_ATTR_FILTER_HIGH_PASS", "MDC_ATTR_FILTER_CUTOFF_FREQ", "0.05"),
            ("MDC_ATTR_FILTER_LOW_PASS", "MDC_ATTR_FILTER_CUTOFF_FREQ", "150"),
            ("MDC_ATTR_FILTER_NOTCH", "MDC_ATTR_NOTCH_FREQ", "50"))


def aecg_bytes(patient: DemoPatient, ecg: MadeEcg, *, at: datetime, root_id: str) -> bytes:
    """The file, in UTF-8. `at` is the cart's own clock; `root_id` is the document's identifier."""
    ET.register_namespace("", _HL7)
    ET.register_namespace("xsi", _XSI)
    root = ET.Element(f"{{{_HL7}}}AnnotatedECG", {"classCode": "OBS", "moodCode": "EVN"})
    _add(root, "id", root=root_id)
    _add(root, "code", code="93000", codeSystem="2.16.840.1.113883.6.12", codeSystemName="CPT-4")
    _interval(root, at)
    _patient(root, patient)
    series = _add(_add(root, "component"), "series", classCode="OBSSER", moodCode="EVN")
    _add(series, "code", code="RHYTHM", codeSystem="2.16.840.1.113883.5.4", codeSystemName="ActCode")
    _interval(series, at)
    device = _add(_add(_add(series, "author"), "seriesAuthor"), "manufacturedSeriesDevice")
    _add(device, "id", root=root_id, extension="DEMO-CART-1")
    _add(device, "manufacturerModelName").text = "DEMO cart"
    for filter_code, value_code, value in _FILTERS:
        control = _add(_add(series, "controlVariable"), "controlVariable", classCode="OBS")
        _add(control, "code", code=filter_code, **_MDC)
        inner = _add(_add(control, "component"), "controlVariable", classCode="OBS")
        _add(inner, "code", code=value_code, **_MDC)
        _value(inner, "PQ", value=value, unit="Hz")
    _sequences(series, ecg, at)
    _annotations(series, ecg)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _patient(root: ET.Element, patient: DemoPatient) -> None:
    event = _add(_add(root, "componentOf"), "timepointEvent")
    assignment = _add(_add(event, "componentOf"), "subjectAssignment")
    subject = _add(_add(assignment, "subject"), "trialSubject")
    _add(subject, "id", extension=patient.patient_id)
    person = _add(subject, "subjectDemographicPerson")
    _add(person, "name").text = patient.plain_name
    _add(person, "administrativeGenderCode", code=patient.sex, codeSystem="2.16.840.1.113883.5.1")
    _add(person, "birthTime", value=patient.birth_date)


def _sequences(series: ET.Element, ecg: MadeEcg, at: datetime) -> None:
    group = _add(_add(series, "component"), "sequenceSet")
    clock = _add(_add(group, "component"), "sequence", classCode="OBS")
    _add(clock, "code", code="TIME_ABSOLUTE", codeSystem="2.16.840.1.113883.5.4", codeSystemName="ActCode")
    value = _value(clock, "GLIST_TS")
    _add(value, "head", value=_time(at))
    _add(value, "increment", value=f"{1 / SAMPLING_FREQUENCY_HZ:g}", unit="s")
    for name in LEAD_NAMES:
        lead = _add(_add(group, "component"), "sequence", classCode="OBS")
        _add(lead, "code", code=f"MDC_ECG_LEAD_{name}", **_MDC)
        value = _value(lead, "SLIST_PQ")
        _add(value, "origin", value="0", unit="uV")
        _add(value, "scale", value=f"{MICROVOLTS_PER_COUNT:g}", unit="uV")
        _add(value, "digits").text = " ".join(map(str, ecg.counts[name].tolist()))


def _annotations(series: ET.Element, ecg: MadeEcg) -> None:
    holder = _add(_add(series, "subjectOf"), "annotationSet")
    for key, number in ecg.measurements.items():
        code, unit = _MEASUREMENTS[key]
        annotation = _add(_add(holder, "component"), "annotation")
        _add(annotation, "code", code=code, **_MDC)
        _value(annotation, "PQ", value=f"{number:g}", unit=unit)
    outer = _add(_add(holder, "component"), "annotation")
    _add(outer, "code", code="MDC_ECG_INTERPRETATION", **_MDC)
    for text in ecg.statements:
        annotation = _add(_add(outer, "component"), "annotation")
        _add(annotation, "code", code="MDC_ECG_INTERPRETATION_STATEMENT", **_MDC)
        _value(annotation, "ST").text = text


def _interval(parent: ET.Element, at: datetime) -> None:
    time = _add(parent, "effectiveTime")
    _add(time, "low", value=_time(at))
    _add(time, "high", value=_time(at + timedelta(seconds=DURATION_S)))


def _time(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S.") + f"{at.microsecond // 1000:03d}"


def _value(parent: ET.Element, kind: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{_HL7}}}value", {f"{{{_XSI}}}type": kind, **attributes})


def _add(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{_HL7}}}{name}", attributes)
