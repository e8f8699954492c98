"""Wrap the signed PDF as DICOM: Encapsulated PDF Storage (PS3.3 A.45.1), in the study that it reports on.

The clinic's PACS then shows the report beside the images. The PDF goes in byte for byte, so its signature stays
valid. The SOP Instance UID belongs to the report version: sending it again is the same object, not a second report.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian

from gateway.core.report import derived_uid
from storage.model import Study

_IMPLEMENTATION_CLASS_UID = UID(derived_uid("reading-gateway", "implementation"))
_MANUFACTURER = "Reading Gateway"
SERIES_NUMBER, SERIES_DESCRIPTION = 9000, "远程诊断报告"


def report_uid(report_id: str) -> str:
    """The SOP Instance UID of a report version."""
    return derived_uid("report", report_id)


def report_series_uid(reading_id: str) -> str:
    """The Series Instance UID of all report versions of a reading."""
    return derived_uid("report-series", reading_id)


def encapsulate(pdf: bytes, *, study: Study, report_id: str, reading_id: str, version: int, title: str,
                signed_at: datetime, zone: tzinfo, centre_name: str, software_version: str = "") -> bytes:
    """Return a Part 10 file. The same arguments give the same bytes.

    Parameters
    ----------
    title
        Document Title: what the PDF itself says it is.
    signed_at
        Content Date and Time, in the local time of `zone`.
    """
    local = signed_at.astimezone(zone)
    day, clock = local.strftime("%Y%m%d"), local.strftime("%H%M%S")
    patient = study.patient
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.InstanceCreationDate, data.InstanceCreationTime = day, clock
    data.SOPClassUID = EncapsulatedPDFStorage
    data.SOPInstanceUID = report_uid(report_id)
    if study.study_at is not None:
        made = study.study_at.astimezone(zone)
        data.StudyDate, data.StudyTime = made.strftime("%Y%m%d"), made.strftime("%H%M%S")
    else:
        data.StudyDate = data.StudyTime = None
    data.SeriesDate, data.SeriesTime = day, clock
    data.ContentDate, data.ContentTime = day, clock
    data.AcquisitionDateTime = None
    data.AccessionNumber = study.accession_number[:16]
    data.Modality = "DOC"
    data.ConversionType = "WSD"
    data.Manufacturer = _MANUFACTURER
    data.InstitutionName = centre_name[:64]
    data.ReferringPhysicianName = None
    data.TimezoneOffsetFromUTC = local.strftime("%z")
    if study.description:
        data.StudyDescription = study.description[:64]
    data.SeriesDescription = SERIES_DESCRIPTION
    data.ManufacturerModelName = _MANUFACTURER
    data.PatientName = _person_name(study)
    data.PatientID = patient.patient_id[:64]
    data.PatientBirthDate = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else None
    data.PatientSex = patient.sex if patient.sex in ("M", "F", "O") else None
    data.DeviceSerialNumber = "1"
    data.SoftwareVersions = software_version or _MANUFACTURER
    data.StudyInstanceUID = study.study_instance_uid
    data.SeriesInstanceUID = report_series_uid(reading_id)
    data.StudyID = ""
    data.SeriesNumber = SERIES_NUMBER
    data.InstanceNumber = version
    data.BurnedInAnnotation = "YES"          # the page shows who the patient is
    data.DocumentTitle = title[:1024]
    data.ConceptNameCodeSequence = Sequence([_code("18748-4", "LN", "Diagnostic imaging report")])
    data.MIMETypeOfEncapsulatedDocument = "application/pdf"
    data.EncapsulatedDocumentLength = len(pdf)
    data.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)   # OB has even length; the real one stands above
    return _part10(data)


def _person_name(study: Study) -> str:
    name = study.patient.name
    if name.ideographic and name.alphabetic:
        return f"{name.alphabetic}={name.ideographic}"
    return name.alphabetic or (f"={name.ideographic}" if name.ideographic else name.display)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _part10(data: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION_CLASS_UID
    data.file_meta = meta
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()
