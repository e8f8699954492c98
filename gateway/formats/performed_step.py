"""Read what a modality tells of a performed procedure step (PS3.4 tables F.7.2-1 and F.7.2-2).

Devices differ in what they fill in; what we work with is asked for, the rest is kept as it was told. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gateway.core.identifiers import InvalidUid, Uid
from gateway.formats.dicom_text import DicomText
from storage.model.commitments import StepState

# Type 1 on creation; without them a step cannot be told from another, or belongs to nothing.
_REQUIRED = ("PerformedProcedureStepID", "PerformedStationAETitle", "PerformedProcedureStepStartDate",
             "PerformedProcedureStepStartTime", "PerformedProcedureStepStatus", "Modality",
             "ScheduledStepAttributesSequence")
_TEXT = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
_BYTES = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"))
_IMAGES = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")


class MissingAttribute(ValueError):
    """An attribute that has to be there is not (0120)."""


class MissingValue(ValueError):
    """An attribute that has to have a value has none (0121)."""


class InvalidValue(ValueError):
    """A value that the standard does not allow here (0106)."""


@dataclass(frozen=True, slots=True)
class ScheduledStep:
    """What the step was planned as: one item of the Scheduled Step Attributes Sequence."""

    study_instance_uid: str
    accession_number: str
    scheduled_step_id: str


@dataclass(frozen=True, slots=True)
class StepTold:
    """One N-CREATE or N-SET. None: it says nothing of that."""

    state: StepState | None
    scheduled: tuple[ScheduledStep, ...] | None
    patient_id: str
    sop_instance_uids: tuple[str, ...] | None    # everything that was made, as far as it is told
    attributes: dict[str, Any]                   # DICOM JSON


def read_creation(ds: Dataset) -> StepTold:
    """N-CREATE. Raises MissingAttribute, MissingValue, InvalidValue."""
    for keyword in _REQUIRED:
        if keyword not in ds:
            raise MissingAttribute(keyword)
        if not ds.get(keyword):
            raise MissingValue(keyword)
    told = read_change(ds)
    if told.state is not StepState.IN_PROGRESS:
        raise InvalidValue("PerformedProcedureStepStatus")
    return told


def read_change(ds: Dataset) -> StepTold:
    """N-SET. Raises MissingAttribute, MissingValue, InvalidValue."""
    text = DicomText(ds)
    return StepTold(_state(ds), _scheduled(ds, text), text.of(ds, "PatientID").strip(), _made(ds),
                    to_json(ds, text))


def to_json(ds: Dataset, text: DicomText) -> dict[str, Any]:
    """DICOM JSON (PS3.18 F.2) with text decoded as the whole product decodes it; what is no value is left out."""
    found: dict[str, Any] = {}
    for tag in sorted(ds.keys()):
        keyword = keyword_for_tag(tag)
        vr = dictionary_VR(tag) if keyword else ""
        if not vr or vr in _BYTES:
            continue                                     # private, or no value that anybody reads
        value: dict[str, Any] = {"vr": vr}
        found[f"{tag:08X}"] = value
        if vr in _TEXT:                                  # before pydicom decodes it, in its own way
            plain = text.of(ds, keyword)
            values = [{"Alphabetic": plain} if vr == "PN" else plain] if plain else []
        else:
            values = _values(ds, tag, text)
        if values:
            value["Value"] = values
    return found


def _values(ds: Dataset, tag: BaseTag, text: DicomText) -> list[Any]:
    """A value that cannot be read is not worth the step."""
    try:
        element = ds[tag]
        if element.VR == "SQ":
            return [to_json(item, text) for item in element.value]
        return [str(one) for one in (element.value if element.VM > 1 else [element.value]) if one not in (None, "")]
    except (ValueError, TypeError, LookupError, NotImplementedError, AttributeError):
        return []


def _state(ds: Dataset) -> StepState | None:
    if "PerformedProcedureStepStatus" not in ds:
        return None
    try:
        return StepState(str(ds.PerformedProcedureStepStatus or "").strip())
    except ValueError as exc:
        raise InvalidValue("PerformedProcedureStepStatus") from exc


def _scheduled(ds: Dataset, text: DicomText) -> tuple[ScheduledStep, ...] | None:
    if "ScheduledStepAttributesSequence" not in ds:
        return None
    found = []
    for item in ds.ScheduledStepAttributesSequence:
        if "StudyInstanceUID" not in item:
            raise MissingAttribute("StudyInstanceUID")
        if not item.StudyInstanceUID:
            raise MissingValue("StudyInstanceUID")
        found.append(ScheduledStep(_uid(item.StudyInstanceUID), text.of(item, "AccessionNumber").strip(),
                                   text.of(item, "ScheduledProcedureStepID").strip()))
    return tuple(found)


def _made(ds: Dataset) -> tuple[str, ...] | None:
    if "PerformedSeriesSequence" not in ds:
        return None
    found: dict[str, None] = {}
    for series in ds.PerformedSeriesSequence or ():
        for keyword in _IMAGES:
            for item in series.get(keyword) or ():
                if item.get("ReferencedSOPInstanceUID"):
                    found[_uid(item.ReferencedSOPInstanceUID)] = None
    return tuple(found)


def _uid(value: object) -> str:
    try:
        return Uid.parse(str(value)).value
    except InvalidUid as exc:
        raise InvalidValue("UID") from exc
