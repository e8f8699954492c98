"""A copy of a DICOM object under another SOP Instance UID, which says what it was called before (PS3.3 C.12.1.1.9).

For an object that came under a UID which is another object's: DICOM allows a UID once, so it can only be taken in
under one of its own. Everything else goes over as it came. Pure; the bytes that came are not touched.
"""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.uid import UID

from gateway.core.errors import Unreadable
from gateway.formats.part10 import IMPLEMENTATION_VERSION_NAME


def renamed_copy(part10: bytes, *, sop_instance_uid: str, at: datetime) -> bytes:
    """The object under this SOP Instance UID, in its own transfer syntax. Raises Unreadable.

    The UID it came under is kept in Original Attributes Sequence (0400,0561), after whatever stands there already.
    Objects that refer to it by that UID refer to the other object, as they did on arrival.
    """
    try:
        dataset = dcmread(BytesIO(part10))
        before = Dataset()
        before.SOPInstanceUID = dataset.SOPInstanceUID
        note = Dataset()
        note.ModifiedAttributesSequence = Sequence([before])
        note.AttributeModificationDateTime = f"{at:%Y%m%d%H%M%S%z}"
        note.ModifyingSystem = IMPLEMENTATION_VERSION_NAME
        note.SourceOfPreviousValues = ""
        note.ReasonForTheAttributeModification = "CORRECT"
        dataset.OriginalAttributesSequence = Sequence([*dataset.get("OriginalAttributesSequence", ()), note])
        dataset.SOPInstanceUID = UID(sop_instance_uid)
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
        written = BytesIO()
        dataset.save_as(written, enforce_file_format=True)
    except (InvalidDicomError, AttributeError, ValueError, TypeError, KeyError, EOFError, OSError) as exc:
        raise Unreadable(f"No copy can be made of it: {exc}", reason="not-dicom") from exc
    return written.getvalue()
