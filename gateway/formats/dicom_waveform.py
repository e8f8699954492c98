"""DICOM waveform objects (12-lead, General, Ambulatory, 32-bit ECG; PS3.3 A.34, C.10.9) into one EcgRecord.

pydicom finds the elements; frames and scale are ours. Value = raw × sensitivity × correction factor + baseline, in
the channel's own unit. Real devices break the limits of the 12-lead object (medians beside rhythm, long traces), so
what is read is decided by content: the rhythm, and further original groups that bring leads it lacks.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgPatient, EcgRecord, IntSamples
from gateway.formats import dicom_annotations, lead_names
from gateway.formats.aecg_annotations import filter_text
from gateway.formats.dicom_text import DicomText
from gateway.formats.hl7_time import parse_date, parse_time
from gateway.formats.units import NANOVOLTS
from storage.model import Confidence

NAME = "dicom"
SOP_CLASS_PREFIX = "1.2.840.10008.5.1.4.1.1.9."
MAX_CHANNELS = 64
MAX_SAMPLES = 40_000_000
MIN_PADDING_RUN = 8                      # shorter runs of the padding value are taken as real samples
_MAX_INFLATED_BYTES = 256 << 20
_DAMAGED = (InvalidDicomError, BytesLengthException, EOFError, ValueError, AttributeError, TypeError, LookupError,
            NotImplementedError, RecursionError, ArithmeticError, OSError, struct.error, zlib.error)


def recognise(data: bytes) -> bool:
    """True for a DICOM file (PS3.10 7.1)."""
    return data[128:132] == b"DICM"


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the ECG of a waveform object. Raises Unreadable with a reason that begins with "dicom-"."""
    try:
        _check_deflated(data)
        return _record(pydicom.dcmread(io.BytesIO(data)), time_zone)
    except _DAMAGED as exc:
        raise Unreadable(f"The DICOM object is damaged: {type(exc).__name__}.", reason="dicom-damaged") from exc


def _record(ds: Dataset, time_zone: tzinfo) -> EcgRecord:
    groups: Sequence[Dataset] = ds.get("WaveformSequence") or ()
    if not groups:
        raise Unreadable("The DICOM object holds no waveform.", reason="dicom-no-waveform")
    chosen = _rhythm_groups(groups)
    notes: list[str] = []
    text = DicomText(ds)
    frequency = _decimal(chosen[0].get("SamplingFrequency"))
    if frequency is None or frequency <= 0:
        raise Unreadable("The waveform states no sampling frequency.", reason="dicom-no-sampling-frequency")
    interval_us = float(1_000_000 / frequency)
    is_little_endian = bool(ds.original_encoding[1] if ds.original_encoding[1] is not None else True)
    leads: list[EcgLead] = []
    offset = _decimal(chosen[0].get("MultiplexGroupTimeOffset")) or Decimal(0)
    for group in chosen:
        later_ms = (_decimal(group.get("MultiplexGroupTimeOffset")) or Decimal(0)) - offset
        for lead in _leads(group, is_little_endian, float(later_ms) * 1000, interval_us, text, notes):
            if not any(lead.name == known.name for known in leads):
                leads.append(lead)
            elif group is chosen[0]:
                notes.append(f"Lead {lead.name} comes more than once; the first is shown.")
    if not leads:
        raise Unreadable("None of the channels is a voltage.", reason="dicom-no-voltage")
    return EcgRecord(
        format=NAME, interval_us=interval_us, leads=tuple(leads), recorded_at=_recorded_at(ds, time_zone),
        patient=_patient(ds, text), device_model=text.of(ds, "ManufacturerModelName"),
        device_serial=text.of(ds, "DeviceSerialNumber"), filters=_filters(chosen[0]),
        measurements=dicom_annotations.measurements(ds, text), statements=dicom_annotations.statements(ds, text),
        warnings=tuple(notes), study_instance_uid=text.of(ds, "StudyInstanceUID"),
        series_instance_uid=text.of(ds, "SeriesInstanceUID"), sop_instance_uid=text.of(ds, "SOPInstanceUID"),
        accession_number=text.of(ds, "AccessionNumber"),
    )


