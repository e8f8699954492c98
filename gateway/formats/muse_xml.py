"""GE MUSE "RestingECG" XML, as MUSE and MAC carts export it and many Chinese systems imitate it.

Two Waveform blocks, Median and Rhythm; a lead is base64 of 16-bit integers, low byte first, with its own gain. Eight
leads are stored, the four others follow from I and II and are not in the record (`core/derived_leads.py`). The DTD
that the file names is never fetched. HighPassFilter counts hundredths of a hertz; the onsets count samples of the
median beat; QRS times are milliseconds of the rhythm.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from decimal import Decimal

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import cart_xml, lead_names, safe_xml
from gateway.formats.cart_xml import number, whole, words
from gateway.formats.filter_text import filter_text
from gateway.formats.safe_xml import Document, Element
from gateway.formats.units import NANOVOLTS

NAME = "muse_xml"
_UNITS = {"MICROVOLTS": "uv", "MICROVOLT": "uv", "UV": "uv", "MILLIVOLTS": "mv", "MV": "mv", "NANOVOLTS": "nv",
          "NV": "nv"}
_MEASUREMENTS = {
    "VentricularRate": "heart_rate_bpm", "AtrialRate": "atrial_rate_bpm", "PRInterval": "pr_ms",
    "QRSDuration": "qrs_ms", "QTInterval": "qt_ms", "QTCorrected": "qtc_ms", "PAxis": "p_axis_deg",
    "RAxis": "qrs_axis_deg", "TAxis": "t_axis_deg", "QRSCount": "qrs_count", "QTcBazett": "qtc_bazett_ms",
    "QTcFrederica": "qtc_fridericia_ms", "QTcFridericia": "qtc_fridericia_ms",
    "QTcFramingham": "qtc_framingham_ms", "QTcHodges": "qtc_hodges_ms",
}
_ONSETS = (("POnset", "p_onset"), ("POffset", "p_offset"), ("QOnset", "qrs_onset"), ("QOffset", "qrs_offset"),
           ("TOffset", "t_offset"))
_CRITICAL = re.compile(r"^\*\*.*\*\*$")         # the analysis program frames its alarms in stars
_DATE = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})$")


def recognise(data: bytes) -> bool:
    """True for XML whose root is a RestingECG."""
    return safe_xml.root_name(data) == "RestingECG"


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the rhythm block. Raises Unreadable with a reason that begins with "muse-"."""
    document = safe_xml.parse(data, prefix="muse")
    root = document.root
    warnings: list[str] = []
    blocks = {kind: [w for w in root.all("Waveform") if words(w, "WaveformType").upper() == kind]
              for kind in ("RHYTHM", "MEDIAN")}
    if not blocks["RHYTHM"]:
        raise Unreadable("The RestingECG holds no rhythm waveform.", reason="muse-no-rhythm")
    if len(blocks["RHYTHM"]) > 1:
        warnings.append(f"The file holds {len(blocks['RHYTHM'])} rhythm waveforms; the first is shown.")
    rhythm = blocks["RHYTHM"][0]
    leads = _leads(rhythm, warnings)
    if not any(len(lead.samples) for lead in leads):
        raise Unreadable("The rhythm waveform holds no samples.", reason="muse-no-samples")
    if len({len(lead.samples) for lead in leads}) > 1:
        warnings.append("The leads differ in length.")
    beats, beat_interval_us = _median(blocks["MEDIAN"], warnings)
    test, numbers = root.child("TestDemographics"), root.child("RestingECGMeasurements")
    recorded_at = cart_xml.moment(_date(words(test, "AcquisitionDate"), warnings), words(test, "AcquisitionTime"),
                                  time_zone)
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    statements = _statements(root.child("Diagnosis"))
    original = _statements(root.child("OriginalDiagnosis"))
    order = words(root, "Order", "RequisitionNumber")
    return EcgRecord(
        format=NAME, interval_us=_interval_us(rhythm, "SampleBase", "SampleExponent"), leads=leads,
        recorded_at=recorded_at, patient=_patient(document, warnings), device_model=words(test, "AcquisitionDevice"),
        device_serial=words(test, "CartNumber"), filters=_filters(rhythm), measurements=_numbers(root, numbers),
        statements=statements or original,
        critical_statements=tuple(s for s in statements or original if _CRITICAL.match(s)),
        representative_beats=beats, beat_interval_us=beat_interval_us,
        marks=(*_beats(root.child("QRSTimesTypes")), *_onsets(numbers, warnings)), warnings=tuple(warnings),
        notes=_who_said_it(test, statements, original), accession_number=order if order.strip("0") else "",
    )


