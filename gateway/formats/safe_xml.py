"""XML from strangers into a small tree: no entities, no fetching, bounded depth and size, Chinese encodings.

Carts write XML that is declared UTF-8 and is GBK, or the other way round. The bytes are decoded here, by evidence,
before the parser sees them. Entity declarations are refused outright: no ECG needs one, every XML bomb does.
Namespaces are dropped from names: senders differ in them, the words are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from gateway.core.charset import TextReader, to_unicode
from gateway.core.errors import Unreadable
from storage.model import Confidence

MAX_DEPTH = 64
MAX_ELEMENTS = 200_000
MIN_ELEMENTS = 20_000             # allowed in the smallest file
BYTES_PER_ELEMENT = 12            # a file of tags alone would otherwise need far more memory than it has bytes
MAX_ATTRIBUTES = 64
_HEAD_BYTES = 1 << 16
_PROLOG = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>", re.DOTALL)
_START_TAG = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,63}:)?([A-Za-z_][\w.-]{0,63})[\s/>]")

_NO_ATTRIBUTES: dict[str, str] = {}
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_FOREIGN = re.compile(rb"[^<>\"'=]{0,64}[\x80-\xff][^<>\"'=]{0,64}")


@dataclass(slots=True, eq=False)
class Element:
    """One element. `name` and the keys of `attributes` are without namespace."""

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        for child in self.children:
            if child.name == name:
                return child
        return None

    def find(self, *path: str) -> Element | None:
        """Follow first children by name."""
        here: Element | None = self
        for name in path:
            here = here.child(name) if here is not None else None
        return here

    def all(self, name: str) -> list[Element]:
        """Every child of that name."""
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator[Element]:
        """This element and everything below, in document order."""
        stack = [self]
        while stack:
            here = stack.pop()
            yield here
            stack.extend(reversed(here.children))

    def get(self, name: str) -> str:
        """An attribute, or ""."""
        return self.attributes.get(name, "")

    def words(self) -> str:
        """The text of this element and all below, with single spaces."""
        return " ".join(" ".join(e.text for e in self.walk()).split())


@dataclass(frozen=True, slots=True)
class Document:
    root: Element
    encoding: str                # codec the text was decoded with
    is_guessed: bool             # the declaration was absent or wrong and the text is not plain ASCII


def root_name(data: bytes) -> str:
    """The root element's name without namespace, from the beginning of the bytes alone; "" if this is no XML."""
    head = data[:_HEAD_BYTES]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"):
        head = head.replace(b"\x00", b"").lstrip(b"\xff\xfe")
    at = 3 if head[:3] == b"\xef\xbb\xbf" else 0
    if head[at:at + 64].lstrip()[:1] != b"<":
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
    builder = _Builder(prefix, max_elements=min(MAX_ELEMENTS, max(MIN_ELEMENTS, len(data) // BYTES_PER_ELEMENT)))
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.EntityDeclHandler = builder.entity
    parser.ExternalEntityRefHandler = builder.external
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as exc:
        raise Unreadable(f"The XML breaks off or is damaged: {exc}.", reason=f"{prefix}-not-well-formed") from exc
    if builder.root is None:
        raise Unreadable("The XML has no content.", reason=f"{prefix}-not-well-formed")
    return Document(builder.root, encoding, is_guessed)


def decode(data: bytes, *, prefix: str) -> tuple[str, str, bool]:
    """Return the text without BOM, the codec used, and whether that codec was a guess."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _strict(data, "utf-16", prefix), "utf-16", False
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    if data[:4] == b"<\x00?\x00":
        return _strict(data, "utf-16-le", prefix), "utf-16-le", False
    if data.isascii():
        return data.decode("ascii"), "ascii", False
    found = _DECLARED.search(data[:512])
    declared = found.group(1) if found else b"utf-8"
    evidence = b" ".join(_FOREIGN.findall(data))[:4096]
    seen = TextReader(declared.upper()).decode(evidence)
    is_guessed = seen.confidence is Confidence.GUESSED
    try:
        return to_unicode(data, seen.codec), seen.codec, is_guessed
    except (LookupError, UnicodeDecodeError):
        return to_unicode(data, "gb18030" if seen.codec == "gb18030" else "utf-8", "replace"), seen.codec, True


def _strict(data: bytes, codec: str, prefix: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as exc:
        raise Unreadable(f"The text is not {codec}.", reason=f"{prefix}-encoding") from exc


class _Builder:
    """expat's callbacks: each limit is checked where it would be crossed."""

    def __init__(self, prefix: str, *, max_elements: int) -> None:
        self.root: Element | None = None
        self._prefix = prefix
        self._stack: list[Element] = []
        self._left = max_elements
        self._parts: list[str] = []              # text of the innermost element, joined once
        self._names: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._left -= 1
        if self._left < 0 or len(attributes) > MAX_ATTRIBUTES:
            raise Unreadable("The XML holds more elements than any ECG.", reason=f"{self._prefix}-too-large")
        stack = self._stack
        if self._parts:
            self._flush()
        element = Element(self._local(name), {self._local(key): value for key, value in attributes.items()}
                          if attributes else _NO_ATTRIBUTES)
        if stack:
            if len(stack) >= MAX_DEPTH:
                raise Unreadable(f"Elements lie more than {MAX_DEPTH} deep.", reason=f"{self._prefix}-too-deep")
            stack[-1].children.append(element)
        else:
            self.root = element
        stack.append(element)

    def end(self, name: str) -> None:
        if self._parts:
            self._flush()
        self._stack.pop()

    def characters(self, text: str) -> None:
        self._parts.append(text)

    def _flush(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        element = self._stack[-1]
        if element.text or not text.isspace():
            element.text += text

    def _local(self, name: str) -> str:
        """Without namespace; each name is cut once."""
        local = self._names.get(name)
        if local is None:
            local = self._names[name] = name.rpartition(" ")[2]
        return local

    def doctype(self, name: str, system: str | None, public: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            raise Unreadable("The XML declares entities of its own; no ECG needs that.",
                             reason=f"{self._prefix}-entity")

    def entity(self, *_: object) -> None:
        raise Unreadable("The XML declares entities of its own; no ECG needs that.", reason=f"{self._prefix}-entity")

    def external(self, *_: object) -> int:
        raise Unreadable("The XML wants to fetch something from elsewhere.", reason=f"{self._prefix}-entity")
