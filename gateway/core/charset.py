"""Read the text of a data set as the device meant it, and say when that was a guess.

PS3.5 6.1 lets (0008,0005) name the character set; Chinese devices often leave it out, name another, or write a term
that does not exist. Order: the rule an administrator set for the device, then what was declared if the bytes agree,
then a test of the bytes. GBK and GB2312 are read with the GB18030 tables, and these with the characters of 2022.
Values are split on backslash and caret after decoding, because the second byte of a GBK character may be 0x5C or 0x5E
(乗, 玘).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from storage.model import Confidence, PatientName

_ESC = 0x1B

_TERMS = {
    "": "ascii", "ISO_IR 6": "ascii", "ISO 2022 IR 6": "ascii",
    "ISO_IR 100": "latin-1", "ISO 2022 IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2", "ISO 2022 IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3", "ISO 2022 IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4", "ISO 2022 IR 110": "iso8859-4",
    "ISO_IR 144": "iso8859-5", "ISO 2022 IR 144": "iso8859-5",
    "ISO_IR 127": "iso8859-6", "ISO 2022 IR 127": "iso8859-6",
    "ISO_IR 126": "iso8859-7", "ISO 2022 IR 126": "iso8859-7",
    "ISO_IR 138": "iso8859-8", "ISO 2022 IR 138": "iso8859-8",
    "ISO_IR 148": "iso8859-9", "ISO 2022 IR 148": "iso8859-9",
    "ISO_IR 203": "iso8859-15", "ISO 2022 IR 203": "iso8859-15",
    "ISO_IR 166": "tis-620", "ISO 2022 IR 166": "tis-620",
    "ISO_IR 13": "shift_jis", "ISO 2022 IR 13": "shift_jis",
    "ISO 2022 IR 87": "iso2022_jp", "ISO 2022 IR 159": "iso2022_jp_2",
    "ISO 2022 IR 149": "euc_kr", "ISO 2022 IR 58": "gb18030",
    "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gb18030",
}
# Words that devices write although the standard does not have them.
_MISSPELLED = {
    "GB2312": "gb18030", "GB_2312-80": "gb18030", "GB2312-80": "gb18030", "CP936": "gb18030", "ISO_IR 58": "gb18030",
    "ISO IR 58": "gb18030", "GB 18030": "gb18030", "GB18030-2000": "gb18030", "GB18030-2005": "gb18030",
    "UTF-8": "utf-8", "UTF8": "utf-8", "ISO IR 192": "utf-8", "ISO_IR192": "utf-8", "ISO 2022 IR 192": "utf-8",
    "UNICODE": "utf-8", "ISO IR 100": "latin-1", "ISO-8859-1": "latin-1", "ASCII": "ascii",
}
_ESCAPES = {                                   # PS3.3 C.12.1.1.2: what follows ESC, and the codec until the next
    b"(B": "ascii", b"(J": "shift_jis", b")I": "shift_jis", b"-A": "latin-1", b"-B": "iso8859-2", b"-C": "iso8859-3",
    b"-D": "iso8859-4", b"-L": "iso8859-5", b"-G": "iso8859-6", b"-F": "iso8859-7", b"-H": "iso8859-8",
    b"-M": "iso8859-9", b"-b": "iso8859-15", b"-T": "tis-620", b"$)A": "gb18030", b"$)C": "euc_kr",
    b"$B": "iso2022_jp", b"$@": "iso2022_jp", b"$(D": "iso2022_jp_2",
}
_NEW_IN_2022 = {                    # Python's tables are those of the year 2000: what they call private use
    0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7, 0xE832: 0x9FB8, 0xE843: 0x9FB9, 0xE854: 0x9FBA,
    0xE864: 0x9FBB, 0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11, 0xE790: 0xFE13, 0xE791: 0xFE14, 0xE792: 0xFE15,
    0xE793: 0xFE16, 0xE794: 0xFE17, 0xE795: 0xFE18, 0xE796: 0xFE19, 0xE7C7: 0x1E3F, 0xE816: 0x20087, 0xE817: 0x20089,
    0xE818: 0x200CC, 0xE831: 0x215D7, 0xE83B: 0x2298F, 0xE855: 0x241FE,
}
_BEFORE_2022 = {new: old for old, new in _NEW_IN_2022.items()}
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HAN_WIDE = re.compile("[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Text, and how we know it. `raw_hex` is kept when it was a guess, so that a person can correct it."""

    text: str
    confidence: Confidence
    codec: str
    raw_hex: str = ""


