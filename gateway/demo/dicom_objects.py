"""The DICOM objects that the demo modalities send: DX, CT and 12-lead ECG, complete enough for a strict checker."""

from __future__ import annotations

import io
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from gateway.demo.chest_ct import PIXEL_SPACING_MM as CT_SPACING_MM
from gateway.demo.chest_ct import SLICE_THICKNESS_MM
from gateway.demo.chest_film import PIXEL_SPACING_MM as FILM_SPACING_MM
from gateway.demo.demo_patients import DemoPatient
from gateway.demo.ecg_generator import LEAD_NAMES, MICROVOLTS_PER_COUNT, SAMPLING_FREQUENCY_HZ, MadeEcg

DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
TWELVE_LEAD_ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
IMPLEMENTATION_UID = "2.25.302931746812657284130548791238455098721"

_MDC_LEADS = {"I": ("2:1", "Lead I"), "II": ("2:2", "Lead II"), "III": ("2:61", "Lead III"),
              "aVR": ("2:62", "aVR, augmented voltage, right"), "aVL": ("2:63", "aVL, augmented voltage, left"),
              "aVF": ("2:64", "aVF, augmented voltage, foot"),
              **{f"V{n}": (f"2:{n + 2}", f"Lead V{n}") for n in range(1, 7)}}
_MDC_MEASUREMENTS = {
    "heart_rate_bpm": ("2:16016", "Heart Rate", "/min", "per minute"),
    "pr_ms": ("2:15872", "PR Interval", "ms", "millisecond"),
    "qrs_ms": ("2:16156", "QRS Duration", "ms", "millisecond"),
    "qt_ms": ("2:16160", "QT Interval", "ms", "millisecond"),
    "qtc_ms": ("2:15876", "QTc Interval", "ms", "millisecond"),
    "qrs_axis_deg": ("2:16132", "QRS Axis", "deg", "degree"),
}


def part10(ds: FileDataset) -> bytes:
    """The object as a DICOM file."""
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def chest_film_object(patient: DemoPatient, pixels: NDArray[np.uint16], *, at: datetime, station: str,
                      institution: str, accession_number: str, is_emergency: bool,
                      character_set: str = "GB18030") -> FileDataset:
    """A DX image, 12 bits, with its pixel spacing at the detector."""
    ds = _object(DX_FOR_PRESENTATION, patient, "DX", at=at, station=station, institution=institution,
                 accession_number=accession_number, description="胸部正位", character_set=character_set)
    if is_emergency:
        ds.RequestedProcedurePriority = "STAT"
    _image(ds, pixels, stored_bits=12, is_signed=False)
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "YES"
    ds.WindowCenter, ds.WindowWidth = "2000", "3700"
    ds.ImagerPixelSpacing = [f"{FILM_SPACING_MM}", f"{FILM_SPACING_MM}"]
    ds.PixelSpacing = [f"{FILM_SPACING_MM}", f"{FILM_SPACING_MM}"]
    ds.PixelSpacingCalibrationType = "GEOMETRY"
    ds.PixelSpacingCalibrationDescription = "at the detector"
    ds.BodyPartExamined, ds.ViewPosition, ds.ImageLaterality = "CHEST", "PA", "U"
    ds.PositionerType = ""
    ds.PatientOrientation = ["L", "F"]
    ds.AnatomicRegionSequence = Sequence([_code("51185008", "SCT", "Chest")])
    ds.ViewCodeSequence = Sequence([_code("272479007", "SCT", "Postero-anterior")])
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([])
    ds.DetectorType = "DIRECT"
    ds.DetectorConfiguration = "AREA"
    ds.KVP, ds.ExposureInuAs = "120", 2500
    ds.AcquisitionContextSequence = Sequence([])
    return ds


def chest_ct_objects(patient: DemoPatient, slices: list[NDArray[np.int16]], *, at: datetime, station: str,
                     institution: str, accession_number: str, character_set: str = "ISO_IR 192") -> list[FileDataset]:
    """One CT series in Hounsfield units, from head to foot; the study says how many instances it holds."""
    study_uid, series_uid, frame_uid = generate_uid(), generate_uid(), generate_uid()
    objects = []
    for number, hu in enumerate(slices, start=1):
        ds = _object(CT_IMAGE, patient, "CT", at=at, station=station, institution=institution,
                     accession_number=accession_number, description="胸部CT平扫", character_set=character_set)
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.InstanceNumber = study_uid, series_uid, str(number)
        ds.FrameOfReferenceUID = frame_uid
        ds.PositionReferenceIndicator = ""
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        _image(ds, (hu.astype(np.int32) + 1024).astype(np.uint16), stored_bits=12, is_signed=False)
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
        ds.WindowCenter, ds.WindowWidth = ["-600", "40"], ["1500", "400"]
        ds.WindowCenterWidthExplanation = ["LUNG", "MEDIASTINUM"]
        z = -number * SLICE_THICKNESS_MM
        half = hu.shape[0] / 2 * CT_SPACING_MM
        ds.PixelSpacing = [f"{CT_SPACING_MM}", f"{CT_SPACING_MM}"]
        ds.SliceThickness, ds.SpacingBetweenSlices = f"{SLICE_THICKNESS_MM}", f"{SLICE_THICKNESS_MM}"
        ds.ImagePositionPatient = [f"{-half:.3f}", f"{-half:.3f}", f"{z:.3f}"]
        ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        ds.SliceLocation = f"{z:.3f}"
        ds.PatientPosition, ds.BodyPartExamined, ds.KVP = "HFS", "CHEST", "120"
        ds.AcquisitionNumber = "1"
        ds.NumberOfStudyRelatedInstances = str(len(slices))
        ds.BurnedInAnnotation = "YES"
        objects.append(ds)
    return objects


