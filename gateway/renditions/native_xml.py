"""The DICOM JSON model as Native DICOM XML and back (PS3.19 A.1): the same content, for clients that read XML.

Everything inside works on the JSON model; XML exists at the door alone. What comes in is parsed by the guarded
parser, so that entities and external files are never followed.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from pydicom.datadict import keyword_for_tag

from gateway.core.errors import Unreadable
from gateway.formats.safe_xml import Element, parse
from gateway.renditions.dicom_json import Json

_NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NUMBER_VRS = frozenset({"DS", "FL", "FD", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_WHOLE_NUMBER_VRS = _NUMBER_VRS - {"DS", "FL", "FD"}
MAX_DEPTH = 32


def to_xml(record: Json) -> bytes:
    """One data set as a NativeDicomModel document."""
    root = ET.Element("NativeDicomModel", {"xml:space": "preserve"})
    _write(root, record)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def from_xml(data: bytes) -> Json:
    """A NativeDicomModel document as the JSON model. Raises Unreadable."""
    root = parse(data, prefix="metadata").root
    if root.name != "NativeDicomModel":
        raise Unreadable("This is no NativeDicomModel.", reason="metadata-unreadable")
    return _read(root, 0)


# ------------------------------------------------------------------------------------------------------- writing
def _write(parent: ET.Element, record: Json) -> None:
    for tag, element in sorted(record.items()):
        vr = str(element.get("vr", "UN"))
        node = ET.SubElement(parent, "DicomAttribute", {"tag": tag, "vr": vr})
        if keyword := keyword_for_tag(int(tag, 16)):
            node.set("keyword", keyword)
        if "InlineBinary" in element:
            ET.SubElement(node, "InlineBinary").text = str(element["InlineBinary"])
        elif "BulkDataURI" in element:
            ET.SubElement(node, "BulkData", {"uri": str(element["BulkDataURI"])})
        else:
            for number, value in enumerate(element.get("Value", ()), 1):
                _write_value(node, vr, number, value)


def _write_value(node: ET.Element, vr: str, number: int, value: Any) -> None:
    numbered = {"number": str(number)}
    if vr == "SQ":
        _write(ET.SubElement(node, "Item", numbered), value or {})
    elif vr == "PN":
        person = ET.SubElement(node, "PersonName", numbered)
        for group in _NAME_GROUPS:
            if isinstance(value, dict) and value.get(group):
                child = ET.SubElement(person, group)
                for name, part in zip(_NAME_PARTS, str(value[group]).split("^"), strict=False):
                    if part:
                        ET.SubElement(child, name).text = _clean(part)
    else:
        ET.SubElement(node, "Value", numbered).text = "" if value is None else _clean(str(value))


def _clean(text: str) -> str:
    """XML 1.0 has no place for most control characters."""
    return "".join(c for c in text if c >= " " or c in "\t\n\r")


# ------------------------------------------------------------------------------------------------------- reading
def _read(parent: Element, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise Unreadable("Sequences are nested too deep.", reason="metadata-unreadable")
    found: Json = {}
    for node in parent.children:
        tag = node.get("tag").upper()
        if node.name != "DicomAttribute" or len(tag) != 8 or not set(tag) <= set("0123456789ABCDEF"):
            raise Unreadable(f"{node.name} {tag[:20]!r} has no place here.", reason="metadata-unreadable")
        found[tag] = _element(node, node.get("vr") or "UN", depth)
    return found


def _element(node: Element, vr: str, depth: int) -> Json:
    values: list[Any] = []
    for child in node.children:
        if child.name == "InlineBinary":
            return {"vr": vr, "InlineBinary": "".join(child.text.split())}
        if child.name == "BulkData":
            return {"vr": vr, "BulkDataURI": child.get("uri")}
        if child.name == "Item":
            values.append(_read(child, depth + 1))
        elif child.name == "PersonName":
            values.append({group.name: _name(group) for group in child.children})
        elif child.name == "Value":
            values.append(_value(vr, child.text))
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _name(group: Element) -> str:
    parts = {part.name: part.text for part in group.children}
    return "^".join(parts.get(name, "") for name in _NAME_PARTS).rstrip("^")


def _value(vr: str, text: str) -> Any:
    if vr not in _NUMBER_VRS:
        return text or None
    try:
        return None if not text.strip() else int(text) if vr in _WHOLE_NUMBER_VRS else float(text)
    except ValueError as exc:
        raise Unreadable(f"{text[:20]!r} is no number.", reason="metadata-unreadable") from exc