def python_codec(name: str) -> str:
    """Return the codec we use for a name that an administrator gave. Raises LookupError if there is none."""
    known = _TERMS.get(name.strip().upper()) or _MISSPELLED.get(name.strip().upper())
    if known:
        return known
    codec = codecs.lookup(name).name
    return "gb18030" if codec in ("gbk", "gb2312", "gb18030", "cp936") else codec


def to_unicode(data: bytes, codec: str, errors: str = "strict") -> str:
    """Decode text of any format; GB18030 with the characters of 2022. Raises UnicodeDecodeError, LookupError."""
    text = data.decode(codec, errors)
    return text.translate(_NEW_IN_2022) if codec in ("gb18030", "gbk", "gb2312") and not text.isascii() else text


def from_unicode(text: str, codec: str, errors: str = "replace") -> bytes:
    """Encode; the characters that GB18030 got in 2022 by their codes of two bytes, which older consoles show too."""
    return text.translate(_BEFORE_2022).encode(codec, errors) if codec == "gb18030" else text.encode(codec, errors)


def utf8_or_chinese(data: bytes) -> str:
    """Decode text that names no character set: UTF-8 if it is that, otherwise GB18030, leniently."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return to_unicode(data, "gb18030", "replace")


def as_declared(declared: bytes, raw: bytes) -> str:
    """The text as a program shows it that trusts the declaration; without one, as most do: in Latin-1."""
    terms = tuple(t.strip(" \0").upper() for t in declared.decode("ascii", "replace").split("\\"))
    codec = _declared_codec(terms)
    raw = raw.rstrip(b"\0 ")
    if _ESC in raw:
        return _tidy(_decode_escapes(raw, codec))
    return _tidy(_decode_leniently(raw, codec if codec and codec != "ascii" else "latin-1"))


class TextReader:
    """Decodes the text elements of one data set.

    Parameters
    ----------
    declared
        The bytes of Specific Character Set (0008,0005), b"" if absent.
    device_codec
        The rule set for this device, None if there is none.
    sample
        Text bytes of the data set together; more bytes make a better guess than one name alone.
    """

    def __init__(self, declared: bytes, *, device_codec: str | None = None, sample: bytes = b"") -> None:
        self._terms = tuple(t.strip(" \0").upper() for t in declared.decode("ascii", "replace").split("\\"))
        self._device_codec = _known_codec(device_codec)
        self._declared_codec = _declared_codec(self._terms)
        self._sample = sample

    def decode(self, raw: bytes) -> DecodedText:
        """Return the text of one element, its values not yet split."""
        raw = raw.rstrip(b"\0 ")
        if raw.isascii() and _ESC not in raw:
            return DecodedText(_tidy(raw.decode("ascii")), Confidence.DECLARED, "ascii")
        if _ESC in raw:
            return DecodedText(_tidy(_decode_escapes(raw, self._declared_codec)), Confidence.DECLARED, "iso2022")
        codec, confidence = self._choose(raw)
        raw_hex = raw.hex() if confidence is Confidence.GUESSED else ""
        return DecodedText(_tidy(_decode_leniently(raw, codec)), confidence, codec, raw_hex)

    def values(self, raw: bytes) -> list[str]:
        """Return the values of a multi-valued text element; the backslash counts only after decoding."""
        if raw.isascii() and _ESC not in raw:               # nearly every element of nearly every object
            return [v.replace("\0", "").strip() for v in raw.decode("ascii").split("\\")]
        return [_tidy(v) for v in self.decode(raw).text.split("\\")]

    def person_name(self, raw: bytes) -> PatientName:
        """Return a name of VR PN by its component groups (PS3.5 6.2.1)."""
        decoded = self.decode(raw)
        groups = [_show_group(g) for g in decoded.text.split("\\")[0].split("=")]
        groups += [""] * (3 - len(groups))
        return PatientName(display=groups[1] or groups[0] or groups[2], alphabetic=groups[0], ideographic=groups[1],
                           confidence=decoded.confidence, encoding=decoded.codec, raw_hex=decoded.raw_hex)

    def _choose(self, raw: bytes) -> tuple[str, Confidence]:
        if self._device_codec and _fits(raw, self._device_codec):
            return self._device_codec, Confidence.DEVICE_RULE
        declared = self._declared_codec
        if declared and _agrees(raw, declared) and (declared == "utf-8" or not _is_chinese_utf8(raw)):
            return declared, Confidence.DECLARED
        guess = _guess(raw, self._sample)
        if guess is None:                       # nothing better than what was declared
            return "latin-1" if declared is None or declared == "ascii" else declared, Confidence.GUESSED
        return guess, Confidence.DECLARED if guess == declared else Confidence.GUESSED


def _known_codec(name: str | None) -> str | None:
    """The codec of a device's rule; a rule that cannot be followed must not stop its images (no rule, then)."""
    try:
        return python_codec(name) if name else None
    except LookupError:
        return None