def _rhythm_groups(groups: Sequence[Dataset]) -> list[Dataset]:
    """The rhythm first; then original groups of the same rate, for carts that record three leads at a time."""
    def is_median(group: Dataset) -> bool:
        label = str(group.get("MultiplexGroupLabel") or "").upper()
        return "MEDIAN" in label or "BEAT" in label or str(group.get("WaveformOriginality") or "") == "DERIVED"

    def length(group: Dataset) -> int:
        return int(group.get("NumberOfWaveformSamples") or 0)

    labelled = [g for g in groups if "RHYTHM" in str(g.get("MultiplexGroupLabel") or "").upper()]
    original = [g for g in groups if not is_median(g)]
    first = labelled[0] if labelled else original[0] if original else max(groups, key=length)
    further = [g for g in original if g is not first
               and _decimal(g.get("SamplingFrequency")) == _decimal(first.get("SamplingFrequency"))]
    return [first, *further]


def _leads(group: Dataset, is_little_endian: bool, start_us: float, interval_us: float,
           text: DicomText, notes: list[str]) -> Iterable[EcgLead]:
    channels: Sequence[Dataset] = group.get("ChannelDefinitionSequence") or ()
    frames = _frames(group, len(channels), is_little_endian)
    padding = _padding(group, is_little_endian)
    for column, channel in enumerate(channels):
        name, code = _name(channel, column, text)
        units = channel.get("ChannelSensitivityUnitsSequence") or ()
        sensitivity = _decimal(channel.get("ChannelSensitivity"))
        if sensitivity is None or sensitivity == 0 or not units:
            raise Unreadable(f"Channel {name} states no sensitivity; a gain is never guessed.",
                             reason="dicom-uncalibrated")
        unit_code = str(units[0].get("CodeValue") or "")
        unit = NANOVOLTS.get(unit_code.lower())
        if unit is None:
            notes.append(f"Channel {name} is in {unit_code or 'no unit'}, not in volts, and is not shown.")
            continue
        correction = _decimal(channel.get("ChannelSensitivityCorrectionFactor"))
        step = sensitivity * (Decimal(1) if correction is None else correction)
        if step == 0:
            raise Unreadable(f"Channel {name} has a sensitivity of zero.", reason="dicom-uncalibrated")
        baseline = _decimal(channel.get("ChannelBaseline")) or Decimal(0)
        samples = _within_bits_stored(np.ascontiguousarray(frames[:, column]), group, channel, name, notes)
        skew_us = float(_decimal(channel.get("ChannelTimeSkew")) or 0) * 1e6
        skew_us = skew_us or float(_decimal(channel.get("ChannelSampleSkew")) or 0) * interval_us
        yield EcgLead(name=name, code=code, samples=samples, nv_per_unit=float(step * unit),
                      baseline=float(baseline / step), start_us=start_us + skew_us,
                      missing=padding_mask(samples, padding))


def _frames(group: Dataset, channel_count: int, is_little_endian: bool) -> IntSamples:
    """(samples, channels) int32, as sent."""
    declared, count = int(group.get("NumberOfWaveformChannels") or 0), int(group.get("NumberOfWaveformSamples") or 0)
    if declared != channel_count or not 1 <= declared <= MAX_CHANNELS:
        raise Unreadable(f"{declared} channels are announced and {channel_count} described.", reason="dicom-channels")
    if count < 1 or count * declared > MAX_SAMPLES:
        raise Unreadable(f"{count} samples cannot be an ECG.", reason="dicom-samples")
    dtype = _dtype(group, is_little_endian)
    raw = group.get("WaveformData")
    if not isinstance(raw, bytes) or len(raw) < count * declared * dtype.itemsize:
        raise Unreadable("The waveform data is shorter than announced.", reason="dicom-data-short")
    frames = np.frombuffer(raw, dtype=dtype, count=count * declared).reshape(count, declared)
    if dtype == np.dtype("<u4") and frames.max() > 2**31 - 1:
        raise Unreadable("Samples do not fit 32 signed bits.", reason="dicom-samples")
    return frames.astype(np.int32)


def _dtype(group: Dataset, is_little_endian: bool) -> np.dtype[Any]:
    kind = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}.get(
        str(group.get("WaveformSampleInterpretation") or ""))
    if kind is None or int(group.get("WaveformBitsAllocated") or 0) != int(kind[1]) * 8:
        raise Unreadable("The sample interpretation is not one an ECG uses.", reason="dicom-sample-interpretation")
    return np.dtype(("<" if is_little_endian else ">") + kind)


