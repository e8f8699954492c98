"""Philips Sierra XML 1.03, 1.04 and 1.04.01 ("restingecgdata"), as PageWriter carts and TraceMaster export it.

Samples lie in parsedwaveforms, by XLI (`sierra_xli.py`) or as plain integers, one lead after the other; median beats
in repbeats with a gain and an interval of their own. 1.03 has other element names than 1.04 and does not name its
leads: they are the standard twelve. Statements in ">>> … <<<" are those that the cart calls critical.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import tzinfo
from decimal import Decimal

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord, IntSamples
from gateway.formats import cart_xml, lead_names, safe_xml, sierra_xli
from gateway.formats.cart_xml import number, whole, words
from gateway.formats.filter_text import filter_text
from gateway.formats.safe_xml import Document, Element

NAME = "sierra_xml"
MAX_DURATION_S = 3600
_MIN_SAMPLES = 200_000            # allowed over all leads, however small the file is
_MEASUREMENTS = {
    "heartrate": "heart_rate_bpm", "meanventrate": "heart_rate_bpm", "atrialrate": "atrial_rate_bpm",
    "rrint": "rr_ms", "pdur": "p_ms", "print": "pr_ms", "meanprint": "pr_ms", "qrsdur": "qrs_ms",
    "meanqrsdur": "qrs_ms", "qtint": "qt_ms", "meanqtint": "qt_ms", "qtc": "qtc_ms", "meanqtc": "qtc_ms",
    "qtcb": "qtc_bazett_ms", "qtcf": "qtc_fridericia_ms", "pfrontaxis": "p_axis_deg",
    "qrsfrontaxis": "qrs_axis_deg", "tfrontaxis": "t_axis_deg", "stfrontaxis": "st_axis_deg",
    "phorizaxis": "p_horizontal_axis_deg", "qrshorizaxis": "qrs_horizontal_axis_deg",
    "thorizaxis": "t_horizontal_axis_deg", "qtintdispersion": "qt_dispersion_ms",
}
_OTHER_QTC = {"FRAMINGHAM": "qtc_framingham_ms", "HODGES": "qtc_hodges_ms", "BAZETT": "qtc_bazett_ms",
              "FRIDERICIA": "qtc_fridericia_ms"}
_ON_RHYTHM = {"pon": "p_onset", "qrson": "qrs_onset", "qrsoff": "qrs_offset", "toff": "t_offset"}
_CRITICAL = re.compile(r">>>.*<<<")


def recognise(data: bytes) -> bool:
    """True for XML whose root is restingecgdata."""
    return safe_xml.root_name(data) == "restingecgdata"


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the waveforms. Raises Unreadable with a reason that begins with "sierra-"."""
    document = safe_xml.parse(data, prefix="sierra")
    root = document.root
    warnings: list[str] = []
    waves = root.find("waveforms", "parsedwaveforms")
    if waves is None:
        raise Unreadable("The file holds no waveforms.", reason="sierra-no-waveforms")
    acquired = root.child("dataacquisition")
    signal = acquired.child("signalcharacteristics") if acquired is not None else None
    leads, interval_us = _leads(waves, signal, max(_MIN_SAMPLES, len(data)), warnings)
    try:
        beats, beat_interval_us = _beats(root.find("waveforms", "repbeats"), warnings)
    except Unreadable as exc:
        warnings.append(f"The representative beats are not shown: {exc}")
        beats, beat_interval_us = (), 0.0
    machine = acquired.child("machine") if acquired is not None else None
    recorded_at = cart_xml.moment(cart_xml.iso_day(acquired.get("date")), acquired.get("time"),
                                  time_zone) if acquired is not None else None
    if recorded_at is None:
        warnings.append("The file does not say when the ECG was recorded.")
    interpretation = root.find("interpretations", "interpretation")
    statements = _statements(interpretation)
    return EcgRecord(
        format=NAME, interval_us=interval_us, leads=leads, recorded_at=recorded_at, patient=_patient(document),
        device_model=words(machine), device_serial=machine.get("machineid") if machine is not None else "",
        device_maker=machine.get("detaildescription").partition(":")[0].strip() if machine is not None else "",
        filters=_filters(waves, signal), measurements=_numbers(root, interpretation), statements=statements,
        critical_statements=tuple(s for s in statements if _CRITICAL.search(s)), representative_beats=beats,
        beat_interval_us=beat_interval_us, marks=tuple(_marks(root, interpretation, bool(beats))),
        warnings=tuple(warnings), accession_number=words(root, "orderinfo", "ordernumber"),
        notes=_notes(root, interpretation),
    )


def _stated(waves: Element, signal: Element | None, attribute: str, *elements: str) -> str:
    """What the waveforms say of themselves (1.04), else what the acquisition says."""
    return waves.get(attribute) or next((text for name in elements if (text := words(signal, name))), "")


