"""Workitems as data sets: what peers send becomes DICOM JSON, our answers are in their character set (C5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode

from gateway.core.answer_text import GB2312_BY_ESCAPE, LATIN_LETTERS, encode_for
from gateway.core.charset import python_codec
from gateway.core.errors import Unreadable
from gateway.core.workitem_query import WorkitemKey, key_of
from gateway.core.workitem_record import Json

_TEXT_VRS = frozenset(("LO", "SH", "LT", "ST", "UT", "UC"))
_CHINESE = frozenset(("ISO_IR 192", "GB18030", "GBK", GB2312_BY_ESCAPE))


def record_from(dataset: Dataset | None) -> Json:
    """A data set as DICOM JSON, text decoded. Raises Unreadable."""
    if dataset is None:
        return {}
    try:
        dataset.decode()
        found: Json = _plain(dataset.to_json_dict())
    except (ValueError, TypeError, KeyError, AttributeError, LookupError, NotImplementedError, RecursionError) as exc:
        raise Unreadable("The data set cannot be understood.", reason="dataset") from exc
    return {tag: element for tag, element in found.items() if tag[4:] != "0000"}


def dataset_from(record: Mapping[str, Any], character_set: str) -> Dataset:
    """A record to be sent, in this character set; without Chinese in it, names and text are spelled in pinyin."""
    dataset = Dataset.from_json(dict(_written(record, character_set)))
    if any(tag != "00080005" for tag in record):
        dataset.SpecificCharacterSet = (["", "ISO 2022 IR 58"] if character_set == GB2312_BY_ESCAPE
                                        else character_set)
    return dataset


def read_keys(data: bytes, transfer_syntax_uid: str) -> tuple[list[WorkitemKey], dict[str, str], str]:
    """Matching keys of a C-FIND identifier, the VR of each attribute that is asked for, and its character set.

    Raises Unreadable, BadQuery.
    """
    syntax = UID(transfer_syntax_uid)
    try:
        dataset = decode(BytesIO(data), syntax.is_implicit_VR, syntax.is_little_endian)
        dataset.decode()
        keys = list(_keys(dataset, ()))
        asked = {f"{element.tag:08X}": element.VR for element in dataset if element.tag & 0xFFFF}
        said = dataset.get("SpecificCharacterSet") or ""
    except (ValueError, TypeError, KeyError, AttributeError, LookupError, NotImplementedError, OSError) as exc:
        raise Unreadable("The identifier cannot be understood.", reason="dataset") from exc
    return keys, asked, said if isinstance(said, str) else "\\".join(said)


def filter_keys(dataset: Dataset) -> list[WorkitemKey]:
    """Matching keys of a filtered subscription: all but what says who is told, and how. Raises BadQuery."""
    return [key for key in _keys(dataset, ()) if key.path[0] not in ("00741234", "00741230")]


def encoded(dataset: Dataset, transfer_syntax_uid: str) -> bytes:
    """The data set as it goes into a message."""
    syntax = UID(transfer_syntax_uid)
    data = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian)
    assert data is not None, "what we made ourselves can be written"
    return data


def answer_of(record: Mapping[str, Any], asked: Mapping[str, str]) -> Json:
    """Of a record what was asked for; what it does not have comes empty."""
    return {tag: record.get(tag, {"vr": vr}) for tag, vr in asked.items() if tag not in ("00081195", "00080005")}


def _plain(value: Any) -> Any:
    """Without pydicom's own kinds of text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value if one is not None]
    return str(value) if isinstance(value, str) else value


def _keys(dataset: Dataset, above: tuple[str, ...]) -> Iterator[WorkitemKey]:
    for element in dataset:
        tag = f"{element.tag:08X}"
        if tag in ("00080005", "00080201") or tag[4:] == "0000":
            continue
        if element.VR == "SQ":
            for item in list(element.value)[:1]:
                yield from _keys(item, (*above, tag))
        elif tag != "00081195":
            key = key_of([*above, tag], element.VR, _text(element))
            if not key.key.is_universal:
                yield key


def _text(element: DataElement) -> str:
    value = element.value
    if value is None:
        return ""
    many = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return "\\".join(str(one) for one in value) if many else str(value)


def _written(record: Mapping[str, Any], character_set: str) -> Iterator[tuple[str, Any]]:
    for tag, element in record.items():
        vr, values = element.get("vr"), element.get("Value")
        if tag == "00080005":
            continue
        if vr == "SQ":
            yield tag, {"vr": "SQ", "Value": [dict(_written(item, character_set)) for item in values or []]}
        elif vr == "PN" and values:
            yield tag, {"vr": "PN", "Value": [_name(one, character_set) for one in values if isinstance(one, dict)]}
        elif vr in _TEXT_VRS and values:
            yield tag, {"vr": vr, "Value": [_shown(str(one), character_set, is_name=False) for one in values]}
        else:
            yield tag, {"vr": vr, **({"Value": values} if values else {})}


def _name(groups: Mapping[str, str], character_set: str) -> Json:
    text = "=".join(str(groups.get(name, "")) for name in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=")
    shown = _shown(text, character_set, is_name=True).split("=")
    return {name: group for name, group in zip(("Alphabetic", "Ideographic", "Phonetic"), shown, strict=False)
            if group}


def _shown(text: str, character_set: str, *, is_name: bool) -> str:
    by = "ISO_IR 192" if character_set in _CHINESE else character_set
    codec = "utf-8" if by == "ISO_IR 192" else "ascii" if by == LATIN_LETTERS else python_codec(by)
    return encode_for(text, by, is_person_name=is_name).decode(codec, "replace")
