"""A PDF from a cart: kept and shown as an ECG without a waveform. Only what its plain objects tell is read.

No samples are traced from its pixels. The page count is taken from the page tree (ISO 32000-1, 7.7.3.2), also where
the tree lies in compressed object streams; None where it is not plain.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import islice

from gateway.core.charset import utf8_or_chinese

NAME = "pdf"
MAX_PAGES = 10_000
_MAX_UNFOLDED_BYTES = 4 << 20
_MAX_STREAMS = 64
_HEADER = re.compile(rb"%PDF-[12]\.\d")
_PAGES = re.compile(rb"/Type\s*/Pages\b")
_COUNT = re.compile(rb"/Count\s+(\d{1,6})\b")
_PAGE = re.compile(rb"/Type\s*/Page\b")
_STREAM = re.compile(rb"/Type\s*/ObjStm\b")
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a PDF says of itself. None and "" where it does not say, or where it is locked."""

    page_count: int | None
    created_at: datetime | None          # aware
    title: str
    has_encryption: bool


def recognise(data: bytes) -> bool:
    """True for a PDF that begins and ends as one: the header in its first 1024 bytes, %%EOF near the end."""
    return (_HEADER.search(data, 0, 1024) is not None and data.rfind(b"%%EOF", -2048) >= 0
            and data.rfind(b"startxref", -4096) >= 0)


def describe(data: bytes, *, time_zone: tzinfo | None = None) -> PdfFacts:
    """Page count, creation time and title where they are plain. A time without zone is in `time_zone`."""
    has_encryption = re.search(rb"/Encrypt\s*(\d{1,10}\s+\d{1,5}\s+R|<<)", data) is not None
    text = data + b"\n" + _unfolded(data)
    return PdfFacts(
        page_count=_page_count(text),
        created_at=None if has_encryption else _time(_string(text, b"/CreationDate"), time_zone),
        title="" if has_encryption else _words(_string(text, b"/Title")), has_encryption=has_encryption,
    )


def _unfolded(data: bytes) -> bytes:
    """The object streams of the file, as far as they are deflated and small."""
    out: list[bytes] = []
    left = _MAX_UNFOLDED_BYTES
    for number, found in enumerate(_STREAM.finditer(data)):
        begin = data.find(b"stream", found.end(), found.end() + 1024)
        if number >= _MAX_STREAMS or begin < 0 or left <= 0:
            break
        begin += len(b"stream")
        begin += 2 if data[begin:begin + 2] == b"\r\n" else 1
        try:
            part = zlib.decompressobj().decompress(data[begin:begin + _MAX_UNFOLDED_BYTES], left)
        except zlib.error:
            continue
        left -= len(part)
        out.append(part)
    return b"\n".join(out)


def _page_count(text: bytes) -> int | None:
    """The largest count of a page tree; where it is not next to its type, the pages themselves."""
    counts: list[int] = []
    for found in islice(_PAGES.finditer(text), MAX_PAGES // 10):
        begin = max(text.rfind(b"obj", max(0, found.start() - 4096), found.start()), found.start() - 4096, 0)
        near = text[begin:found.end() + 4096]
        counts += [int(count) for count in _COUNT.findall(near.split(b"endobj")[0])]
    most = max(counts, default=0) or sum(1 for _ in _PAGE.finditer(text))
    return most if 0 < most <= MAX_PAGES else None


def _string(text: bytes, key: bytes) -> bytes:
    """The literal or hexadecimal string after a key, raw."""
    found = re.search(re.escape(key) + rb"\s*(\(|<)(?!<)", text)
    if found is None:
        return b""
    if found.group(1) == b"<":
        digits = re.sub(rb"\s", b"", text[found.end():found.end() + 4096].split(b">")[0])
        if not re.fullmatch(rb"[0-9A-Fa-f]*", digits):
            return b""
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    return _literal(text[found.end():found.end() + 4096])


def _literal(text: bytes) -> bytes:
    """A string up to its closing bracket, escapes undone (ISO 32000-1, 7.3.4.2)."""
    out, at, depth = bytearray(), 0, 0
    while at < len(text):
        byte = text[at:at + 1]
        if byte == b"\\":
            octal = re.match(rb"[0-7]{1,3}", text[at + 1:at + 4])
            if octal:
                out.append(int(octal.group(), 8) & 0xFF)
                at += 1 + len(octal.group())
                continue
            following = text[at + 1:at + 2]
            out += b"" if following in (b"\n", b"\r") else _ESCAPES.get(following, following)
            at += 2
            continue
        if byte == b")" and depth == 0:
            return bytes(out)
        depth += (byte == b"(") - (byte == b")")
        out += byte
        at += 1
    return b""


def _words(raw: bytes) -> str:
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace").replace("\0", "").strip()
    return utf8_or_chinese(raw.removeprefix(b"\xef\xbb\xbf")).replace("\0", "").strip()


def _time(raw: bytes, time_zone: tzinfo | None) -> datetime | None:
    found = _DATE.match(_words(raw))
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    zone: tzinfo | None = time_zone
    if found.group(7):
        zone = UTC
    elif found.group(8):
        away = timedelta(hours=int(found.group(9)), minutes=int(found.group(10) or 0))
        zone = timezone(-away if found.group(8) == "-" else away) if away < timedelta(hours=24) else None
    if zone is None or year is None:
        return None
    try:
        return datetime(year, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=zone)
    except ValueError:
        return None