def _declared_codec(terms: Sequence[str]) -> str | None:
    """One codec for the terms. GB18030, GBK and UTF-8 allow no code extensions, so they win over their neighbours."""
    found = [_TERMS.get(t, _MISSPELLED.get(t)) for t in terms]
    for alone in ("gb18030", "utf-8"):
        if alone in found:
            return alone
    for codec in found:
        if codec not in (None, "ascii"):
            return codec
    return "ascii" if "ascii" in found else None


def _agrees(raw: bytes, codec: str) -> bool:
    """True if bytes above 0x7F make sense in the declared codec."""
    if codec == "ascii":
        return False
    if not _fits(raw, codec):
        return False
    return codec != "latin-1" or not _looks_like_gbk(raw)


def _fits(raw: bytes, codec: str) -> bool:
    """True if it decodes, up to one character cut in half at the end."""
    try:
        codecs.getincrementaldecoder(codec)("strict").decode(raw, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese_utf8(raw: bytes) -> bool:
    """True if these are UTF-8 bytes of Chinese text. GBK text hardly ever happens to be that (C2)."""
    return _fits(raw, "utf-8") and _CJK.search(_decode_leniently(raw, "utf-8")) is not None


def _looks_like_gbk(raw: bytes) -> bool:
    """Tell GBK from Latin-1: Chinese comes in pairs of high bytes, a western letter stands between ASCII ones."""
    if not _fits(raw, "gb18030"):
        return False
    text = _decode_leniently(raw, "gb18030").replace("\ufffd", "")
    strange = [c for c in text if ord(c) >= 0x80 and not _HAN_WIDE.match(c)]
    if strange or not _CJK.search(text):
        return False
    pairs = lone = symbols = 0
    at = 0
    while at < len(raw):
        if raw[at] < 0x80:
            at += 1
            continue
        trail = raw[at + 1] if at + 1 < len(raw) else 0
        if trail >= 0x80:
            pairs += 1
        elif raw[at] < 0xC0:                   # in Latin-1 a control or a symbol, never a letter
            symbols += 1
        else:
            lone += 1
        at += 2
    return pairs + symbols > lone


def _guess(raw: bytes, sample: bytes) -> str | None:
    """Test the bytes themselves, helped by the other text of the data set."""
    for evidence in (raw, sample):
        if not any(b >= 0x80 for b in evidence):
            continue
        if _is_chinese_utf8(evidence) and _fits(raw, "utf-8"):
            return "utf-8"
        if _looks_like_gbk(evidence) and _fits(raw, "gb18030"):
            return "gb18030"
    if _fits(raw, "utf-8"):
        return "utf-8"
    return None


def _decode_leniently(raw: bytes, codec: str) -> str:
    """Decode; a character cut in half at the end becomes one replacement character."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    text = decoder.decode(raw, final=False)
    if codec == "gb18030" and not text.isascii():
        text = text.translate(_NEW_IN_2022)
    return text + "\ufffd" if decoder.getstate()[0] else text


def _decode_escapes(raw: bytes, declared: str | None) -> str:
    """Decode text with ISO 2022 escape sequences, leniently: the codec stays until the next escape."""
    codec = declared or "ascii"
    out: list[str] = []
    for part in re.split(rb"(?=\x1b)", raw):
        if part[:1] == b"\x1b":
            for escape in sorted(_ESCAPES, key=len, reverse=True):
                if part[1:].startswith(escape):
                    codec = _ESCAPES[escape]
                    if not codec.startswith("iso2022"):       # those codecs want their escape, the others do not
                        part = part[1 + len(escape):]
                    break
            else:
                part = part[1:]
        usable = "latin-1" if codec == "ascii" and any(b >= 0x80 for b in part) else codec
        out.append(_decode_leniently(part, usable))
    return "".join(out)


def _tidy(text: str) -> str:
    """Drop padding; a full-width space is a space."""
    return text.replace("\u3000", " ").replace("\0", "").strip()


def _show_group(group: str) -> str:
    """Components as a person writes them: Chinese without spaces between, others with."""
    components = [c.strip() for c in group.split("^")]
    components = [c for c in components if c]
    if components and all(_CJK.search(c) for c in components):
        return "".join(components)
    return " ".join(components)
