"""The attributes that a query on the DICOM port can ask for, by level (PS3.4 C.6.1.1, C.6.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum


class Level(IntEnum):
    """Query/Retrieve Level (0008,0052), from the top."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    IMAGE = 3


class Root(Enum):
    """The information model: its highest level, and its SOP classes for C-FIND, C-MOVE and C-GET."""

    PATIENT = (Level.PATIENT, "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.1.2",
               "1.2.840.10008.5.1.4.1.2.1.3")
    STUDY = (Level.STUDY, "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2",
             "1.2.840.10008.5.1.4.1.2.2.3")

    @property
    def top(self) -> Level:
        return self.value[0]

    @property
    def sop_class_uids(self) -> tuple[str, str, str]:
        return self.value[1:]


FIND_SOP_CLASSES = tuple(root.sop_class_uids[0] for root in Root)
MOVE_SOP_CLASSES = tuple(root.sop_class_uids[1] for root in Root)
GET_SOP_CLASSES = tuple(root.sop_class_uids[2] for root in Root)


def root_of(sop_class_uid: str) -> Root:
    """The information model that a SOP class belongs to."""
    return next(root for root in Root if sop_class_uid in root.sop_class_uids)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: where it belongs. `is_counted` ones are answered, never matched."""

    keyword: str
    vr: str
    level: Level
    is_counted: bool = False


CHARACTER_SET, QUERY_LEVEL, RETRIEVE_AE_TITLE, AVAILABILITY = 0x00080005, 0x00080052, 0x00080054, 0x00080056
PATIENT_ID, PATIENT_NAME, BIRTH_DATE, SEX = 0x00100020, 0x00100010, 0x00100030, 0x00100040
STUDY_UID, STUDY_DATE, STUDY_TIME, ACCESSION_NUMBER = 0x0020000D, 0x00080020, 0x00080030, 0x00080050
STUDY_DESCRIPTION, MODALITIES, SOP_CLASSES = 0x00081030, 0x00080061, 0x00080062
SERIES_UID, SERIES_NUMBER, MODALITY, SERIES_DESCRIPTION, BODY_PART = (0x0020000E, 0x00200011, 0x00080060, 0x0008103E,
                                                                      0x00180015)
SOP_INSTANCE_UID, SOP_CLASS_UID, INSTANCE_NUMBER = 0x00080018, 0x00080016, 0x00200013
ROWS, COLUMNS, FRAMES = 0x00280010, 0x00280011, 0x00280008
PATIENT_STUDIES, PATIENT_SERIES, PATIENT_INSTANCES = 0x00201200, 0x00201202, 0x00201204
STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES = 0x00201206, 0x00201208, 0x00201209
TRANSFER_SYNTAX = 0x00083002

UNIQUE_KEYS: Mapping[Level, int] = {Level.PATIENT: PATIENT_ID, Level.STUDY: STUDY_UID, Level.SERIES: SERIES_UID,
                                    Level.IMAGE: SOP_INSTANCE_UID}
NOT_MATCHED = frozenset((CHARACTER_SET, QUERY_LEVEL, RETRIEVE_AE_TITLE, AVAILABILITY, 0x00080201))


def _table(level: Level, *rows: tuple[int, str, str]) -> dict[int, Attribute]:
    return {tag: Attribute(keyword, vr, level, keyword.startswith("NumberOf") and "Frames" not in keyword)
            for tag, keyword, vr in rows}


ATTRIBUTES: Mapping[int, Attribute] = {
    **_table(Level.PATIENT,
             (PATIENT_NAME, "PatientName", "PN"), (PATIENT_ID, "PatientID", "LO"),
             (0x00100021, "IssuerOfPatientID", "LO"), (BIRTH_DATE, "PatientBirthDate", "DA"),
             (SEX, "PatientSex", "CS"), (PATIENT_STUDIES, "NumberOfPatientRelatedStudies", "IS"),
             (PATIENT_SERIES, "NumberOfPatientRelatedSeries", "IS"),
             (PATIENT_INSTANCES, "NumberOfPatientRelatedInstances", "IS")),
    **_table(Level.STUDY,
             (STUDY_DATE, "StudyDate", "DA"), (STUDY_TIME, "StudyTime", "TM"),
             (ACCESSION_NUMBER, "AccessionNumber", "SH"),
             (STUDY_UID, "StudyInstanceUID", "UI"), (0x00200010, "StudyID", "SH"),
             (MODALITIES, "ModalitiesInStudy", "CS"), (SOP_CLASSES, "SOPClassesInStudy", "UI"),
             (STUDY_DESCRIPTION, "StudyDescription", "LO"), (0x00080090, "ReferringPhysicianName", "PN"),
             (0x00101010, "PatientAge", "AS"), (0x00080201, "TimezoneOffsetFromUTC", "SH"),
             (STUDY_SERIES, "NumberOfStudyRelatedSeries", "IS"),
             (STUDY_INSTANCES, "NumberOfStudyRelatedInstances", "IS")),
    **_table(Level.SERIES,
             (MODALITY, "Modality", "CS"), (SERIES_UID, "SeriesInstanceUID", "UI"),
             (SERIES_NUMBER, "SeriesNumber", "IS"),
             (SERIES_DESCRIPTION, "SeriesDescription", "LO"), (BODY_PART, "BodyPartExamined", "CS"),
             (0x00080021, "SeriesDate", "DA"), (0x00080031, "SeriesTime", "TM"), (0x00200060, "Laterality", "CS"),
             (0x00080070, "Manufacturer", "LO"), (0x00080080, "InstitutionName", "LO"),
             (0x00081010, "StationName", "SH"), (0x00081090, "ManufacturerModelName", "LO"),
             (0x00181030, "ProtocolName", "LO"), (0x00185100, "PatientPosition", "CS"),
             (0x00400244, "PerformedProcedureStepStartDate", "DA"),
             (0x00400245, "PerformedProcedureStepStartTime", "TM"),
             (0x00400254, "PerformedProcedureStepDescription", "LO"),
             (SERIES_INSTANCES, "NumberOfSeriesRelatedInstances", "IS")),
    **_table(Level.IMAGE,
             (SOP_INSTANCE_UID, "SOPInstanceUID", "UI"), (SOP_CLASS_UID, "SOPClassUID", "UI"),
             (INSTANCE_NUMBER, "InstanceNumber", "IS"), (0x00080008, "ImageType", "CS"),
             (0x00080022, "AcquisitionDate", "DA"), (0x00080023, "ContentDate", "DA"),
             (0x00080032, "AcquisitionTime", "TM"), (0x00080033, "ContentTime", "TM"),
             (0x0008002A, "AcquisitionDateTime", "DT"), (0x00200012, "AcquisitionNumber", "IS"),
             (FRAMES, "NumberOfFrames", "IS"), (ROWS, "Rows", "US"), (COLUMNS, "Columns", "US"),
             (0x00280100, "BitsAllocated", "US"), (0x00280101, "BitsStored", "US"),
             (0x00280004, "PhotometricInterpretation", "CS"), (0x00280002, "SamplesPerPixel", "US"),
             (0x00282110, "LossyImageCompression", "CS"), (TRANSFER_SYNTAX, "AvailableTransferSyntaxUID", "UI"),
             (0x00200052, "FrameOfReferenceUID", "UI"), (0x00200020, "PatientOrientation", "CS"),
             (0x00200032, "ImagePositionPatient", "DS"), (0x00200037, "ImageOrientationPatient", "DS"),
             (0x00201041, "SliceLocation", "DS"), (0x00180050, "SliceThickness", "DS"),
             (0x00280030, "PixelSpacing", "DS"), (0x00281050, "WindowCenter", "DS"),
             (0x00281051, "WindowWidth", "DS")),
}
"""What we answer and, but for counts, match; whatever else a query names comes back empty (with status FF01)."""
