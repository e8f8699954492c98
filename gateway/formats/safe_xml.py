"""XML from strangers into a small tree: no entities, no fetching, bounded depth and size, Chinese encodings.

Carts write XML that is declared UTF-8 and is GBK, or the other way round. The bytes are decoded here, by evidence,
before the parser sees them. Entity declarations are refused outright: no ECG needs one, every XML bomb does; they can
stand nowhere but before the root, so that part is read first and alone. Namespaces are dropped from names: senders
differ in them, the words are the same. The tree itself is built by the standard library's parser in C.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from gateway.core.charset import TextReader, to_unicode
from gateway.core.errors import Unreadable
from storage.model import Confidence

MAX_DEPTH = 64
MAX_TAGS = 400_000                # start and end tags together
MIN_TAGS = 40_000                 # allowed in the smallest file
BYTES_PER_TAG = 12                # a file of tags alone would otherwise need far more memory than it has bytes
MAX_ATTRIBUTES = 64
_HEAD_BYTES = 1 << 16
_PROLOG = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>", re.DOTALL)
_START_TAG = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,63}:)?([A-Za-z_][\w.-]{0,63})[\s/>]")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_UP_TO_MARKUP = re.compile(rb"[^<>\"']+")
_EVIDENCE_BYTES = 4096
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Element:
    """One element: a view of the parser's node. Names are without namespace."""

    __slots__ = ("_node",)

    def __init__(self, node: ElementTree.Element) -> None:
        self._node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and other._node is self._node

    def __hash__(self) -> int:
        return id(self._node)

    @property
    def name(self) -> str:
        return self._node.tag

    @property
    def text(self) -> str:
        """The text between its own tags, "" where that is only space."""
        text = self._node.text or ""
        if len(self._node):
            text += "".join(child.tail or "" for child in self._node)
        return "" if text.isspace() else text

    @property
    def children(self) -> list[Element]:
        return [Element(node) for node in self._node]

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        node = self._node.find(name)
        return None if node is None else Element(node)

    def find(self, *path: str) -> Element | None:
        """Follow first children by name."""
        node: ElementTree.Element | None = self._node
        for name in path:
            node = node.find(name) if node is not None else None
        return None if node is None else Element(node)

    def all(self, name: str) -> list[Element]:
        """Every child of that name."""
        return [Element(node) for node in self._node.findall(name)]

    def walk(self, name: str | None = None) -> Iterator[Element]:
        """This element and everything below, in document order; only those of that name, if one is given."""
        return map(Element, self._node.iter(name))

    def get(self, name: str) -> str:
        """An attribute, or ""."""
        return self._node.get(name, "")

    def fields(self) -> dict[str, str]:
        """The text of each child by its name, stripped; of several with one name the first."""
        return {node.tag: (node.text or "").strip() for node in reversed(self._node)}

    def words(self) -> str:
        """The text of this element and all below, with single spaces."""
        if not len(self._node):
            return " ".join((self._node.text or "").split())
        return " ".join(" ".join(part.text for part in self.walk()).split())


@dataclass(frozen=True, slots=True)
class Document:
    root: Element
    encoding: str                # codec the text was decoded with
    is_guessed: bool             # the declaration was absent or wrong and the text is not plain ASCII


def head_of(data: bytes) -> bytes:
    """The beginning without byte order mark, one byte a character, whatever the encoding; for looking at only."""
    head = data[:_HEAD_BYTES]
    for mark, start, step in ((b"\xef\xbb\xbf", 3, 1), (b"\xff\xfe", 2, 2), (b"\xfe\xff", 3, 2), (b"<\0", 0, 2),
                              (b"\0<", 1, 2)):
        if head.startswith(mark):
            return head[start::step]
    return head


def root_name(data: bytes) -> str:
    """The root element's name without namespace, from the beginning of the bytes alone; "" if this is no XML."""
    head, at = head_of(data), 0
    if head[:64].lstrip()[:1] != b"<":
        return ""
    while skipped := _PROLOG.match(head, at):
        at = skipped.end()
    found = _START_TAG.match(head, at)
    return found.group(1).decode("ascii") if found else ""


