"""The bytes that tell how a data set's text is written: its declaration, the patient's name, and the other text."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.charset import TextReader
from gateway.formats.dicom_dataset import ELEMENTS
from gateway.formats.dicom_elements import UNDEFINED_LENGTH, ByteSource, open_dataset, walk
from gateway.formats.part10 import read_file_meta

_TEXT_VRS = frozenset({"LO", "PN", "SH"})
_CHARACTER_SET, _PATIENT_NAME = 0x00080005, 0x00100010
_MAX_VALUE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """As they came."""

    declared: bytes
    patient_name: bytes
    sample: bytes                        # all text of the data set that the index reads

    def reader(self, device_codec: str | None = None) -> TextReader:
        """Reads text of this data set as receiving does."""
        return TextReader(self.declared, device_codec=device_codec, sample=self.sample)

    @property
    def is_telling(self) -> bool:
        """True if the name has bytes that plain ASCII does not."""
        return any(byte >= 0x80 or byte == 0x1B for byte in self.patient_name)


def read_text_evidence(source: ByteSource) -> TextEvidence:
    """Read it from a Part 10 file. Raises Unreadable."""
    meta = read_file_meta(source)
    elements, start, encoding = open_dataset(source, meta.dataset_start, meta.transfer_syntax_uid)
    raw: dict[int, bytes] = {}
    for element in walk(elements, start, encoding):
        is_text = ELEMENTS.get(element.tag) in _TEXT_VRS or element.tag == _CHARACTER_SET
        if is_text and element.length != UNDEFINED_LENGTH and element.tag not in raw:
            raw[element.tag] = elements.at(element.position, min(element.length, _MAX_VALUE_BYTES))
    sample = b" ".join(value for tag, value in raw.items() if tag != _CHARACTER_SET)
    return TextEvidence(raw.get(_CHARACTER_SET, b""), raw.get(_PATIENT_NAME, b""), sample)