def _interval_us(element: Element, base: str, exponent: str) -> float:
    """Sampling frequency = base × 10^exponent hertz."""
    value, power = number(words(element, base)), whole(words(element, exponent) or "0")
    if value is None or power is None or value <= 0 or abs(power) > 9:
        raise Unreadable("A waveform does not state its sampling frequency.", reason="muse-no-sampling-frequency")
    return float(Decimal(1_000_000) / value.scaleb(power))


def _median(blocks: Sequence[Element], warnings: list[str]) -> tuple[tuple[EcgLead, ...], float]:
    """The median beats; what is wrong with them never costs the rhythm."""
    try:
        beats = _leads(blocks[0], warnings) if blocks else ()
        return beats, _interval_us(blocks[0], "SampleBase", "SampleExponent") if beats else 0.0
    except Unreadable as exc:
        warnings.append(f"The median beats are not shown: {exc}")
        return (), 0.0


def _leads(waveform: Element, warnings: list[str]) -> tuple[EcgLead, ...]:
    blocks = waveform.all("LeadData")
    if len(blocks) > cart_xml.MAX_LEADS:
        raise Unreadable(f"{len(blocks)} leads are more than any ECG has.", reason="muse-too-large")
    leads: dict[str, EcgLead] = {}
    for block in blocks:
        facts = block.fields()
        said = facts.get("LeadID", "")
        name = lead_names.by_word(said) or said or "?"
        if name in leads:
            warnings.append(f"Lead {name} comes more than once; the first is shown.")
            continue
        leads[name] = _lead(facts, name, said, warnings)
    return tuple(leads.values())


def _lead(facts: Mapping[str, str], name: str, said: str, warnings: list[str]) -> EcgLead:
    data = cart_xml.packed(facts.get("WaveFormData", ""), prefix="muse", what=f"lead {name}")
    if facts.get("LeadSampleSize", "2") != "2":
        raise Unreadable(f"The samples of lead {name} do not have two bytes each.", reason="muse-sample-size")
    samples = cart_xml.little_endian_words(data)
    for element, held in (("LeadSampleCountTotal", len(samples)), ("LeadByteCountTotal", len(data))):
        if facts.get(element, str(held)) != str(held):
            warnings.append(f"Lead {name} holds {held} and not {facts[element][:20]} as {element} says.")
    checksum = whole(facts.get("LeadDataCRC32", ""))
    if checksum is not None and checksum % 2**32 != zlib.crc32(data):
        warnings.append(f"The checksum of lead {name} is wrong: its samples may be damaged.")
    if facts.get("LeadOff", "").upper() == "TRUE":
        warnings.append(f"The cart says that lead {name} was off.")
    for element in ("FirstSampleBaseline", "LeadTimeOffset", "LeadOffsetFirstSample"):
        if facts.get(element, "0") not in ("0", ""):
            warnings.append(f"Lead {name} states a {element} of {facts[element][:20]}; it is not applied.")
    step = number(facts.get("LeadAmplitudeUnitsPerBit", ""))
    unit = _UNITS.get(facts.get("LeadAmplitudeUnits", "").upper())
    if step is None or step == 0 or unit is None:
        raise Unreadable(f"Lead {name} states no gain; a gain is never guessed.", reason="muse-uncalibrated")
    return EcgLead(name=name, code=said, samples=samples, nv_per_unit=float(step * NANOVOLTS[unit]))


