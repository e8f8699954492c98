"""Check that a record can be written as a data set: what one system sends must not break what others are sent.

A workitem keeps what others set and shows it to everybody who searches. A value that its VR does not allow would be
found out while answering somebody else, so it is refused at the door. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from pydicom import Dataset, config
from pydicom.datadict import dictionary_VR
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.valuerep import validate_value

MOST_BYTES = 1 << 18
_STUMBLES = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError, RecursionError,
             struct.error)
"""What pydicom raises when a value makes it stumble."""
_NAMES = frozenset({"Alphabetic", "Ideographic", "Phonetic"})


def fault_of(record: Mapping[str, Any]) -> str:
    """What is wrong with a DICOM JSON record, in ASCII; "" if it can be written by whatever transfer syntax."""
    wrong = _misshapen(record)
    if wrong:
        return wrong
    try:
        dataset = Dataset.from_json(dict(record))
        dataset.SpecificCharacterSet = "ISO_IR 192"
        for is_implicit in (True, False):
            out = DicomBytesIO()
            out.is_implicit_VR, out.is_little_endian = is_implicit, True
            write_dataset(out, dataset)
            if out.tell() > MOST_BYTES:
                return "The data set is too large."
    except _STUMBLES as exc:
        return f"A value cannot be written: {type(exc).__name__}."
    return ""


def _misshapen(record: Mapping[str, Any]) -> str:
    """Sequences hold items, names their groups, and known attributes have their own VR."""
    for tag, element in record.items():
        if not isinstance(element, Mapping) or not isinstance(element.get("Value", []), list):
            return f"{tag[:8]} is no attribute."
        vr, values = element.get("vr"), element.get("Value", [])
        if not isinstance(vr, str) or vr not in _vrs(tag, vr):
            return f"{tag[:8]} has another VR."
        for value in values:
            if vr == "SQ":
                wrong = _misshapen(value) if isinstance(value, Mapping) else f"{tag} has something that is no item."
                if wrong:
                    return wrong
            elif vr == "PN":
                if not isinstance(value, Mapping) or not set(value) <= _NAMES \
                        or not all(isinstance(group, str) for group in value.values()):
                    return f"{tag} has something that is no name."
            elif not isinstance(value, str | int | float) or not _is_allowed(vr, value):
                return f"{tag} has something that is no {vr}."
    return ""


def _is_allowed(vr: str, value: str | int | float) -> bool:
    """What pydicom itself only warns of."""
    if vr in ("DS", "IS") and not isinstance(value, str):
        return True                                  # DICOM JSON writes numbers as numbers
    try:
        validate_value(vr, value, config.RAISE)
    except (ValueError, TypeError):
        return False
    return True


def _vrs(tag: str, given: Any) -> tuple[Any, ...]:
    try:
        return tuple(dictionary_VR(int(tag, 16)).split(" or "))
    except (KeyError, ValueError):
        return (given,)                              # private, or newer than our dictionary
