"""The text elements of one DICOM object, decoded by gateway/core/charset from the bytes as they came.

pydicom's own decoding trusts (0008,0005); Chinese carts often leave it out or get it wrong, also inside sequences.
"""

from __future__ import annotations

from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gateway.core.charset import TextReader
from storage.model import PatientName

_EVIDENCE = ("PatientName", "InstitutionName", "StudyDescription", "InstitutionalDepartmentName")


class DicomText:
    """Reads text anywhere in one object, with one opinion about its character set."""

    def __init__(self, ds: Dataset) -> None:
        evidence = [_raw(ds, keyword) for keyword in _EVIDENCE]
        evidence += [_raw(item, "UnformattedTextValue") for item in ds.get("WaveformAnnotationSequence") or ()]
        self._reader = TextReader(_raw(ds, "SpecificCharacterSet"), sample=b" ".join(evidence))

    def of(self, ds: Dataset, keyword: str) -> str:
        """One element as display text, "" if absent."""
        return self._reader.decode(_raw(ds, keyword)).text

    def person_name(self, ds: Dataset, keyword: str) -> PatientName:
        """A name with its component groups, and how sure we are of it."""
        return self._reader.person_name(_raw(ds, keyword))


def _raw(ds: Dataset, keyword: str) -> bytes:
    """The bytes as received; encoded back where pydicom has already turned them into text."""
    tag = tag_for_keyword(keyword)
    element: Any = ds.get_item(BaseTag(tag)) if tag is not None and tag in ds else None
    if element is None:
        return b""
    value = element.value
    if isinstance(element, RawDataElement) or isinstance(value, bytes):
        return bytes(value or b"")
    return str(value).encode("utf-8") if value is not None else b""