def _leads(waves: Element, signal: Element | None, max_samples: int,
           warnings: list[str]) -> tuple[tuple[EcgLead, ...], float]:
    rate = number(_stated(waves, signal, "samplespersecond", "samplingrate"))
    if rate is None or not 1 <= rate <= 100_000:
        raise Unreadable("The file does not state its sampling frequency.", reason="sierra-no-sampling-frequency")
    step = number(_stated(waves, signal, "resolution", "resolution", "signalresolution"))
    if step is None or step == 0:
        raise Unreadable("The file states no resolution; a gain is never guessed.", reason="sierra-uncalibrated")
    names = _lead_names(waves, signal)
    duration_ms = number(waves.get("durationperchannel"))
    if duration_ms is None or not 0 < duration_ms <= MAX_DURATION_S * 1000:
        raise Unreadable("The file does not state how long its leads are.", reason="sierra-no-duration")
    count = int(duration_ms * rate / 1000)
    if count * len(names) > max_samples:
        raise Unreadable("The leads are stated longer than the file can hold.", reason="sierra-too-large")
    stored = _samples(waves, signal, names, count)
    zero = number(_stated(waves, signal, "signaloffset", "signaloffset") or "0") or Decimal(0)
    leads = []
    for name, samples in zip(names, stored, strict=False):
        if len(samples) != count:
            warnings.append(f"Lead {name} holds {len(samples)} samples and not {count} as stated.")
        leads.append(EcgLead(name=lead_names.by_word(name) or name, code=name, samples=samples[:count],
                             nv_per_unit=float(step * 1000), baseline=float(-zero)))
    if len(leads) < len(names):
        warnings.append(f"The file states {len(names)} leads and holds {len(leads)}.")
    if not any(len(lead.samples) for lead in leads):
        raise Unreadable("The waveforms hold no samples.", reason="sierra-no-samples")
    return tuple(leads), float(1_000_000 / rate)


def _lead_names(waves: Element, signal: Element | None) -> tuple[str, ...]:
    names = tuple(waves.get("leadlabels").split())
    if len({name.upper() for name in names}) != len(names):
        raise Unreadable("A lead is named more than once.", reason="sierra-lead-names")
    count = whole(_stated(waves, signal, "numberofleads", "numberchannelsvalid"))
    if not names and count == len(lead_names.STANDARD_TWELVE) and _is_standard_set(signal):
        names = lead_names.STANDARD_TWELVE
    if not names or len(names) > cart_xml.MAX_LEADS or (count is not None and not 1 <= count <= len(names)):
        raise Unreadable("The file does not name its leads.", reason="sierra-lead-names")
    return names[:count]


def _is_standard_set(signal: Element | None) -> bool:
    return any(words(signal, name) in ("STD-12", "10-WIRE") for name in ("leadset", "acquisitiontype"))


def _samples(waves: Element, signal: Element | None, names: tuple[str, ...], count: int) -> list[IntSamples]:
    method = (waves.get("compression") or waves.get("compressmethod")).lower()
    is_compressed = waves.get("compressflag").lower() != "false" and method not in ("", "none", "uncompressed")
    if is_compressed and method != "xli":
        raise Unreadable(f"The compression {method[:20]} is not known.", reason="sierra-compression")
    if (_stated(waves, signal, "bitspersample", "bitspersample") or "16") != "16":
        raise Unreadable("The samples do not have 16 bits.", reason="sierra-sample-size")
    if waves.get("dataencoding").lower() == "plain" and not is_compressed:
        values = cart_xml.comma_list(",".join(waves.text.split()), prefix="sierra", what="the leads")
    else:
        data = cart_xml.packed(waves.text, prefix="sierra", what="the leads")
        if is_compressed:
            return _unpacked(data, names, count)
        values = cart_xml.little_endian_words(data)
        if _stated(waves, signal, "signalsigned", "signalsigned").lower() == "false":
            values = values & 0xFFFF
    return [lead for lead in (values[at * count:(at + 1) * count] for at in range(len(names))) if len(lead)]


def _unpacked(data: bytes, names: tuple[str, ...], count: int) -> list[IntSamples]:
    if tuple(name.upper() for name in names[:6]) != tuple(name.upper() for name in lead_names.STANDARD_TWELVE[:6]):
        raise Unreadable("Compressed leads do not begin with the six limb leads.", reason="sierra-limb-leads")
    leads = sierra_xli.decode(data, max_samples=count + 64)
    sierra_xli.rebuild_limb_leads(leads)
    return leads[:len(names)]


def _beats(block: Element | None, warnings: list[str]) -> tuple[tuple[EcgLead, ...], float]:
    """The median beats; left out, with a warning, where something is wrong with them: that never costs the rhythm."""
    beats = block.all("repbeat") if block is not None else []
    if block is None or not beats:
        return (), 0.0
    rate = number(block.get("samplespersec") or block.get("samplespersecond"))
    step = number(block.get("resolution"))
    if rate is None or rate <= 0 or step is None or step == 0 or len(beats) > cart_xml.MAX_LEADS:
        warnings.append("The representative beats state no gain or no interval and are not shown.")
        return (), 0.0
    leads: dict[str, EcgLead] = {}
    for beat in beats:
        said = beat.get("leadname")
        holder = beat.child("waveform") or beat
        if block.get("dataencoding").lower() == "plain":
            samples = cart_xml.comma_list(",".join(holder.text.split()), prefix="sierra", what=f"beat {said}")
        else:
            samples = cart_xml.little_endian_words(
                cart_xml.packed(holder.text, prefix="sierra", what=f"beat {said}"))
        duration_ms = number(holder.get("duration"))
        if duration_ms is not None and 0 < duration_ms <= MAX_DURATION_S * 1000:
            samples = samples[:int(duration_ms * rate / 1000)]
        name = lead_names.by_word(said) or said or "?"
        leads.setdefault(name, EcgLead(name=name, code=said, samples=samples, nv_per_unit=float(step * 1000)))
    return tuple(leads.values()), float(1_000_000 / rate)


