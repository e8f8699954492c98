"""Damage that knows XML: most of it keeps the document well formed, so that it gets past the parser."""

from __future__ import annotations

import base64
import binascii
import random
import re
from collections.abc import Sequence

from tests.support.format_fuzzing import Damage
from tests.support.fuzzing import mutated

_VALUE = re.compile(r">([^<>]+)<|=\"([^\"]*)\"")
_LEAF = re.compile(r"<(\w+)[^<>/]*>[^<>]*</\1>")
_NASTY = ("", "0", "-1", "1", "1e999", "NaN", "99999999999999999999", "-32769", "Failed", "0.0000001", "2026-02-30",
          "1,2,,3", "AAAA", "&amp;", "\u4e72", "True", "13", "1E15", "-", "1-2", "II", "9" * 400)


def xml_damage_of(originals: Sequence[bytes]) -> Damage:
    """Values changed, elements gone or doubled, packed samples broken and packed again, and plain wounds."""
    texts = [(data.decode(_codec(data)), _codec(data)) for data in originals]

    def damage(chance: random.Random) -> bytes:
        number = chance.randrange(len(texts))
        if chance.random() < 0.25:
            return mutated(chance, originals[number], donors=originals, from_byte=chance.choice((0, 200)))
        text, codec = texts[number]
        for _ in range(chance.randint(1, 4)):
            text = _wound(chance, text)
        return text.encode(codec, "replace")

    return damage


def _codec(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _wound(chance: random.Random, text: str) -> str:
    kind = chance.randrange(8)
    found = list((_LEAF if kind in (0, 1) else _VALUE).finditer(text))
    if not found or kind == 7:
        return text[:chance.randrange(len(text) + 1)] if chance.random() < 0.1 else text
    at = chance.choice(found)
    if kind == 0:
        return text[:at.start()] + text[at.end():]
    if kind == 1:
        return text[:at.end()] + at.group() + text[at.end():]
    start, end = at.span(1) if at.group(1) is not None else at.span(2)
    if kind == 2 and end - start > 100:
        return text[:start] + _broken(chance, text[start:end]) + text[end:]
    if kind == 3:
        other = chance.choice(found)
        return text[:start] + (other.group(1) or other.group(2) or "") + text[end:]
    return text[:start] + chance.choice(_NASTY) + text[end:]


def _broken(chance: random.Random, packed: str) -> str:
    try:
        data = base64.b64decode("".join(packed.split()), validate=True)
    except (binascii.Error, ValueError):
        cut = chance.randrange(len(packed))
        return packed[:cut] + chance.choice(_NASTY) + packed[cut + 3:]
    return base64.b64encode(mutated(chance, data)).decode()