def _padding(group: Dataset, is_little_endian: bool) -> int | None:
    value = group.get("WaveformPaddingValue")
    if isinstance(value, bytes):
        dtype = _dtype(group, is_little_endian)
        return int(np.frombuffer(value, dtype=dtype, count=1)[0]) if len(value) >= dtype.itemsize else None
    return int(value) if isinstance(value, int) else None


def padding_mask(samples: IntSamples, padding: int | None) -> NDArray[np.bool_] | None:
    """True where the lead is padded: runs at its ends, and only if the value never occurs inside.

    One maker declares 0 as padding and sends real zeros; a mask by value alone would cut holes into the trace.
    """
    if padding is None or not len(samples):
        return None
    is_value = samples != padding
    if not is_value.any():
        return np.ones(len(samples), dtype=np.bool_)
    first, last = int(is_value.argmax()), len(samples) - 1 - int(is_value[::-1].argmax())
    if not is_value[first:last + 1].all() or max(first, len(samples) - 1 - last) < MIN_PADDING_RUN:
        return None
    mask = np.zeros(len(samples), dtype=np.bool_)
    mask[:first], mask[last + 1:] = True, True
    return mask


def _within_bits_stored(samples: IntSamples, group: Dataset, channel: Dataset, name: str,
                        notes: list[str]) -> IntSamples:
    """Extend the sign where a cart leaves the bits above Bits Stored empty."""
    stored, allocated = int(channel.get("WaveformBitsStored") or 0), int(group.WaveformBitsAllocated)
    if not 2 <= stored < allocated or str(group.WaveformSampleInterpretation)[0] == "U":
        return samples
    half = 1 << (stored - 1)
    if samples.min() >= -half and samples.max() < half:
        return samples
    if samples.min() >= 0 and samples.max() < 2 * half:
        return (samples ^ half) - half
    notes.append(f"Lead {name} holds values beyond its {stored} bits; they are taken as they are.")
    return samples


def _name(channel: Dataset, column: int, text: DicomText) -> tuple[str, str]:
    sources = channel.get("ChannelSourceSequence") or ()
    code = str(sources[0].get("CodeValue") or "") if sources else ""
    meaning = text.of(sources[0], "CodeMeaning") if sources else ""
    label = text.of(channel, "ChannelLabel")
    name = lead_names.by_code(code) or lead_names.in_text(meaning) or lead_names.in_text(label)
    return name or meaning or label or f"channel {column + 1}", code


def _filters(group: Dataset) -> str:
    channel = (group.get("ChannelDefinitionSequence") or (Dataset(),))[0]
    values = [_decimal(channel.get(k)) for k in ("FilterLowFrequency", "FilterHighFrequency", "NotchFilterFrequency")]
    low, high, notch = (f"{v.normalize():f}" if v is not None and v > 0 else "" for v in values)
    return filter_text(low, high, notch)


def _recorded_at(ds: Dataset, time_zone: tzinfo) -> datetime | None:
    texts = [str(ds.get("AcquisitionDateTime") or "")]
    for what in ("Acquisition", "Content", "Study"):
        day, clock = ds.get(f"{what}Date"), ds.get(f"{what}Time")
        if day and clock:
            texts.append(f"{day}{clock}")
    return next((at for text in texts if (at := parse_time(text.replace(":", ""), time_zone))), None)


def _patient(ds: Dataset, text: DicomText) -> EcgPatient:
    name = text.person_name(ds, "PatientName")
    age = str(ds.get("PatientAge") or "")
    per_year = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}.get(age[-1:].upper())
    sex = str(ds.get("PatientSex") or "")
    return EcgPatient(patient_id=text.of(ds, "PatientID"), name=name.display, name_encoding=name.encoding,
                      is_name_guessed=name.confidence is Confidence.GUESSED, name_raw_hex=name.raw_hex,
                      sex=sex if sex in ("M", "F", "O") else "",
                      birth_date=parse_date(str(ds.get("PatientBirthDate") or "")),
                      age_years=int(age[:-1]) / per_year if per_year and age[:-1].isdigit() else None)


def _check_deflated(data: bytes) -> None:
    """A deflated data set may be a bomb: see how large it gets before pydicom unfolds it whole."""
    if DeflatedExplicitVRLittleEndian.encode("ascii") not in data[132:2048]:
        return
    end_of_meta = 144 + int.from_bytes(data[140:144], "little")        # (0002,0000) always comes first
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflater.decompress(data[end_of_meta:], _MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise Unreadable("The data set unfolds to more than any ECG.", reason="dicom-bomb")


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
