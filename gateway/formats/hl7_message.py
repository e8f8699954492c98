"""Read an HL7 v2 message: bytes to text by MSH-18, segments and fields, escapes (HL7 v2.5.1 chapter 2; C6).

Text is decoded before anything is split: the second byte of a GB18030 character may be any of `| ^ ~` or a backslash.
What is declared is believed; bytes that do not fit it are refused with a named reason, because an order with a
guessed name is worse than one that is sent again. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import hl7

from gateway.core.charset import to_unicode, utf8_or_chinese
from gateway.core.errors import Unreadable

_CHARACTER_SETS = {                      # HL7 table 0211, and words that systems write instead
    "UNICODE UTF-8": "utf-8", "UNICODE": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "ASCII": "ascii",
    "GB 18030-2000": "gb18030", "GB18030-2000": "gb18030", "GB18030": "gb18030", "GB 18030": "gb18030",
    "GBK": "gb18030", "GB2312": "gb18030", "GB 2312-1980": "gb18030", "BIG-5": "big5",
    **{f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
_SEGMENT_START = re.compile(r"\r\n?|\n(?=[A-Z][A-Z0-9]{2}(?:[|]|$))")
_ESCAPED = {"F": 0, "S": 1, "R": 2, "E": 3, "T": 4}      # place in field separator + MSH-2
_DROPPED = frozenset({"H", "N"})                         # highlighting begins and ends
CLEARED = '""'
"""A field that says: delete what you have."""


class UnsupportedCharacterSet(Unreadable):
    """MSH-18 names a character set that we do not know."""

    reason = "hl7-character-set"


@dataclass(frozen=True, slots=True)
class Header:
    """MSH as far as an answer needs it; also of messages that cannot be read further."""

    separators: str = "|^~\\&"               # field, component, repetition, escape, subcomponent
    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    message_code: str = ""                   # MSH-9.1
    trigger_event: str = ""                  # MSH-9.2
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    character_set: str = ""                  # MSH-18, the first of its repetitions


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. Fields are counted from 1, as the standard does; text is unescaped where it is asked for."""

    name: str
    position: int                            # among the segments of its name, from 1
    fields: tuple[str, ...]
    separators: str
    codec: str

    def field(self, number: int) -> str:
        """The whole field as written."""
        return self.fields[number - 1] if number <= len(self.fields) else ""

    def repetitions(self, number: int) -> list[str]:
        """Its repetitions as written."""
        return [one for one in self.field(number).split(self.separators[2]) if one]

    def text(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """A component of the first repetition, unescaped, without outer spaces."""
        return self.part(self.field(number).split(self.separators[2])[0], component, subcomponent)

    def part(self, repetition: str, component: int, subcomponent: int = 1) -> str:
        """A component of a repetition."""
        components = repetition.split(self.separators[1])
        chosen = components[component - 1] if component <= len(components) else ""
        parts = chosen.split(self.separators[4]) if len(self.separators) > 4 else [chosen]
        return self._unescaped(parts[subcomponent - 1]).strip() if subcomponent <= len(parts) else ""

    def whole(self, number: int) -> str:
        """A text field whose repetitions are lines."""
        return "\n".join(self._unescaped(one).strip() for one in self.repetitions(number))

    def _unescaped(self, text: str) -> str:
        return unescape(text, self.separators, codec=self.codec)


@dataclass(frozen=True, slots=True)
class Message:
    """A message in segments. `remarks` are faults of its form that were overlooked."""

    header: Header
    segments: tuple[Segment, ...]
    codec: str
    remarks: tuple[str, ...] = ()

    def first(self, name: str) -> Segment | None:
        """The first segment of this name."""
        return next((segment for segment in self.segments if segment.name == name), None)


def read_header(data: bytes) -> Header:
    """Read MSH, whatever follows it. Raises Unreadable("hl7-no-header")."""
    line = re.split(rb"[\r\n]", data.lstrip(b"\r\n \t\xef\xbb\xbf"), maxsplit=1)[0]
    if not line.startswith(b"MSH") or len(line) < 9 or line[3:4].isalnum() or not line[3:8].isascii():
        raise Unreadable("The message does not begin with MSH and its separators.", reason="hl7-no-header")
    text = utf8_or_chinese(line)
    fields = [text[3], *text[4:].split(text[3])]                 # MSH-1 is the separator itself
    separators = text[3] + fields[1]
    if not 4 <= len(separators) <= 6 or len(set(separators)) != len(separators):
        raise Unreadable("The separators of MSH-1 and MSH-2 are not all different.", reason="hl7-no-header")
    fields += [""] * (20 - len(fields))
    kind = [*fields[8].split(separators[1]), "", ""]

    def name(number: int) -> str:
        return unescape(fields[number - 1].split(separators[1])[0], separators).strip()

    return Header(separators=separators, sending_application=name(3), sending_facility=name(4),
                  receiving_application=name(5), receiving_facility=name(6), message_code=kind[0].strip(),
                  trigger_event=kind[1].strip(), control_id=fields[9].strip(), processing_id=name(11),
                  version=name(12), character_set=fields[17].split(separators[2])[0].strip())


def codec_of(header: Header, default: str) -> str:
    """The codec of the message's text; `default` is the partner's. Raises UnsupportedCharacterSet."""
    if not header.character_set:
        return default
    codec = _CHARACTER_SETS.get(header.character_set.upper())
    if codec is None:
        raise UnsupportedCharacterSet(f"MSH-18 names the character set {header.character_set[:40]!r}.")
    return codec


def read_message(data: bytes, header: Header, codec: str) -> Message:
    """Read the whole message. Raises Unreadable: "hl7-undecodable", "hl7-form"."""
    try:
        text = to_unicode(data, codec).lstrip("\ufeff").strip("\r\n \t")
    except UnicodeDecodeError as exc:
        raise Unreadable(f"Byte {exc.start} does not fit the character set {codec} of the message.",
                         reason="hl7-undecodable") from exc
    lines = [line for line in _SEGMENT_START.split(text) if line.strip()]
    remarks = () if "\n" not in text or not _has_line_feeds(text) else (
        "Segments end with a line feed; HL7 ends them with a carriage return alone.",)
    try:
        parsed = hl7.parse("\r".join(lines))
        found = [(str(segment[0]), tuple(str(field) for field in segment[1:])) for segment in parsed]
    except (hl7.HL7Exception, IndexError, ValueError, AssertionError) as exc:
        raise Unreadable("The message cannot be split into segments and fields.", reason="hl7-form") from exc
    counted: dict[str, int] = {}
    segments: list[Segment] = []
    for name, fields in found:
        if not re.fullmatch(r"[A-Z][A-Z0-9]{2}", name):
            raise Unreadable(f"A segment is called {name[:10]!r}.", reason="hl7-form")
        counted[name] = counted.get(name, 0) + 1
        segments.append(Segment(name, counted[name], fields, header.separators, codec))
    return Message(header, tuple(segments), codec, remarks)


def unescape(text: str, separators: str, *, codec: str = "utf-8") -> str:
    r"""Resolve \F\ \S\ \T\ \R\ \E\, \.br\ and \Xhh\; what is no escape stays as it is."""
    if len(separators) < 4 or separators[3] not in text:
        return text
    mark = re.escape(separators[3])

    def resolve(found: re.Match[str]) -> str:
        word = found[1]
        if word in _ESCAPED and _ESCAPED[word] < len(separators):
            return separators[_ESCAPED[word]]
        if word in _DROPPED:
            return ""
        if word in (".br", ".sp"):
            return "\n"
        if word[0] == "X":
            return to_unicode(bytes.fromhex(word[1:]), codec, "replace")
        return found[0]                  # \T\ where MSH-2 names no subcomponent separator

    return re.sub(f"{mark}([FSRETHN]|\\.br|\\.sp|X(?:[0-9A-Fa-f]{{2}})+){mark}", resolve, text)


def escape(text: str, separators: str) -> str:
    """The other way, for answers."""
    names = {separators[place]: name for name, place in _ESCAPED.items() if place < len(separators)}
    mark = separators[3]
    return "".join(f"{mark}{names[c]}{mark}" if c in names else " " if c in "\r\n" else c for c in text)


def same_content(data: bytes, header: Header) -> bytes:
    """The message without MSH-7, its time of sending: a repetition differs in nothing else."""
    separator = header.separators[0].encode("utf-8")
    first, end, rest = _first_line(data)
    fields: Sequence[bytes] = first.split(separator)
    return separator.join([*fields[:6], *fields[7:]]) + end + rest


def _first_line(data: bytes) -> tuple[bytes, bytes, bytes]:
    found = re.search(rb"[\r\n]", data)
    return (data, b"", b"") if found is None else (data[:found.start()], found[0], data[found.end():])


def _has_line_feeds(text: str) -> bool:
    return any("\n" in found for found in re.findall(_SEGMENT_START, text))
