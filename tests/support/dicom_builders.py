"""Valid DICOM objects with small pixels of known grey values; a test states only what it is about.

Each builder returns the bytes of a Part 10 file. Text that a device would write wrongly is given as bytes, and
ends in the file exactly so.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
US_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
TWELVE_LEAD_ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
PRIVATE = "1.2.826.0.1.3680043.10.1234.5.1"
PHANTOM_STEPS = (0, 64, 128, 192)            # grey values of the phantom's four vertical bands, in 8 bits

SYNTAXES = {
    "implicit": ImplicitVRLittleEndian, "explicit": ExplicitVRLittleEndian, "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian, "rle": RLELossless, "jpeg 2000": JPEG2000Lossless,
    "htj2k": HTJ2KLossless,
}


@dataclass
class Patient:
    """Whose examination it is. A name or description may be bytes: then exactly these are in the file."""

    patient_id: str = "P0001"
    name: str | bytes = "Demo^One"
    birth_date: str = "19700102"
    sex: str = "M"
    character_set: bytes | None = None       # as written, e.g. b"GBK"; None: the element is absent


@dataclass
class StudyIds:
    """The UIDs of a study with one series."""

    study: str = field(default_factory=generate_uid)
    series: str = field(default_factory=generate_uid)


def phantom(rows: int = 64, columns: int = 64, *, scale: int = 1, dtype: Any = np.uint16) -> np.ndarray:
    """Four vertical bands of equal width with the grey values PHANTOM_STEPS times `scale`."""
    bands = np.repeat(np.array(PHANTOM_STEPS) * scale, columns // len(PHANTOM_STEPS))
    return np.tile(bands, (rows, 1)).astype(dtype)


def ct_slice(number: int = 1, *, ids: StudyIds | None = None, rows: int = 64, columns: int = 64,
             **more: Any) -> bytes:
    """A CT slice, 16 bits signed."""
    pixels = phantom(rows, columns, scale=8, dtype=np.int16) + np.int16(number)
    return _image(CT, "CT", pixels, ids, number, {
        "PixelSpacing": [0.5, 0.5], "SliceThickness": 5, "ImagePositionPatient": [0, 0, 5 * number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "RescaleIntercept": -1024, "RescaleSlope": 1,
        "WindowCenter": 40, "WindowWidth": 400, "BodyPartExamined": "CHEST", "SeriesDescription": "Chest 5mm",
        "FrameOfReferenceUID": "1.2.3.4"} | more)


def dx_image(*, ids: StudyIds | None = None, rows: int = 128, columns: int = 128, **more: Any) -> bytes:
    """A chest film, 12 bits in 16."""
    return _image(DX, "DX", phantom(rows, columns, scale=16), ids, 1, {
        "ImagerPixelSpacing": [0.14, 0.14], "BodyPartExamined": "CHEST", "ViewPosition": "PA",
        "BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096} | more)


def us_loop(*, ids: StudyIds | None = None, frames: int = 4, **more: Any) -> bytes:
    """An ultrasound loop, 8 bits, several frames."""
    pixels = np.stack([phantom(48, 64, dtype=np.uint8) + np.uint8(i) for i in range(frames)])
    return _image(US_MULTI_FRAME, "US", pixels, ids, 1, {"NumberOfFrames": frames, "FrameTime": 40} | more)


def secondary_capture(number: int = 1, *, ids: StudyIds | None = None, **more: Any) -> bytes:
    """A secondary capture image, 8 bits."""
    return _image(SECONDARY_CAPTURE, "OT", phantom(32, 32, dtype=np.uint8), ids, number, more)


def private_object(*, ids: StudyIds | None = None, **more: Any) -> bytes:
    """An object of a SOP class that nobody knows, with a private element."""
    ds = _base(PRIVATE, "OT", ids, 1, more)
    block = ds.private_block(0x0009, "DEMO MAKER", create=True)
    block.add_new(0x01, "OB", b"\0\1\2\3private")
    return _encode(ds, more)


def ecg_waveform(*, ids: StudyIds | None = None, samples: int = 500, **more: Any) -> bytes:
    """A 12-lead ECG: 500 Hz, 2.5 microvolts a count, a ramp in every lead."""
    ds = _base(TWELVE_LEAD_ECG, "ECG", ids, 1, more)
    ds.AcquisitionDateTime = "20260302080000"
    ds.AcquisitionContextSequence = Sequence([])
    names = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    codes = ["2:1", "2:2", "2:61", "2:62", "2:63", "2:64", "2:3", "2:4", "2:5", "2:6", "2:7", "2:8"]
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = len(names)
    group.NumberOfWaveformSamples = samples
    group.SamplingFrequency = 500
    group.ChannelDefinitionSequence = Sequence([
        _channel(name, code) for name, code in zip(names, codes, strict=True)])
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    counts = (np.arange(samples)[:, None] + 100 * np.arange(len(names))[None, :]).astype("<i2")
    group.add_new(0x54001010, "OW", counts.tobytes())
    if not more.get("without_waveform"):
        ds.WaveformSequence = Sequence([group])
    return _encode(ds, more)


def with_text(part10: bytes, tag: int, raw: bytes) -> bytes:
    """The same file (explicit VR little endian) with exactly these bytes as the value of one text element."""
    ds = dcmread(BytesIO(part10))
    marks, out = _Marks(), BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # what is wrong here is meant
        marks.put(ds, tag, raw)
        dcmwrite(out, ds, enforce_file_format=True)
    return marks.replaced(out.getvalue())


def dataset_of(part10: bytes) -> bytes:
    """The bytes of the data set behind the file meta information."""
    length = int.from_bytes(part10[140:144], "little")
    return part10[144 + length:]


def write_all(folder: Path, files: list[bytes]) -> list[Path]:
    """Write the files as 0001.dcm and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04d}.dcm" for number in range(1, len(files) + 1)]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return paths


