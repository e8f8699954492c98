"""Who stood at the device: Operators' Name (0008,1070) of one object, for figures of quality by person (D6).

Read when somebody grades, not on arrival: nothing else asks for it.
"""

from __future__ import annotations

from gateway.core.charset import TextReader
from gateway.formats.dicom_elements import ByteSource, open_dataset, pick
from gateway.formats.part10 import read_file_meta

_CHARACTER_SET, _OPERATORS = 0x00080005, 0x00081070
_MAX_VALUE_BYTES = 1024
_LONGEST = 64


def read_operator_name(source: ByteSource, *, device_codec: str | None = None) -> str:
    """The first of the names as people read it, "" if the object names nobody. Raises Unreadable."""
    meta = read_file_meta(source)
    elements, start, encoding = open_dataset(source, meta.dataset_start, meta.transfer_syntax_uid)
    raw = pick(elements, start, encoding, frozenset((_CHARACTER_SET, _OPERATORS)), most_bytes=_MAX_VALUE_BYTES)
    value = raw.get(_OPERATORS, b"")
    if not value.strip(b"\0 "):
        return ""
    name = TextReader(raw.get(_CHARACTER_SET, b""), device_codec=device_codec, sample=value).person_name(value)
    return name.display[:_LONGEST]
