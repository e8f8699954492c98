"""Text of SCP-ECG files: one language code for the file, devices that ignore it, and UTF-16.

The language support code stands in byte 17 of tag 14 (EN 1064, 5.4.5). Chinese devices write GBK whatever it says, so
everything but UTF-16 goes through the same test of the bytes as DICOM text does.
"""

from __future__ import annotations

import re

from gateway.core.charset import TextReader, to_unicode
from storage.model import Confidence

_TERMS = {
    0x01: b"ISO_IR 100", 0x03: b"ISO_IR 101", 0x0B: b"ISO_IR 110", 0x13: b"ISO_IR 144", 0x1B: b"ISO_IR 127",
    0x23: b"ISO_IR 126", 0x2B: b"ISO_IR 138", 0x33: b"ISO_IR 166", 0x3B: b"ISO_IR 203", 0x0F: b"ISO_IR 13",
    0x27: b"GB18030", 0x2F: b"ISO 2022 IR 149", 0x37: b"ISO_IR 192",
}
_JAPANESE = (0x17, 0x1F)
_UTF16 = 0x07
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CHINESE = re.compile("^[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+$")


class ScpText:
    """Decodes the texts of one file. `sample` is all of them together, for a better guess."""

    def __init__(self, language_code: int = 0, sample: bytes = b"") -> None:
        self._is_wide = language_code == _UTF16
        self._codec = "euc_jp" if language_code in _JAPANESE else None
        self._reader = TextReader(_TERMS.get(language_code, b""), sample=sample)

    def text(self, raw: bytes) -> str:
        """One text, up to its end mark."""
        return self._decode(self.until_end(raw))[0]

    def lines(self, raw: bytes) -> list[str]:
        """The texts of a value that holds several, those that are not empty."""
        if self._looks_wide(raw):
            return [line for part in _wide_parts(raw) if (line := self._decode(part)[0])]
        return [line for part in raw.split(b"\0") if (line := self._decode(part)[0])]

    def name(self, *parts: bytes) -> tuple[str, str, bool, str]:
        """A person's name from its parts, the codec, whether that was a guess, and the bytes in hex if so."""
        decoded = [self._decode(self.until_end(part)) for part in parts]
        words = [text for text, _, _ in decoded if text]
        separator = "" if words and all(_CHINESE.match(word) for word in words) else " "
        codec = next((c for _, c, _ in decoded if c not in ("", "ascii")), "ascii" if words else "")
        is_guessed = any(guessed for _, _, guessed in decoded)
        raw = b" ".join(self.until_end(part) for part in parts if part)
        return separator.join(words), codec, is_guessed, raw.hex() if is_guessed else ""

    def until_end(self, raw: bytes) -> bytes:
        """The bytes before the zero that ends a text."""
        if self._looks_wide(raw):
            return next(iter(_wide_parts(raw)), b"")
        return raw.split(b"\0", 1)[0]

    def _looks_wide(self, raw: bytes) -> bool:
        if self._is_wide or raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return True
        # ASCII letters in UTF-16, although the file does not say so: every other byte is zero.
        return len(raw) >= 6 and not any(raw[1:len(raw) & ~1:2]) and all(raw[0:4:2])

    def _decode(self, raw: bytes) -> tuple[str, str, bool]:
        if self._looks_wide(raw):
            codec = "utf-16-be" if raw[:2] == b"\xfe\xff" else "utf-16-le"
            bare = raw.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
            return _clean(to_unicode(bare, codec, "replace")), codec, False
        if self._codec and not raw.isascii():
            return _clean(to_unicode(raw, self._codec, "replace")), self._codec, False
        decoded = self._reader.decode(raw)
        return _clean(decoded.text), decoded.codec, decoded.confidence is Confidence.GUESSED


def _wide_parts(raw: bytes) -> list[bytes]:
    parts, start = [], 0
    for at in range(0, len(raw) - 1, 2):
        if raw[at:at + 2] == b"\0\0":
            parts.append(raw[start:at])
            start = at + 2
    parts.append(raw[start:start + ((len(raw) - start) & ~1)])
    return parts


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).strip()
