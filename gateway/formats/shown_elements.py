"""All elements of a data set as a person reads them, in one flat list, also those inside sequences and private ones.

Text is decoded by gateway/core/charset from the bytes as they came; what cannot be shown as text is named by its size
and hash. Nothing a stranger sends may make this fail or grow: an element that cannot be read is shown as its bytes.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from pydicom.datadict import dictionary_description, dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.datadict import private_dictionary_description as private_description
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID

from gateway.core.charset import TextReader
from gateway.core.dataset_difference import Place, ShownElement

MAX_ELEMENTS = 20_000
MAX_TEXT_LENGTH = 400
_MAX_DEPTH = 16
_TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_ASCII_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})
_NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "SV": "q", "UV": "Q"}
_CHARACTER_SET = 0x00080005
_EVIDENCE = (0x00100010, 0x00080080, 0x00081030, 0x0008103E, 0x00081040, 0x00080090)


def shown_elements(ds: Dataset, *, device_codec: str | None = None) -> list[ShownElement]:
    """Read them all, at most MAX_ELEMENTS, in the order of the data set."""
    shown: list[ShownElement] = []
    sample = b" ".join(_raw(ds, BaseTag(tag)) for tag in _EVIDENCE)
    _add(ds, (), TextReader(_raw(ds, BaseTag(_CHARACTER_SET)), device_codec=device_codec, sample=sample),
         device_codec, shown)
    return shown


def _add(ds: Dataset, place: Place, texts: TextReader, device_codec: str | None, shown: list[ShownElement]) -> None:
    own = _raw(ds, BaseTag(_CHARACTER_SET))
    if place and own:                                    # an item may name its own character set (PS3.3 C.12.1.1.2)
        texts = TextReader(own, device_codec=device_codec)
    order = "<" if ds.original_encoding[1] is not False else ">"
    for tag in sorted(ds.keys()):
        if len(shown) >= MAX_ELEMENTS:
            return
        here = (*place, int(tag))
        items = _items(ds, tag) if len(place) < 2 * _MAX_DEPTH else None
        if items is not None:
            count = f"[{len(items)}]"
            shown.append(_named(ds, here, tag, "SQ", count, count))
            for number, item in enumerate(items, 1):
                _add(item, (*here, number), texts, device_codec, shown)
            continue
        vr, raw = _vr(ds, tag), _raw(ds, tag)
        text = _converted(ds, tag)
        if text is None:
            text = _text(vr, raw, texts, order)
        if text is None:
            digest = hashlib.sha256(raw).hexdigest()
            start = raw[:16].hex(" ")
            shown.append(_named(ds, here, tag, vr, f"{len(raw)} B · {start}{' …' if len(raw) > 16 else ''}", digest))
        else:
            shown.append(_named(ds, here, tag, vr, text[:MAX_TEXT_LENGTH], text))


def _named(ds: Dataset, place: Place, tag: BaseTag, vr: str, text: str, sameness: str) -> ShownElement:
    keyword, name = "", ""
    if tag.is_private:
        name = _private_name(ds, tag)
    elif dictionary_has_tag(tag):
        keyword, name = keyword_for_tag(tag) or "", dictionary_description(tag)
    return ShownElement(place, keyword, name, vr, text, sameness)


def _private_name(ds: Dataset, tag: BaseTag) -> str:
    """What the private creator is called, and the element's name where it is known (PS3.5 7.8.1)."""
    if tag.is_private_creator:
        return "Private Creator"
    creator = _raw(ds, BaseTag(tag.group << 16 | tag.element >> 8)).decode("ascii", "replace").strip(" \0")
    try:
        return f"{creator}: {private_description(tag, creator)}"
    except KeyError:
        return creator


_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, EOFError, OSError, struct.error, NotImplementedError,
               RecursionError)
"""What pydicom raises for an element that is not what it says."""


def _element(ds: Dataset, tag: BaseTag) -> Any:
    """The element as it was read, None where there is none or pydicom cannot hand it out."""
    try:
        return ds.get_item(tag) if tag in ds else None
    except _UNREADABLE:
        return None


def _vr(ds: Dataset, tag: BaseTag) -> str:
    element = _element(ds, tag)
    vr = str(element.VR or "") if element is not None else ""
    if vr in ("", "UN") and dictionary_has_tag(tag) and not tag.is_private:
        vr = dictionary_VR(tag).split(" ")[0]
    return vr or "UN"


def _raw(ds: Dataset, tag: BaseTag) -> bytes:
    element = _element(ds, tag)
    if element is None:
        return b""
    value = element.value
    if isinstance(element, RawDataElement) or isinstance(value, bytes):
        return bytes(value or b"")
    return str(value).encode("utf-8") if value is not None else b""


def _items(ds: Dataset, tag: BaseTag) -> list[Dataset] | None:
    """The items of a sequence; None for everything else and for a sequence that cannot be read."""
    if _vr(ds, tag) != "SQ":
        return None
    try:
        value = ds[tag].value
    except _UNREADABLE:
        return None
    return list(value) if isinstance(value, Sequence) else None


def _converted(ds: Dataset, tag: BaseTag) -> str | None:
    """A number that pydicom has read already, on its way into a sequence; None for whatever is still bytes."""
    element = _element(ds, tag)
    if element is None or isinstance(element, RawDataElement) or isinstance(element.value, bytes):
        return None
    if element.VR in _TEXT_VRS:
        return None
    values = element.value if isinstance(element.value, (list, MultiValue)) else [element.value]
    return "\\".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values if v is not None)


def _text(vr: str, raw: bytes, texts: TextReader, order: str) -> str | None:
    """The value as text; None where it has none."""
    if vr in _TEXT_VRS:
        return texts.decode(raw).text
    if vr in _ASCII_VRS:
        text = "\\".join(part.strip(" \0") for part in raw.decode("latin-1").split("\\"))
        return f"{text} ({UID(text).name})" if vr == "UI" and UID(text).name != text else text
    if vr in _NUMBERS:
        size = struct.calcsize("=" + _NUMBERS[vr])
        if len(raw) % size:
            return None
        return "\\".join(f"{number:g}" if vr in ("FL", "FD") else str(number)
                         for number in struct.unpack(f"{order}{len(raw) // size}{_NUMBERS[vr]}", raw))
    if vr == "AT" and len(raw) % 4 == 0:
        numbers = struct.unpack(f"{order}{len(raw) // 2}H", raw)
        return "\\".join(f"({numbers[at]:04X},{numbers[at + 1]:04X})" for at in range(0, len(numbers), 2))
    return None