def _image(sop_class: str, modality: str, pixels: np.ndarray, ids: StudyIds | None, number: int,
           more: dict[str, Any]) -> bytes:
    ds = _base(sop_class, modality, ids, number, more)
    bits = pixels.dtype.itemsize * 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, more.get("BitsStored", bits), more.get("HighBit", bits - 1)
    ds.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if bits == 16 else "OB"
    return _encode(ds, more)


def _base(sop_class: str, modality: str, ids: StudyIds | None, number: int, more: dict[str, Any]) -> Dataset:
    ids = ids or StudyIds()
    patient = more.get("patient") or Patient()
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = more.get("sop_instance_uid") or generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = ids.study, more.get("series_uid") or ids.series
    ds.Modality = modality
    ds.StudyDate, ds.StudyTime = "20260302", "080000"
    ds.AccessionNumber, ds.StudyID = "A0001", "1"
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.Manufacturer = "Demo"
    ds.PatientID, ds.PatientBirthDate, ds.PatientSex = patient.patient_id, patient.birth_date, patient.sex
    if isinstance(patient.name, str):
        ds.PatientName = patient.name
    for keyword, value in more.items():
        if keyword[:1].isupper():
            setattr(ds, keyword, value)
    return ds


class _Marks:
    """Text that pydicom must not encode: it writes a mark of the same length, which is then replaced by the bytes."""

    def __init__(self) -> None:
        self._raw: list[tuple[bytes, bytes]] = []

    def put(self, ds: Dataset, tag: int, raw: bytes) -> None:
        raw += b" " * (len(raw) % 2)
        mark, vr = "1" * len(raw), dictionary_VR(tag)
        ds.add_new(tag, vr, mark)
        header = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(raw))
        self._raw.append((header + mark.encode(), header + raw))

    def replaced(self, part10: bytes) -> bytes:
        for mark, raw in self._raw:
            assert part10.count(mark) == 1, "text as bytes needs explicit VR little endian"
            part10 = part10.replace(mark, raw)
        return part10


def _channel(name: str, code: str) -> Dataset:
    source = Dataset()
    source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = code, "MDC", f"Lead {name}"
    unit = Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
    channel = Dataset()
    channel.ChannelSourceSequence = Sequence([source])
    channel.ChannelSensitivity, channel.ChannelSensitivityUnitsSequence = 2.5, Sequence([unit])
    channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = 1, 0
    channel.WaveformBitsStored = 16
    return channel


def _encapsulate(ds: Dataset, syntax: UID) -> None:
    """Compress one frame without loss, and wrap it."""
    pixels = np.frombuffer(ds.PixelData, f"<{'i' if ds.PixelRepresentation else 'u'}{ds.BitsAllocated // 8}")
    pixels = pixels.reshape(ds.Rows, ds.Columns)
    if syntax == HTJ2KLossless:
        frame = imagecodecs.htj2k_encode(pixels, reversible=True)
    else:
        frame = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True)
    ds.PixelData = encapsulate([bytes(frame)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax


def _encode(ds: Dataset, more: dict[str, Any]) -> bytes:
    syntax = SYNTAXES[more.get("syntax", "explicit")]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax.is_encapsulated else syntax
    if syntax == RLELossless:
        ds.compress(syntax, generate_instance_uid=False)
    elif syntax.is_encapsulated:
        _encapsulate(ds, syntax)
    if syntax == ExplicitVRBigEndian and "PixelData" in ds and ds.BitsAllocated == 16:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    patient, marks, out = more.get("patient") or Patient(), _Marks(), BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # what is wrong here is meant
        if isinstance(patient.name, bytes):
            marks.put(ds, 0x00100010, patient.name)
        if patient.character_set is not None:
            marks.put(ds, 0x00080005, patient.character_set)
        dcmwrite(out, ds, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian,
                 enforce_file_format=True)
    return marks.replaced(out.getvalue())