def parse(data: bytes, *, prefix: str) -> Document:
    """Parse a whole document.

    Raises Unreadable with the reasons "<prefix>-entity", "-too-deep", "-too-large", "-not-well-formed", "-encoding".
    """
    text, encoding, is_guessed = decode(data, prefix=prefix)
    if text.count("<") > min(MAX_TAGS, max(MIN_TAGS, len(data) // BYTES_PER_TAG)):
        raise Unreadable("The XML holds more elements than any ECG.", reason=f"{prefix}-too-large")
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError as exc:                  # half a surrogate pair
        raise Unreadable(f"The text is not {encoding}.", reason=f"{prefix}-encoding") from exc
    _refuse_entities(raw, prefix)
    parser = ElementTree.XMLParser(encoding="utf-8")   # noqa: S314 - declares no entities, is bounded
    try:
        parser.feed(raw)
        root = parser.close()
    except ElementTree.ParseError as exc:
        _refuse_depth(raw, prefix)
        raise Unreadable(f"The XML breaks off or is damaged: {exc}.", reason=f"{prefix}-not-well-formed") from exc
    _tidy(root, prefix)
    return Document(Element(root), encoding, is_guessed)


def decode(data: bytes, *, prefix: str) -> tuple[str, str, bool]:
    """Return the text without BOM, the codec used, and whether that codec was a guess."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _strict(data, "utf-16", prefix), "utf-16", False
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    for start, codec in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if data[:2] == start:
            return _strict(data, codec, prefix), codec, False
    if data.isascii():
        return data.decode("ascii"), "ascii", False
    found = _DECLARED.search(data[:512])
    declared = found.group(1) if found else b"utf-8"
    seen = TextReader(declared.upper()).decode(_evidence(data))
    is_guessed = seen.confidence is Confidence.GUESSED
    try:
        return to_unicode(data, seen.codec), seen.codec, is_guessed
    except (LookupError, UnicodeDecodeError):
        return to_unicode(data, "gb18030" if seen.codec == "gb18030" else "utf-8", "replace"), seen.codec, True


def _evidence(data: bytes) -> bytes:
    """Texts and attributes that are not plain ASCII, from their first such byte on; only the end may cut one."""
    foreign = np.flatnonzero(np.frombuffer(data, dtype=np.int8) < 0)
    found: list[bytes] = []
    at = size = 0
    while at < len(foreign) and size < _EVIDENCE_BYTES:
        piece = _UP_TO_MARKUP.match(data, int(foreign[at]))
        if piece is None:
            break
        found.append(piece.group())
        size += len(found[-1]) + 1
        at = int(np.searchsorted(foreign, piece.end()))
    return b" ".join(found)[:_EVIDENCE_BYTES]


def _strict(data: bytes, codec: str, prefix: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as exc:
        raise Unreadable(f"The text is not {codec}.", reason=f"{prefix}-encoding") from exc


class _Root(Exception):
    """The root was reached: nothing after it can declare anything."""


def _refuse_entities(raw: bytes, prefix: str) -> None:
    """Read up to the root; refuse a document type with contents of its own."""
    def refuse(*_: object) -> None:
        raise Unreadable("The XML declares entities of its own; no ECG needs that.", reason=f"{prefix}-entity")

    def document_type(name: str, system: str | None, public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            refuse()

    def root(name: str, attributes: dict[str, str]) -> None:
        raise _Root

    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = document_type
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = root
    try:
        for at in range(0, len(raw), _HEAD_BYTES):
            parser.Parse(raw[at:at + _HEAD_BYTES], at + _HEAD_BYTES >= len(raw))
    except _Root:
        return
    except expat.ExpatError as exc:
        raise Unreadable(f"The XML breaks off or is damaged: {exc}.", reason=f"{prefix}-not-well-formed") from exc
    raise Unreadable("The XML has no content.", reason=f"{prefix}-not-well-formed")


def _refuse_depth(raw: bytes, prefix: str) -> None:
    """Damaged XML may also be too deep: that is the better reason."""
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep(prefix)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(raw, True)
    except expat.ExpatError:
        return


def _tidy(root: ElementTree.Element, prefix: str) -> None:
    """Drop namespaces from the names, and from xsi:type; check depth and number of attributes."""
    names: dict[str, str] = {}
    level = [root]
    for _ in range(MAX_DEPTH):
        below: list[ElementTree.Element] = []
        for node in level:
            tag = node.tag
            if tag[0] == "{":
                local = names.get(tag)
                if local is None:
                    local = names[tag] = tag.rpartition("}")[2]
                node.tag = local
            attributes = node.attrib
            if attributes:
                if len(attributes) > MAX_ATTRIBUTES:
                    raise Unreadable("An element has more attributes than any ECG.", reason=f"{prefix}-too-large")
                if _XSI_TYPE in attributes:
                    attributes["type"] = attributes.pop(_XSI_TYPE)
            below.extend(node)
        if not below:
            return
        level = below
    raise _too_deep(prefix)


def _too_deep(prefix: str) -> Unreadable:
    return Unreadable(f"Elements lie more than {MAX_DEPTH} deep.", reason=f"{prefix}-too-deep")
