"""Images with pixels that a test knows: Part 10 files of films, CT slices and ultrasound clips."""

from __future__ import annotations

import io
from itertools import count
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)
from rle.utils import encode_pixel_data

_numbers = count(1)
ROOT = "1.2.826.0.1.3680043.10.78"


def grey_phantom(rows: int = 120, columns: int = 90) -> np.ndarray:
    """12 bits: a ramp with a bright square at rows 20…39, columns 30…59 and a dark one below it."""
    ramp = np.add.outer(np.arange(rows) * 3, np.arange(columns) * 5) + 400
    ramp[20:40, 30:60] = 3000
    ramp[60:80, 30:60] = 100
    return ramp.astype(np.uint16)


def image(pixels: np.ndarray, *, modality: str = "DX", syntax: str = ExplicitVRLittleEndian,
          **fields: Any) -> Dataset:
    """A data set around pixels of (rows, columns), (frames, rows, columns) or (…, 3) for colour."""
    n = next(_numbers)
    is_colour = pixels.shape[-1] == 3
    frames = pixels if pixels.ndim == (4 if is_colour else 3) else pixels[None]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = {"CT": CTImageStorage, "US": UltrasoundMultiFrameImageStorage}.get(
        modality, DigitalXRayImageStorageForPresentation)
    study = fields.pop("StudyInstanceUID", f"{ROOT}.{n}")
    ds.StudyInstanceUID = study
    ds.SeriesInstanceUID = fields.pop("SeriesInstanceUID", f"{study}.1")
    ds.SOPInstanceUID = fields.pop("SOPInstanceUID", f"{ROOT}.{n}.1.1")
    ds.PatientName, ds.PatientID, ds.PatientSex, ds.PatientBirthDate = "Demo^San=演示^三", f"P{n:05}", "M", "19700102"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260301", "093000", f"A{n:05}", "1"
    ds.StudyDescription, ds.SeriesDescription = "胸部正位", "PA"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.BodyPartExamined = modality, 1, 1, "CHEST"
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.SamplesPerPixel = 3 if is_colour else 1
    ds.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = 12 if pixels.dtype.itemsize == 2 else ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    if len(frames) > 1:
        ds.NumberOfFrames = len(frames)
    for keyword, value in fields.items():
        setattr(ds, keyword, value)
    encoded = [_encode(frame, syntax) for frame in frames]
    if encoded[0] is None:
        ds.PixelData = frames.astype(frames.dtype.newbyteorder("<")).tobytes() + b"\0" * (frames.nbytes % 2)
    else:
        ds.PixelData = encapsulate([data for data in encoded if data is not None])
        if is_colour and syntax == JPEGBaseline8Bit:
            ds.PhotometricInterpretation = "YBR_FULL_422"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    return ds


def part10(ds: Dataset) -> bytes:
    """The file's bytes."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def reader_of(data: bytes):
    """(start, length) → bytes, as an object store would read it."""
    return lambda start, length: data[start:start + length]


def _encode(frame: np.ndarray, syntax: str) -> bytes | None:
    if syntax == JPEGLosslessSV1:
        return bytes(imagecodecs.ljpeg_encode(frame, bitspersample=16 if frame.itemsize == 2 else 8))
    if syntax == JPEGLSLossless:
        return bytes(imagecodecs.jpegls_encode(frame))
    if syntax == JPEG2000Lossless:
        return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="J2K", reversible=True, level=0))
    if syntax == HTJ2KLossless:
        return bytes(imagecodecs.htj2k_encode(frame, reversible=True))
    if syntax == JPEGBaseline8Bit:
        return bytes(imagecodecs.jpeg8_encode(frame, level=90))
    if syntax == RLELossless:
        return bytes(encode_pixel_data(
            frame.tobytes(), byteorder="<", rows=frame.shape[0], columns=frame.shape[1], number_of_frames=1,
            samples_per_pixel=1 if frame.ndim == 2 else 3, bits_allocated=8 * frame.itemsize))
    return None
