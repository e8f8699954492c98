"""Write any ECG as a DICOM waveform object: rhythm, representative beat, measurements, statements, marks.

General ECG Waveform where its limits fit (PS3.3 A.34.4), the 12-lead object on wish, the ambulatory one for slow
sampling, General 32-bit ECG for everything else. The same record gives the same bytes and the same UIDs. Every lead
reads back to the nanovolt; what DICOM cannot hold is told in `losses`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as DicomSequence

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgLead, EcgRecord
from gateway.formats import lead_names
from gateway.formats.dicom_ecg_codes import OUR_SCHEME
from gateway.formats.dicom_ecg_writer_annotations import Places, annotations_of
from gateway.formats.dicom_ecg_writer_groups import ScaledLead, can_state, code, ds, group, nearest_ds, scale
from gateway.formats.part10 import file_header

TWELVE_LEAD_ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
GENERAL_ECG = "1.2.840.10008.5.1.4.1.1.9.1.2"
AMBULATORY_ECG = "1.2.840.10008.5.1.4.1.1.9.1.3"
GENERAL_32_BIT_ECG = "1.2.840.10008.5.1.4.1.1.9.1.4"
_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_MOST_GROUPS = 4
_UID = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+$", re.ASCII)


@dataclass(frozen=True, slots=True)
class DicomUids:
    """Where the object belongs; what is empty is derived from the record."""

    study: str = ""
    series: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class DicomFile:
    """The bytes of a Part 10 file, and what of the record they do not hold, in plain words."""

    data: bytes
    sop_class_uid: str
    sop_instance_uid: str
    losses: tuple[str, ...]


def write(record: EcgRecord, *, uids: DicomUids | None = None, as_twelve_lead: bool = False) -> bytes:
    """The record as a DICOM file. Raises InvalidRequest when it cannot be written at all."""
    return write_dicom(record, uids=uids, as_twelve_lead=as_twelve_lead).data


def write_dicom(record: EcgRecord, *, uids: DicomUids | None = None, as_twelve_lead: bool = False) -> DicomFile:
    """The same, with the losses. `as_twelve_lead`: as 12-lead ECG where its limits fit."""
    if not record.leads:
        raise InvalidRequest("There is no waveform to write.", reason="no-waveform")
    losses: list[str] = []
    beats = _same_length(record.representative_beats, losses) if record.beat_interval_us > 0 else ()
    if record.representative_beats and not beats:
        losses.append("The representative beats have no sampling interval and are not written.")
    rhythm = _by_length(record.leads, most=_MOST_GROUPS - bool(beats), losses=losses)
    scaled = [[scale(lead) for lead in leads] for leads in (*rhythm, *([beats] if beats else []))]
    hertz = [_frequency(record.interval_us, losses)] * len(rhythm)
    hertz += [_frequency(record.beat_interval_us, losses)] if beats else []
    bits = 16 if all(lead.fits(16) for leads in scaled for lead in leads) else 32
    sop_class = _sop_class(scaled, hertz, bits, as_twelve_lead=as_twelve_lead, losses=losses)
    bits = 32 if sop_class == GENERAL_32_BIT_ECG else bits
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    instance_uid = _identify(dataset, record, uids or DicomUids(), sop_class, losses)
    _patient(dataset, record, losses)
    if record.filters and not can_state(record.filters):
        losses.append("The filters are not stated in a form that DICOM has elements for.")
    dataset.WaveformSequence = DicomSequence([
        group(leads, label="RHYTHM" if number < len(rhythm) else "MEDIAN BEAT", is_original=number < len(rhythm),
              frequency_hz=hertz[number], bits=bits, filters=record.filters)
        for number, leads in enumerate(scaled)])
    said = annotations_of(record, _places(scaled, len(rhythm)), losses)
    if said:
        dataset.WaveformAnnotationSequence = DicomSequence(said)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    header = file_header(sop_class_uid=sop_class, sop_instance_uid=instance_uid,
                         transfer_syntax_uid=_EXPLICIT_LITTLE_ENDIAN)
    return DicomFile(header + buffer.getvalue(), sop_class, instance_uid, tuple(dict.fromkeys(losses)))


def _identify(dataset: Dataset, record: EcgRecord, uids: DicomUids, sop_class: str, losses: list[str]) -> str:
    """Study, series, equipment and time. Returns the SOP Instance UID."""
    content = hashlib.sha256(repr((
        record.interval_us, record.recorded_at, record.patient, record.device_serial, sop_class,
        [(lead.name, lead.sha256_nanovolts(), lead.start_us) for lead in record.leads])).encode()).hexdigest()
    study = uids.study or record.study_instance_uid
    instance = uids.instance or _derived_uid("3", content)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, instance
    dataset.StudyInstanceUID = study if _is_uid(study) else _derived_uid("1", content)
    dataset.SeriesInstanceUID = uids.series or _derived_uid("2", content)
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "ECG", "1", "1"
    dataset.StudyID, dataset.ReferringPhysicianName = "", ""
    dataset.AccessionNumber = _clean(record.accession_number, 16, "accession number", losses)
    dataset.Manufacturer = _clean(record.device_maker, 64, "maker of the device", losses)
    dataset.ManufacturerModelName = _clean(record.device_model, 64, "model of the device", losses)
    dataset.DeviceSerialNumber = _clean(record.device_serial, 64, "serial number of the device", losses)
    at = record.recorded_at
    if at is None:
        losses.append("The ECG has no time of recording; the elements for it are empty, which DICOM does not allow.")
    day, clock = (f"{at:%m%d}", f"{at:%H%M%S}.{at.microsecond:06d}") if at else ("", "")
    day = f"{at.year:04d}{day}" if at else ""
    offset = at.utcoffset() if at else None
    zone = f"{at:%z}"[:5] if at is not None and offset is not None and offset % timedelta(minutes=1) == timedelta(0) \
        else ""
    dataset.StudyDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.ContentTime = clock
    dataset.AcquisitionDateTime = f"{day}{clock}{zone}"
    if zone:
        dataset.TimezoneOffsetFromUTC = zone
    dataset.AcquisitionContextSequence = DicomSequence(_lead_system(record.leads))
    dataset.CodingSchemeIdentificationSequence = DicomSequence([_our_scheme()])
    converter = Dataset()
    converter.Manufacturer, converter.ContributionDescription = "Reading Gateway", f"Converted from {record.format}"
    converter.PurposeOfReferenceCodeSequence = DicomSequence([code("109103", "DCM", "Modifying Equipment")])
    dataset.ContributingEquipmentSequence = DicomSequence([converter])
    return instance


def _patient(dataset: Dataset, record: EcgRecord, losses: list[str]) -> None:
    patient = record.patient
    name = re.sub(r"[\^=]", " ", _clean(patient.name, 64, "name", losses))
    dataset.PatientName = name if name.isascii() else f"={name}"
    dataset.PatientID = _clean(patient.patient_id, 64, "patient's ID", losses)
    dataset.PatientBirthDate = f"{patient.birth_date:%Y%m%d}".zfill(8) if patient.birth_date else ""
    dataset.PatientSex = patient.sex
    if patient.age_years is not None:
        age = _age(patient.age_years)
        if age:
            dataset.PatientAge = age
        else:
            losses.append(f"The age of {patient.age_years:g} years is not written.")


def _age(years: float) -> str:
    """Three digits and a unit that give the same number back (PS3.5 6.2, VR AS)."""
    for unit, count in (("Y", years), ("M", years * 12), ("W", years * 52.18), ("D", years * 365.25)):
        if 0 <= round(count) <= 999 and abs(count - round(count)) < 1e-6:
            return f"{round(count):03d}{unit}"
    return ""


def _lead_system(leads: Sequence[EcgLead]) -> list[Dataset]:
    if not set(lead_names.STANDARD_TWELVE) <= {lead.name for lead in leads}:
        return []
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = DicomSequence([code("10:11345", "MDC", "Lead System")])
    item.ConceptCodeSequence = DicomSequence([code("10:11264", "MDC", "Unspecified 12-lead system")])
    return [item]


def _our_scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator, item.CodingSchemeName = OUR_SCHEME, "Reading Gateway's words for what has no code"
    item.CodingSchemeResponsibleOrganization = "Reading Gateway"
    return item


def _sop_class(groups: Sequence[Sequence[ScaledLead]], hertz: Sequence[str], bits: int, *, as_twelve_lead: bool,
               losses: list[str]) -> str:
    """The object whose limits hold (PS3.3 A.34.3 to A.34.5, and 32-bit without a limit to the frequency)."""
    frequencies = [float(text) for text in hertz]
    most_channels = max(len(leads) for leads in groups)
    longest = max(len(lead.samples) for leads in groups for lead in leads)
    is_usual = bits == 16 and all(200 <= f <= 1000 for f in frequencies)
    if as_twelve_lead and is_usual and most_channels <= 13 and longest <= 16384:
        return TWELVE_LEAD_ECG
    if as_twelve_lead:
        losses.append("The ECG does not fit the limits of the 12-lead object.")
    if is_usual and most_channels <= 24:
        return GENERAL_ECG
    if bits == 16 and len(groups) == 1 and most_channels <= 12 and 50 <= frequencies[0] <= 1000:
        return AMBULATORY_ECG
    if most_channels > 24:
        losses.append("There are more than 24 channels, which no DICOM ECG may have.")
    return GENERAL_32_BIT_ECG


def _by_length(leads: Sequence[EcgLead], *, most: int, losses: list[str]) -> list[Sequence[EcgLead]]:
    """Leads of one length together, in their order; made equal where there are more lengths than groups."""
    lengths = list(dict.fromkeys(len(lead.samples) for lead in leads))
    if len(lengths) <= most:
        return [[lead for lead in leads if len(lead.samples) == length] for length in lengths]
    return [_same_length(leads, losses)]


def _same_length(leads: Sequence[EcgLead], losses: list[str]) -> Sequence[EcgLead]:
    longest = max((len(lead.samples) for lead in leads), default=0)
    if all(len(lead.samples) == longest for lead in leads):
        return leads
    losses.append("Shorter leads are filled up with samples that are marked as missing.")
    out = []
    for lead in leads:
        behind = longest - len(lead.samples)
        missing = lead.missing if lead.missing is not None else np.zeros(len(lead.samples), dtype=np.bool_)
        out.append(EcgLead(lead.name, lead.code, np.pad(lead.samples, (0, behind)), lead.nv_per_unit, lead.baseline,
                           lead.start_us, np.pad(missing, (0, behind), constant_values=True)))
    return out


def _frequency(interval_us: float, losses: list[str]) -> str:
    """The shortest frequency from which the very same interval follows."""
    if not 0 < interval_us < 1e12:
        raise InvalidRequest("The ECG has no sampling interval.", reason="no-interval")
    exact = 1_000_000 / Decimal(repr(float(interval_us)))
    for digits in range(1, 16):
        text = ds(Decimal(f"{exact:.{digits}g}"))
        if text and float(1_000_000 / Decimal(text)) == interval_us:
            return text
    text = nearest_ds(exact)
    if float(f"{1_000_000 / Decimal(text):.13g}") != interval_us:
        losses.append(f"The sampling interval of {interval_us} µs is rounded.")
    return text


def _places(groups: Sequence[Sequence[ScaledLead]], rhythm_count: int) -> Places:
    at = [{lead.lead.name: (number, channel) for channel, lead in enumerate(leads, start=1)}
          for number, leads in enumerate(groups, start=1)]
    rhythm = {name: place for places in reversed(at[:rhythm_count]) for name, place in places.items()}
    rhythm = dict(sorted(rhythm.items(), key=lambda entry: entry[1]))
    beats = at[rhythm_count] if len(at) > rhythm_count else {}
    return Places(rhythm, beats, len(groups[0][0].samples), len(groups[-1][0].samples))


def _derived_uid(level: str, sha256: str) -> str:
    """By the same scheme as the UIDs of files that came without (2.25 and 128 bits of a hash, PS3.5 B.2)."""
    digest = hashlib.sha256(f"{level}\x00\x00{sha256}".encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _is_uid(text: str) -> bool:
    return len(text) <= 64 and _UID.match(text) is not None


def _clean(text: str, longest: int, what: str, losses: list[str]) -> str:
    """Text for a VR that ends at a backslash and holds no control characters."""
    clean = "".join(" " if c == "\\" else c for c in text if c.isprintable())[:longest].strip()
    if clean != text.strip():
        losses.append(f"The {what} is shortened to what DICOM can hold.")
    return clean