def _filters(waveform: Element) -> str:
    low = number(words(waveform, "HighPassFilter"))
    high, notch = number(words(waveform, "LowPassFilter")), number(words(waveform, "ACFilter"))
    cut = [f"{value.normalize():f}" if value is not None and value > 0 else ""
           for value in (low / 100 if low is not None else None, high, notch)]
    return filter_text(*cut)


def _numbers(root: Element, numbers: Element | None) -> dict[str, float]:
    found = cart_xml.measurements(numbers, _MEASUREMENTS)
    return found | cart_xml.measurements(root.child("QRSTimesTypes"), {"GlobalRR": "rr_ms"})


def _onsets(numbers: Element | None, warnings: list[str]) -> list[EcgMark]:
    """Onsets and offsets on the median beat, counted in samples of the analysis."""
    if numbers is None or not words(numbers, "ECGSampleBase"):
        return []
    try:
        interval_us = _interval_us(numbers, "ECGSampleBase", "ECGSampleExponent")
    except Unreadable:
        warnings.append("The onsets of waves state no sampling frequency and are not shown.")
        return []
    marks = []
    for element, kind in _ONSETS:
        at = number(words(numbers, element))
        if at is not None and at > 0:
            marks.append(EcgMark(kind, float(at) * interval_us, is_on_representative_beat=True))
    return marks


def _beats(times: Element | None) -> list[EcgMark]:
    marks = []
    for qrs in times.all("QRS") if times is not None else ():
        at = number(words(qrs, "Time"))
        if at is not None and at >= 0:
            marks.append(EcgMark("beat", float(at * 1000), text=f"type {words(qrs, 'Type') or '?'}"))
    return marks


def _statements(diagnosis: Element | None) -> tuple[str, ...]:
    """Lines: texts are joined until one carries the flag ENDSLINE."""
    lines, line = [], []
    for statement in diagnosis.all("DiagnosisStatement") if diagnosis is not None else ():
        line.append(words(statement, "StmtText"))
        if any(flag.words().upper() == "ENDSLINE" for flag in statement.all("StmtFlag")):
            lines.append(" ".join(filter(None, line)))
            line = []
    return cart_xml.first_of_each((*lines, " ".join(filter(None, line))))


def _who_said_it(test: Element | None, statements: tuple[str, ...], original: tuple[str, ...]) -> tuple[str, ...]:
    """Whether the statements are the cart's own or what a person made of them."""
    status = words(test, "Status")
    notes = [f"The statements have the status {status}, {words(test, 'EditDate')} {words(test, 'EditTime')}.".replace(
        ",  .", ".")] if status and statements else []
    if statements and original and statements != original:
        notes.append("The cart itself had said: " + " | ".join(original))
    return tuple(notes)


def _patient(document: Document, warnings: list[str]) -> EcgPatient:
    person = document.root.child("PatientDemographics")
    return cart_xml.patient(
        document, patient_id=words(person, "PatientID"), sex=words(person, "Gender"),
        name=cart_xml.person_name(words(person, "PatientLastName"), words(person, "PatientFirstName")),
        birth_date=_date(words(person, "DateofBirth"), warnings),
        age_years=cart_xml.age_in_years(words(person, "PatientAge"), words(person, "AgeUnits")))


def _date(text: str, warnings: list[str]) -> date | None:
    """MM-DD-YYYY; imitators also write YYYY-MM-DD."""
    found = _DATE.match(text)
    on = cart_xml.day(found.group(3), found.group(1), found.group(2)) if found else cart_xml.iso_day(text)
    if text and on is None:
        warnings.append(f"The date {text[:20]} cannot be understood.")
    return on
