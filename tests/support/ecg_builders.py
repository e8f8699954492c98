"""ECG files with known samples, in every format the gateway reads. A test states only what it is about."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from gateway.formats.zip_members import pack

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
TESTDATA = Path(__file__).resolve().parents[3] / "shared" / "testdata" / "ecg"
needs_testdata = pytest.mark.skipif(not (TESTDATA / "facts.json").is_file(),
                                    reason=f"the shared reference ECGs are not at {TESTDATA}")

Samples = Mapping[str, NDArray[np.int32]]


def known_samples(*, leads: tuple[str, ...] = LEADS, count: int = 5000, seed: int = 7) -> Samples:
    """Whole units, different in every lead, with a spike so that a shift would show."""
    random = np.random.default_rng(seed)
    out = {}
    for number, lead in enumerate(leads):
        samples = random.integers(-400, 400, count, dtype=np.int32)
        samples[(number * 37 + 11) % count] = 3000 + number
        out[lead] = samples
    return out


def known_square(*, leads: tuple[str, ...] = LEADS, seconds: int = 10, samples_per_s: int = 500,
                 units_per_mv: int = 400) -> Samples:
    """The test signal of the paper: half a second at 0 mV, half a second at 1 mV, and so on, in every lead."""
    half = samples_per_s // 2
    one = np.where(np.arange(seconds * samples_per_s) // half % 2 == 0, 0, units_per_mv).astype(np.int32)
    return {lead: one for lead in leads}


def sha256_nanovolts(samples: NDArray[np.int32], nv_per_unit: int) -> str:
    """The hash that MANIFEST.md defines."""
    return hashlib.sha256((samples.astype(np.int64) * nv_per_unit).astype("<i4").tobytes()).hexdigest()


def aecg(samples: Samples | None = None, *, scale_uv: str = "2.5", increment_s: str = "0.002",
         patient_id: str = "P1", name: str = "演示甲", sex: str = "M", birth: str = "19600405",
         head: str = "20260302083000", annotations: str = "", statements: tuple[str, ...] = (),
         encoding: str = "UTF-8", declared: str | None = None, extra_series: str = "", prolog: str = "") -> bytes:
    """An HL7 aECG with one rhythm series."""
    samples = known_samples() if samples is None else samples
    leads = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="0" unit="uV"/><scale value="{scale_uv}" unit="uV"/>'
        f'<digits>{" ".join(map(str, values))}</digits></value></sequence></component>'
        for lead, values in samples.items())
    words = "".join('<component><annotation><code code="MDC_ECG_INTERPRETATION_STATEMENT"/>'
                    f'<value xsi:type="ST">{text}</value></annotation></component>' for text in statements)
    text = (
        f'<?xml version="1.0" encoding="{declared or encoding}"?>{prolog}'
        '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<id root="1"/><componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>'
        f'<id root="1.2" extension="{patient_id}"/><subjectDemographicPerson><name>{name}</name>'
        f'<administrativeGenderCode code="{sex}"/><birthTime value="{birth}"/></subjectDemographicPerson>'
        '</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>'
        f'{extra_series}<component><series><code code="RHYTHM"/><author><seriesAuthor><manufacturedSeriesDevice>'
        '<id extension="SN7"/><manufacturerModelName>Demo cart</manufacturerModelName></manufacturedSeriesDevice>'
        '</seriesAuthor></author><component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/>'
        f'<value xsi:type="GLIST_TS"><head value="{head}"/><increment value="{increment_s}" unit="s"/></value>'
        f'</sequence></component>{leads}</sequenceSet></component>'
        f'<subjectOf><annotationSet>{annotations}{words}</annotationSet></subjectOf></series></component>'
        '</AnnotatedECG>')
    return text.encode(encoding)


def aecg_measurement(code: str, value: float, unit: str) -> str:
    """One annotation of `aecg`."""
    return (f'<component><annotation><code code="{code}"/><value xsi:type="PQ" value="{value}" unit="{unit}"/>'
            "</annotation></component>")


_MDC = {lead: f"2:{number}" for lead, number in zip(
    ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF"),
    (1, 2, 3, 4, 5, 6, 7, 8, 61, 62, 63, 64), strict=True)}


TWELVE_LEAD_ECG = UID("1.2.840.10008.5.1.4.1.1.9.1.1")


@dataclass(frozen=True)
class Channels:
    """How the samples of `dicom_ecg` are scaled and described."""

    sensitivity: str = "2.5"
    unit: str = "uV"
    correction: str = "1"
    baseline: str = "0"
    frequency: str = "500"
    padding: int | None = None
    bits_stored: int = 16
    filters: tuple[str, str, str] | None = None


def dicom_ecg(samples: Samples | None = None, *, median: Samples | None = None, is_median_first: bool = False,
              annotations: tuple[Dataset, ...] = (), name: bytes = b"Demo^Patient", character_set: str | None = None,
              sop_class_uid: UID = TWELVE_LEAD_ECG, elements: Mapping[str, Any] | None = None,
              **channels: Any) -> bytes:
    """A 12-lead ECG object, Part 10, explicit VR little endian."""
    samples = known_samples() if samples is None else samples
    ds = Dataset()
    if character_set:
        ds.SpecificCharacterSet = character_set
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class_uid, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Modality, ds.StudyDate, ds.StudyTime = "ECG", "20260302", "083000"
    ds.AcquisitionDateTime = "20260302083000"
    ds.PatientID, ds.PatientBirthDate, ds.PatientSex, ds.AccessionNumber = "P1", "19600405", "M", ""
    ds.ManufacturerModelName = "Demo cart"
    for keyword, value in (elements or {}).items():
        setattr(ds, keyword, value)
    shape = Channels(**channels)
    groups = [_group(samples, "RHYTHM", "ORIGINAL", shape)]
    if median is not None:
        groups.insert(0 if is_median_first else 1, _group(median, "MEDIAN BEAT", "DERIVED", shape))
    ds.WaveformSequence = Sequence(groups)
    if annotations:
        ds.WaveformAnnotationSequence = Sequence(annotations)
    ds.add_new(0x00100010, "PN", name)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = sop_class_uid, ds.SOPInstanceUID
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _group(samples: Samples, label: str, originality: str, shape: Channels) -> Dataset:
    group = Dataset()
    group.WaveformOriginality, group.MultiplexGroupLabel = originality, label
    group.NumberOfWaveformChannels = len(samples)
    group.NumberOfWaveformSamples = len(next(iter(samples.values())))
    group.SamplingFrequency = shape.frequency
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    channels = []
    for lead in samples:
        channel, source, units = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = _MDC[lead], "MDC", f"Lead {lead}"
        units.CodeValue, units.CodingSchemeDesignator, units.CodeMeaning = shape.unit, "UCUM", shape.unit
        channel.ChannelSourceSequence = Sequence([source])
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = shape.sensitivity, shape.correction
        channel.ChannelSensitivityUnitsSequence = Sequence([units])
        channel.ChannelBaseline, channel.ChannelSampleSkew = shape.baseline, "0"
        channel.WaveformBitsStored = shape.bits_stored
        if shape.filters:
            channel.FilterLowFrequency, channel.FilterHighFrequency, channel.NotchFilterFrequency = shape.filters
        channels.append(channel)
    group.ChannelDefinitionSequence = Sequence(channels)
    group.add_new(0x54001010, "OW", np.stack(list(samples.values()), axis=1).astype("<i2").tobytes())
    if shape.padding is not None:
        group.add_new(0x5400100A, "OW", shape.padding.to_bytes(2, "little", signed=True))
    return group


def dicom_number(code: str, scheme: str, meaning: str, value: str, unit: str) -> Dataset:
    """One numeric annotation of `dicom_ecg`."""
    item, name, units = Dataset(), Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code, scheme, meaning
    units.CodeValue, units.CodingSchemeDesignator, units.CodeMeaning = unit, "UCUM", unit
    item.ConceptNameCodeSequence, item.MeasurementUnitsCodeSequence = Sequence([name]), Sequence([units])
    item.NumericValue, item.ReferencedWaveformChannels = value, [1, 0]
    return item


def dicom_statement(text: str) -> Dataset:
    """One line of the cart's own words."""
    item = Dataset()
    item.UnformattedTextValue, item.ReferencedWaveformChannels = text, [1, 0]
    return item


def wfdb_files(samples: Samples | None = None, *, name: str = "demo1", gain: str = "400(0)/mV", hertz: str = "500",
               comments: tuple[str, ...] = ("Age: 65", "Sex: Male")) -> dict[str, bytes]:
    """Header and signal file of a record in storage format 16."""
    samples = known_samples() if samples is None else samples
    count = len(next(iter(samples.values())))
    lines = [f"{name} {len(samples)} {hertz} {count} 08:30:00 02/03/2026"]
    for lead, values in samples.items():
        checksum = (int(values.sum()) + 32768) % 65536 - 32768
        lines.append(f"{name}.dat 16 {gain} 16 0 {values[0]} {checksum} 0 {lead}")
    lines += [f"# {comment}" for comment in comments]
    data = np.stack(list(samples.values()), axis=1).astype("<i2").tobytes()
    return {f"{name}.hea": "\n".join(lines).encode() + b"\n", f"{name}.dat": data}


def wfdb_zip(samples: Samples | None = None, **more: str) -> bytes:
    """The same as one zip."""
    return pack(wfdb_files(samples, **more))  # type: ignore[arg-type]


RECORDED_AT = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
"""When every built ECG was recorded: 08:30 in Shanghai."""
