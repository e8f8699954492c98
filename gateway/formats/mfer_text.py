"""Text inside MFER files: the character set they name (03h), else the one that their bytes look like."""

from __future__ import annotations

import codecs
import re

from gateway.core.charset import to_unicode

_BY_NAME = (("jis x 0201", "shift_jis"), ("jis x 0208", "iso2022_jp"), ("rfc 1468", "iso2022_jp"),
            ("iso 2022", "iso2022_jp"), ("unicode", "utf-16-le"), ("gb", "gb18030"), ("iso 646", "ascii"),
            ("ansi x3.4", "ascii"))
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")


class MferText:
    """Decodes the texts of one file. `declared` is the value of 03h as it stands."""

    def __init__(self) -> None:
        self._codec: str | None = None

    def declare(self, name: bytes) -> None:
        word = name.decode("ascii", "replace").strip("\0 ").lower()
        self._codec = next((codec for prefix, codec in _BY_NAME if word.startswith(prefix)), None)
        if self._codec is None and word:
            try:
                found = codecs.lookup(word)
            except (LookupError, ValueError):
                return
            # Only codecs of text: Python's registry also knows ways to pack bytes.
            self._codec = found.name if getattr(found, "_is_text_encoding", True) else None

    def decode(self, raw: bytes) -> tuple[str, str, bool]:
        """The text, the codec used, and whether that is a guess."""
        if not raw.strip(b"\0 "):
            return "", "ascii", False
        codec, is_guessed = self._choose(raw)
        try:
            text = to_unicode(raw, codec, "replace")
        except (LookupError, ValueError, AssertionError):
            codec, is_guessed, text = "latin-1", True, raw.decode("latin-1")
        return text.replace("\0", "").replace("\u3000", " ").strip(), codec, is_guessed

    def _choose(self, raw: bytes) -> tuple[str, bool]:
        bare = raw.rstrip(b"\0")
        if _is_utf_16(raw):
            return "utf-16-le", self._codec != "utf-16-le" and not raw.decode("utf-16-le", "replace").isascii()
        if bare.isascii() and b"\x1b" not in bare and self._codec not in ("utf-16-le", "utf-16"):
            return "ascii", False
        if self._codec is not None and self._codec != "ascii" and _fits(raw, self._codec):
            return self._codec, False
        return _guess(bare), True


def person_name(text: str) -> str:
    """A name of parts between carets, as a person writes it; nothing between parts in Chinese or Japanese."""
    parts = [part.strip() for part in text.split("^") if part.strip()]
    return ("" if parts and all(_WIDE.search(part) for part in parts) else " ").join(parts)


def _is_utf_16(raw: bytes) -> bool:
    """Little-endian UTF-16 shows by the zero beside each ASCII character, or by its mark."""
    if raw.startswith(b"\xff\xfe"):
        return True
    even = raw.rstrip(b"\0")
    odd = even[1::2]
    return len(raw) >= 4 and odd.count(0) > 0 and 0 not in even[::2] and _fits(raw[:len(raw) // 2 * 2], "utf-16-le")


def _guess(raw: bytes) -> str:
    """UTF-8; GB 2312, whose characters are pairs of bytes from A1h; else Shift-JIS, else GB18030."""
    if _fits(raw, "utf-8"):
        return "utf-8"
    high = re.findall(rb"[\x80-\xff]+", raw)
    if high and all(len(run) % 2 == 0 and min(run) >= 0xA1 for run in high) and _fits(raw, "gb18030"):
        return "gb18030"
    return next((codec for codec in ("shift_jis", "gb18030") if _fits(raw, codec)), "latin-1")


def _fits(raw: bytes, codec: str) -> bool:
    try:
        raw.decode(codec)
    except (ValueError, LookupError, AssertionError):
        return False
    return True
