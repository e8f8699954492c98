"""GE CardioSoft and CASE "CardiologyXML": samples as comma lists, one resolution in µV for all leads.

StripData is the ten-second ECG that is shown; MedianSamples are the median beats; a full-disclosure recording beside
them is noted and not shown. Diagnosis is the program's text, Conclusion what was made of it.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from decimal import Decimal

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import cart_xml, lead_names, safe_xml
from gateway.formats.cart_xml import number, whole, words
from gateway.formats.filter_text import filter_text
from gateway.formats.safe_xml import Document, Element

NAME = "cardiosoft_xml"
_MEASUREMENTS = {
    "VentricularRate": "heart_rate_bpm", "PQInterval": "pr_ms", "PRInterval": "pr_ms", "PDuration": "p_ms",
    "QRSDuration": "qrs_ms", "QTInterval": "qt_ms", "QTCInterval": "qtc_ms", "RRInterval": "rr_ms",
    "PPInterval": "pp_ms", "PAxis": "p_axis_deg", "RAxis": "qrs_axis_deg", "TAxis": "t_axis_deg",
    "QRSNum": "qrs_count", "SokolovLVHIndex": "sokolov_mv", "QTDispersion": "qt_dispersion_ms",
}
_ONSETS = {"POnset": "p_onset", "POffset": "p_offset", "QOnset": "qrs_onset", "QOffset": "qrs_offset",
           "TOffset": "t_offset"}
_NANOVOLTS_PER_LSB = {"uvperlsb": 1000, "nvperlsb": 1, "mvperlsb": 1_000_000}


def recognise(data: bytes) -> bool:
    """True for XML whose root is a CardiologyXML."""
    return safe_xml.root_name(data) == "CardiologyXML"


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the strip. Raises Unreadable with a reason that begins with "cardiosoft-"."""
    document = safe_xml.parse(data, prefix="cardiosoft")
    root = document.root
    warnings: list[str] = []
    strip = root.child("StripData")
    if strip is None:
        raise Unreadable("The CardiologyXML holds no strip of a resting ECG.", reason="cardiosoft-no-strip")
    leads = _leads(strip, warnings)
    if not any(len(lead.samples) for lead in leads):
        raise Unreadable("The strip holds no samples.", reason="cardiosoft-no-samples")
    numbers = root.child("RestingECGMeasurements")
    median = numbers.child("MedianSamples") if numbers is not None else None
    beats, beat_interval_us = _median(median, warnings)
    recorded_at = _recorded_at(root.child("ObservationDateTime"), time_zone)
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    statements, conclusion = _lines(root, "Diagnosis"), _lines(root, "Conclusion")
    return EcgRecord(
        format=NAME, interval_us=_interval_us(strip), leads=leads, recorded_at=recorded_at,
        patient=_patient(document), device_model=words(root, "ClinicalInfo", "DeviceInfo", "Desc"),
        filters=_filters(root.child("FilterSetting")),
        measurements=cart_xml.measurements(numbers, _MEASUREMENTS), statements=statements,
        representative_beats=beats, beat_interval_us=beat_interval_us,
        marks=(*_beats(strip.child("ArrhythmiaResults")), *_onsets(numbers)), warnings=tuple(warnings),
        study_instance_uid=words(root, "UID", "DICOMStudyUID"),
        accession_number=words(root, "PatientVisit", "OrderNumber"), notes=_notes(root, statements, conclusion),
    )


def _interval_us(block: Element) -> float:
    rate = block.child("SampleRate")
    value = number(rate.text) if rate is not None else None
    if rate is None or value is None or value <= 0 or (rate.get("units") or "Hz").lower() != "hz":
        raise Unreadable("The strip does not state its sampling frequency.",
                         reason="cardiosoft-no-sampling-frequency")
    return float(Decimal(1_000_000) / value)


