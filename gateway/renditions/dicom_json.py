"""Write a data set in the DICOM JSON model (PS3.18 Annex F), its text already decoded.

Readers of the JSON never meet a DICOM character set: text goes through `gateway.core.charset`, which also knows what
Chinese devices do to it. Long binary values become BulkDataURIs below the instance. A value that breaks its VR is
left out rather than repeated wrongly; its element stays, empty.
"""

from __future__ import annotations

import base64
import math
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from gateway.core.charset import TextReader
from gateway.core.errors import NotFound
from gateway.renditions.stored_file import FileHead

BASE_PLACEHOLDER = "@instance@"
"""Stands in BulkDataURIs for the instance's own address, which only the answering server knows."""

INLINE_LIMIT_BYTES = 1024
_MANY_VALUES_TEXT = frozenset({"SH", "LO", "UC"})
_ONE_VALUE_TEXT = frozenset({"ST", "LT", "UT"})
_BINARY = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_SPECIFIC_CHARACTER_SET = BaseTag(0x00080005)

Json = dict[str, Any]


def dataset_json(head: FileHead, *, device_codec: str | None = None) -> Json:
    """All elements up to and including the pixels, the latter as a BulkDataURI; no file meta group."""
    reader = _text_reader(head.dataset, device_codec)
    found = _dataset(head.dataset, reader, "")
    found["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    found["00083002"] = {"vr": "UI", "Value": [head.transfer_syntax_uid]}
    if head.pixels is not None:
        tag = f"{head.pixels.tag:08X}"
        found[tag] = {"vr": head.pixels.vr, "BulkDataURI": f"{BASE_PLACEHOLDER}/bulkdata/{tag}"}
    return dict(sorted(found.items()))


def without_bulk(record: Json) -> Json:
    """The same with every BulkDataURI gone: the element stays, empty."""
    found: Json = {}
    for tag, element in record.items():
        if "BulkDataURI" in element:
            found[tag] = {"vr": element["vr"]}
        elif element.get("vr") == "SQ" and "Value" in element:
            found[tag] = {**element, "Value": [without_bulk(item) for item in element["Value"]]}
        else:
            found[tag] = element
    return found


def bulk_paths(record: Json) -> list[str]:
    """The paths of all long values, in the order of the elements."""
    found: list[str] = []
    for _, element in sorted(record.items()):
        if "BulkDataURI" in element:
            found.append(str(element["BulkDataURI"]).removeprefix(f"{BASE_PLACEHOLDER}/bulkdata/"))
        elif element.get("vr") == "SQ":
            found += [path for item in element.get("Value", ()) for path in bulk_paths(item)]
    return found


def bulk_value(dataset: Dataset, path: str) -> bytes:
    """The bytes behind a BulkDataURI path such as "54000100/0/54001010". Raises NotFound."""
    steps = path.split("/")
    try:
        for tag, index in zip(steps[:-1:2], steps[1::2], strict=True):
            dataset = dataset[int(tag, 16)].value[int(index)]
        element = dataset.get_item(int(steps[-1], 16))
        value = None if element is None else element.value
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as exc:
        raise NotFound("There is no such value.") from exc
    if not isinstance(value, bytes):
        raise NotFound("There is no such value.")
    return value


def person_name(*, alphabetic: str, ideographic: str, display: str) -> Json:
    """A PN element from a name of the index. Display text has no carets, so the family name is not split off."""
    groups = {key: text for key, text in (("Alphabetic", alphabetic), ("Ideographic", ideographic)) if text}
    return {"vr": "PN", "Value": [groups or {"Alphabetic": display}]} if groups or display else {"vr": "PN"}


def _text_reader(dataset: Dataset, device_codec: str | None) -> TextReader:
    element = dataset.get_item(_SPECIFIC_CHARACTER_SET)
    declared = b""
    if element is not None:
        value = element.value
        if isinstance(value, bytes):
            declared = value
        elif value:
            values = [value] if isinstance(value, str) else list(value)
            declared = "\\".join(str(v) for v in values).encode("ascii", "replace")
    sample = b" ".join(raw.value for raw in (dataset.get_item(tag) for tag in dataset.keys())   # noqa: SIM118
                       if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes)
                       and _vr(raw) in (_MANY_VALUES_TEXT | _ONE_VALUE_TEXT | {"PN"}))
    return TextReader(declared, device_codec=device_codec, sample=sample[:65536])


def _dataset(dataset: Dataset, reader: TextReader, path: str) -> Json:
    found: Json = {}
    for tag in sorted(dataset.keys()):
        if tag.element == 0:
            continue                                   # group lengths are retired and belong to the encoding
        key = f"{int(tag):08X}"
        raw = dataset.get_item(tag)
        if raw is not None:
            found[key] = _element(dataset, tag, raw, reader, f"{path}{key}")
    return found


def _element(dataset: Dataset, tag: BaseTag, raw: DataElement | RawDataElement, reader: TextReader,
             path: str) -> Json:
    vr = _vr(raw)
    if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes):
        if vr == "PN":
            return _valued(vr, [_name_groups(name) for name in _values(reader, raw.value) if name])
        if vr in _MANY_VALUES_TEXT:
            return _valued(vr, [text or None for text in _values(reader, raw.value)])
        if vr in _ONE_VALUE_TEXT:
            return _valued(vr, [text for text in (reader.decode(raw.value).text,) if text])
        if vr in _BINARY and len(raw.value) > INLINE_LIMIT_BYTES:
            return {"vr": vr, "BulkDataURI": f"{BASE_PLACEHOLDER}/bulkdata/{path}"}
    try:
        element = dataset[tag]
        if element.VR == "SQ":
            return _valued("SQ", [_dataset(item, reader, f"{path}/{index}/")
                                  for index, item in enumerate(element.value or [])])
        if isinstance(element.value, bytes):
            if len(element.value) > INLINE_LIMIT_BYTES:
                return {"vr": element.VR, "BulkDataURI": f"{BASE_PLACEHOLDER}/bulkdata/{path}"}
            encoded = base64.b64encode(element.value).decode("ascii")
            return {"vr": element.VR, "InlineBinary": encoded} if encoded else {"vr": element.VR}
        found: Json = element.to_json_dict(None, INLINE_LIMIT_BYTES)
        if "Value" in found:
            found["Value"] = [_plain(value) for value in found["Value"]]
        return found
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, OverflowError, IndexError,
            RecursionError):
        return {"vr": vr}


def _vr(raw: DataElement | RawDataElement) -> str:
    if raw.VR:
        return str(raw.VR)
    try:
        return dictionary_VR(raw.tag)
    except KeyError:
        return "UN"


def _values(reader: TextReader, raw: bytes) -> list[str]:
    return reader.values(raw) if raw.strip(b" \0") else []


def _name_groups(text: str) -> Json:
    groups = [group.strip(" ^") for group in text.split("=")]
    named = zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=False)
    return {name: group for name, group in named if group}


def _plain(value: Any) -> Any:
    """pydicom's own kinds of text and number as Python's; what is no number has no place in JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, int) else value


def _valued(vr: str, values: list[Any]) -> Json:
    return {"vr": vr, "Value": values} if values else {"vr": vr}