def _filters(waves: Element, signal: Element | None) -> str:
    """The filters that the stored signal went through, not those of the printout."""
    band = words(signal, "signalbandwidth").split("-")
    low = number(_stated(waves, signal, "hipass", "hipass") or band[0])
    high = number(_stated(waves, signal, "lowpass", "lowpass") or band[-1])
    is_notched = _stated(waves, signal, "notchfiltered", "notchfiltered").lower() == "true"
    notch = number(_stated(waves, signal, "notchfilterfreqs", "notchfilterfreqs", "acsetting"))
    cut = [f"{value.normalize():f}" if value is not None and value > 0 else ""
           for value in (low, high, notch if is_notched else None)]
    return filter_text(*cut)


def _numbers(root: Element, interpretation: Element | None) -> dict[str, float]:
    """What the interpretation shows, then what the analysis measured beside it."""
    found: dict[str, float] = {}
    for place in (*(interpretation.find(name) for name in ("globalmeasurements", "interpretationmeasurements")
                    if interpretation is not None),
                  root.find("measurements", "globalmeasurements"),
                  root.find("internalmeasurements", "crossleadmeasurements")):
        found = cart_xml.measurements(place, _MEASUREMENTS) | found
        for other in place.all("qtco") if place is not None else ():
            key, value = _OTHER_QTC.get(other.get("methodname").upper()), number(other.text)
            if key and value:
                found.setdefault(key, float(value))
    if "qtc_bazett_ms" in found:
        found["qtc_ms"] = found["qtc_bazett_ms"]          # the one the cart prints
    return found


def _statements(interpretation: Element | None) -> tuple[str, ...]:
    """Code, statement and reason of each line, as the cart prints them."""
    lines = interpretation.all("statement") if interpretation is not None else []
    return cart_xml.first_of_each(
        " ".join(filter(None, (words(line, part) for part in ("statementcode", "leftstatement", "rightstatement"))))
        for line in lines)


def _marks(root: Element, interpretation: Element | None, has_beats: bool) -> Iterator[EcgMark]:
    """1.03 marks one beat of the rhythm; 1.04 measures the representative beat, over all leads and lead by lead."""
    on_rhythm = root.find("measurements", "globalmeasurements")
    for child in on_rhythm.children if on_rhythm is not None else ():
        at = number(child.text)
        if child.name in _ON_RHYTHM and at is not None and at > 0:
            yield EcgMark(_ON_RHYTHM[child.name], float(at * 1000))
    if not has_beats:
        return
    measured = interpretation.child("globalmeasurements") if interpretation is not None else None
    beats = root.find("waveforms", "repbeats")
    for place in (measured, *(beats.all("repbeat") if beats is not None else ())):
        if place is not None:
            yield from _marks_of_beat(place)


def _marks_of_beat(place: Element) -> Iterator[EcgMark]:
    onset = number(words(place, "qonset"))
    if onset is None or onset <= 0:
        return
    p, pr, qrs, qt = (number(words(place, name)) or Decimal(0) for name in ("pdur", "print", "qrsdur", "qtint"))
    times = {"p_onset": onset - pr if pr else None, "p_offset": onset - pr + p if pr and p else None,
             "qrs_onset": onset, "qrs_offset": onset + qrs if qrs else None, "t_offset": onset + qt if qt else None}
    for kind, at in times.items():
        if at is not None and not (kind == "p_offset" and at > onset):      # the longest P of all leads, not its end
            yield EcgMark(kind, float(at * 1000), lead=place.get("leadname"), is_on_representative_beat=True)


def _notes(root: Element, interpretation: Element | None) -> tuple[str, ...]:
    said = {"Severity": words(interpretation, "severity"), "Status": root.get("status"),
            "Signature line": words(interpretation, "mdsignatureline")}
    return tuple(f"{label}: {text}" for label, text in said.items() if text)


def _patient(document: Document) -> EcgPatient:
    person = document.root.find("patient", "generalpatientdata")
    age = person.child("age") if person is not None else None
    given = " ".join(filter(None, (words(person, "name", part) for part in ("firstname", "middlename"))))
    return cart_xml.patient(
        document, patient_id=words(person, "patientid") or words(person, "MRN"), sex=words(person, "sex"),
        name=cart_xml.person_name(words(person, "name", "lastname"), given),
        birth_date=cart_xml.iso_day(words(age, "dateofbirth")),
        age_years=next((years for unit in ("years", "months", "weeks", "days")
                        if (years := cart_xml.age_in_years(words(age, unit), unit)) is not None), None))