def _leads(block: Element, warnings: list[str]) -> tuple[EcgLead, ...]:
    resolution = block.child("Resolution")
    step = number(resolution.text) if resolution is not None else None
    unit = _NANOVOLTS_PER_LSB.get(resolution.get("units").lower()) if resolution is not None else None
    if step is None or step == 0 or unit is None:
        raise Unreadable("The strip states no resolution; a gain is never guessed.", reason="cardiosoft-uncalibrated")
    lists = block.all("WaveformData")
    if len(lists) > cart_xml.MAX_LEADS:
        raise Unreadable(f"{len(lists)} leads are more than any ECG has.", reason="cardiosoft-too-large")
    leads: dict[str, EcgLead] = {}
    for values in lists:
        said = values.get("lead").strip()
        name = lead_names.by_word(said) or said or "?"
        if name in leads:
            warnings.append(f"Lead {name} comes more than once; the first is shown.")
            continue
        samples = cart_xml.comma_list(values.text, prefix="cardiosoft", what=f"lead {name}")
        leads[name] = EcgLead(name=name, code=said, samples=samples, nv_per_unit=float(step * unit))
    promised = whole(words(block, "ChannelSampleCountTotal"))
    for lead in leads.values():
        if promised is not None and len(lead.samples) != promised:
            warnings.append(f"Lead {lead.name} holds {len(lead.samples)} samples and not {promised} as stated.")
    count = whole(words(block, "NumberOfLeads"))
    if count is not None and count != len(leads):
        warnings.append(f"The file states {count} leads and holds {len(leads)}.")
    return tuple(leads.values())


def _median(block: Element | None, warnings: list[str]) -> tuple[tuple[EcgLead, ...], float]:
    """The median beats; what is wrong with them never costs the strip."""
    if block is None or not block.all("WaveformData"):
        return (), 0.0
    try:
        return _leads(block, warnings), _interval_us(block)
    except Unreadable as exc:
        warnings.append(f"The median beats are not shown: {exc}")
        return (), 0.0


def _recorded_at(when: Element | None, time_zone: tzinfo) -> datetime | None:
    clock = ":".join(words(when, unit).zfill(2) for unit in ("Hour", "Minute", "Second"))
    return cart_xml.moment(_day(when), clock, time_zone)


def _day(when: Element | None) -> date | None:
    return cart_xml.day(words(when, "Year"), words(when, "Month"), words(when, "Day"))


def _filters(setting: Element | None) -> str:
    cut = [number(words(setting, name)) for name in ("HighPass", "LowPass")]
    low, high = (f"{value.normalize():f}" if value is not None and value > 0 else "" for value in cut)
    notch = next((hertz for hertz in ("50", "60") if words(setting, f"Filter{hertz}Hz").lower() == "yes"), "")
    return filter_text(low, high, notch)


def _lines(root: Element, name: str) -> tuple[str, ...]:
    """The lines of a text, without rules made of dashes."""
    text = root.find("Interpretation", name)
    lines = (child.words() for child in (text.children if text is not None else ()))
    return cart_xml.first_of_each(line for line in lines if line.strip("-"))


def _notes(root: Element, statements: tuple[str, ...], conclusion: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    if conclusion and conclusion != statements:
        notes.append("The conclusion in the file reads: " + " | ".join(conclusion))
    full = root.find("FullDisclosure", "FullDisclosureData")
    if full is not None and full.text.strip():
        notes.append("The file also holds a full-disclosure recording, which is not shown.")
    return tuple(notes)


def _onsets(numbers: Element | None) -> list[EcgMark]:
    """Milliseconds after the start of the median beat."""
    marks = []
    for child in numbers.children if numbers is not None else ():
        at = number(child.text)
        if child.name in _ONSETS and at is not None and at > 0 and (child.get("units") or "ms").lower() == "ms":
            marks.append(EcgMark(_ONSETS[child.name], float(at * 1000), is_on_representative_beat=True))
    return marks


def _beats(results: Element | None) -> list[EcgMark]:
    """Times and classes alternate."""
    marks: list[EcgMark] = []
    for child in results.children if results is not None else ():
        at = number(child.text)
        if child.name == "Time" and at is not None and (child.get("units") or "ms").lower() == "ms":
            marks.append(EcgMark("beat", float(at * 1000)))
        elif child.name == "BeatClass" and marks and not marks[-1].text:
            marks[-1] = EcgMark("beat", marks[-1].at_us, text=child.words())
    return marks


def _patient(document: Document) -> EcgPatient:
    person = document.root.child("PatientInfo")
    age = person.child("Age") if person is not None else None
    return cart_xml.patient(
        document, patient_id=words(person, "PID"), sex=words(person, "Gender"),
        name=cart_xml.person_name(words(person, "Name", "FamilyName"), words(person, "Name", "GivenName")),
        birth_date=_day(person.child("BirthDateTime") if person is not None else None),
        age_years=cart_xml.age_in_years(age.text, age.get("units")) if age is not None else None)