def ecg_object(patient: DemoPatient, ecg: MadeEcg, *, at: datetime, station: str, institution: str,
               accession_number: str) -> FileDataset:
    """A 12-lead ECG waveform object with the cart's measurements and statements as annotations."""
    ds = _object(TWELVE_LEAD_ECG, patient, "ECG", at=at, station=station, institution=institution,
                 accession_number=accession_number, description="十二导联心电图", character_set="ISO_IR 192")
    ds.AcquisitionDateTime = at.strftime("%Y%m%d%H%M%S")
    ds.AcquisitionContextSequence = Sequence([])
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = len(LEAD_NAMES)
    group.NumberOfWaveformSamples = len(ecg.counts["I"])
    group.SamplingFrequency = str(SAMPLING_FREQUENCY_HZ)
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = Sequence([_channel(name) for name in LEAD_NAMES])
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.add_new(0x54001010, "OW", np.stack([ecg.counts[n] for n in LEAD_NAMES], axis=1).astype("<i2").tobytes())
    ds.WaveformSequence = Sequence([group])
    ds.WaveformAnnotationSequence = Sequence([
        *(_statement(text) for text in ecg.statements),
        *(_measurement(key, value) for key, value in ecg.measurements.items())])
    return ds


def _object(sop_class_uid: str, patient: DemoPatient, modality: str, *, at: datetime, station: str, institution: str,
            accession_number: str, description: str, character_set: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class_uid), generate_uid()
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, UID(IMPLEMENTATION_UID)
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = character_set
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class_uid, meta.MediaStorageSOPInstanceUID
    day, clock = at.strftime("%Y%m%d"), at.strftime("%H%M%S")
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = day
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = clock
    if modality != "ECG":
        ds.AcquisitionDate, ds.AcquisitionTime = day, clock
    ds.AccessionNumber, ds.Modality = accession_number, modality
    ds.Manufacturer, ds.ManufacturerModelName = "DEMO", "Phantom"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "DEMO-1", "1"
    ds.InstitutionName, ds.StationName = institution, station
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = ds.SeriesDescription = description
    ds.PatientName, ds.PatientID, ds.IssuerOfPatientID = patient.dicom_name, patient.patient_id, patient.site_id
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = patient.birth_date, patient.sex, patient.age
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "1", "1", "1"
    return ds


def _image(ds: Dataset, pixels: NDArray[np.uint16], *, stored_bits: int, is_signed: bool) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, stored_bits, stored_bits - 1
    ds.PixelRepresentation = int(is_signed)
    ds.add_new(0x7FE00010, "OW", pixels.astype("<u2").tobytes())


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _channel(name: str) -> Dataset:
    channel = Dataset()
    channel.ChannelLabel = name
    channel.ChannelSourceSequence = Sequence([_code(_MDC_LEADS[name][0], "MDC", _MDC_LEADS[name][1])])
    channel.ChannelSensitivity = str(MICROVOLTS_PER_COUNT)
    channel.ChannelSensitivityUnitsSequence = Sequence([_code("uV", "UCUM", "microvolt")])
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline = "0"
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    channel.FilterLowFrequency, channel.FilterHighFrequency, channel.NotchFilterFrequency = "0.05", "150", "50"
    return channel


def _statement(text: str) -> Dataset:
    item = Dataset()
    item.ReferencedWaveformChannels = [1, 0]           # of the first group, all channels
    item.UnformattedTextValue = text
    item.AnnotationGroupNumber = 0
    return item


def _measurement(key: str, value: float) -> Dataset:
    code, meaning, unit, unit_meaning = _MDC_MEASUREMENTS[key]
    item = Dataset()
    item.ReferencedWaveformChannels = [1, 0]
    item.MeasurementUnitsCodeSequence = Sequence([_code(unit, "UCUM", unit_meaning)])
    item.ConceptNameCodeSequence = Sequence([_code(code, "MDC", meaning)])
    item.NumericValue = f"{value:g}"
    item.AnnotationGroupNumber = 1
    return item
