"""Write text for a peer in the character set that it can show (C5).

Query and answer may differ in character set, and some consoles never say which one they know. Order: what an
administrator set for the device, then what its query declared, then UTF-8. Names carry both component groups,
"Wang^Xiaoming=王小明", so that a console without Chinese shows the Latin one; where the character set itself has no
Chinese, text is spelled in pinyin and the name has its alphabetic group alone.
"""

from __future__ import annotations

from gateway.core.charset import from_unicode, python_codec
from gateway.core.pinyin import has_chinese, pinyin_name, pinyin_text
from storage.model import Device

DEFAULT_CHARACTER_SET = "ISO_IR 192"
LATIN_LETTERS = "ISO_IR 6"
GB2312_BY_ESCAPE = "\\ISO 2022 IR 58"

_WITH_CHINESE = frozenset({"ISO_IR 192", "GB18030", "GBK", GB2312_BY_ESCAPE})
_CODECS = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk", GB2312_BY_ESCAPE: "gb2312",
           LATIN_LETTERS: "ascii"}
_TERM_OF_CODEC = {"utf-8": "ISO_IR 192", "gb18030": "GB18030", "ascii": LATIN_LETTERS, "latin-1": "ISO_IR 100"}
_ESCAPE_TO_GB2312 = b"\x1b$)A"


def answer_character_set(device: Device | None, query_character_set: str) -> str:
    """Return the Specific Character Set (0008,0005) of an answer; "ISO_IR 6" asks for Latin letters alone.

    Parameters
    ----------
    query_character_set
        As the query declares it, values apart by backslash; "" where it declares none.
    """
    for wish in (device.answer_character_set if device else "", query_character_set):
        if wish.strip():
            return _term(wish) or DEFAULT_CHARACTER_SET
    return DEFAULT_CHARACTER_SET


def is_character_set(wish: str) -> bool:
    """True if answers can be written as an administrator wishes ("pinyin" too)."""
    return bool(_term(wish))


def encode_for(text: str, specific_character_set: str, *, is_person_name: bool = False,
               longest: int | None = None) -> bytes:
    """Return the bytes of a text element, unpadded.

    Parameters
    ----------
    text
        Decoded text. A name is one component group as written (王小明, Wang^Xiaoming) or several
        ("Wang^Xiaoming=王小明").
    specific_character_set
        What `answer_character_set` returned.
    longest
        Characters that the VR allows; what is longer is cut (a name: each component group).
    """
    charset = specific_character_set if specific_character_set in _CODECS else _term(specific_character_set)
    charset = charset or LATIN_LETTERS
    codec = _CODECS.get(charset) or python_codec(charset)
    if is_person_name:
        written = _person_name(text, codec, has_both=charset in _WITH_CHINESE, longest=longest)
    else:
        written = (text if charset in _WITH_CHINESE or _fits(text, codec) else pinyin_text(text))[:longest]
    return _by_escape(written) if charset == GB2312_BY_ESCAPE else from_unicode(written, codec)


def _person_name(text: str, codec: str, *, has_both: bool, longest: int | None) -> str:
    groups = [group.strip() for group in text.split("=")][:3]
    ideographic = next((group for group in [*groups[1:2], *groups[:1]] if has_chinese(group)), "")
    alphabetic = groups[0] if groups[0] and not has_chinese(groups[0]) else pinyin_name(ideographic)
    if not _fits(alphabetic, codec):
        alphabetic = pinyin_text(alphabetic)
    if not has_both or not ideographic:
        return alphabetic[:longest]
    phonetic = f"={groups[2][:longest]}" if len(groups) == 3 and groups[2] else ""
    return f"{alphabetic[:longest]}={ideographic[:longest]}{phonetic}"


def _by_escape(text: str) -> bytes:
    """GB2312 by ISO 2022 escapes: the designation ends with every component, value and line (PS3.5 6.1.2.5.3)."""
    out, part = bytearray(), ""
    for character in [*text, ""]:
        if character and character not in "^=\\\r\n\f\t":
            part += character
            continue
        out += (b"" if part.isascii() else _ESCAPE_TO_GB2312) + part.encode("gb2312", "replace")
        out += character.encode("ascii")
        part = ""
    return bytes(out)


def _term(wish: str) -> str:
    """The term that we can write for what a device or an administrator says; "" if there is none."""
    terms = [term.strip().upper() for term in wish.split("\\") if term.strip()]
    if "PINYIN" in terms:
        return LATIN_LETTERS
    if "ISO 2022 IR 58" in terms:
        return GB2312_BY_ESCAPE
    if "GBK" in terms:
        return "GBK"
    for term in terms:
        try:
            codec = python_codec(term)
        except LookupError:
            continue
        if codec in _TERM_OF_CODEC:
            return _TERM_OF_CODEC[codec]
        if term.startswith("ISO_IR "):
            return term
    return ""


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
