"""Time-stamped annotation lists of EDF+: where each data record begins, and what was marked when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from gateway.core.charset import utf8_or_chinese

MAX_ANNOTATIONS = 20_000
_STAMP = re.compile(rb"([+-]\d{1,12}(?:\.\d{1,12})?)(?:\x15(\d{1,12}(?:\.\d{1,12})?))?\x14")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text at a time, in seconds after the start that the header states."""

    onset_s: Fraction
    duration_s: Fraction | None
    text: str


def record_lists(records: Iterable[bytes]) -> tuple[list[Fraction | None], list[Annotation]]:
    """The onset of each record (None where its first list does not tell), and every annotation with a text."""
    onsets: list[Fraction | None] = []
    annotations: list[Annotation] = []
    for record in records:
        onset: Fraction | None = None
        for number, entry in enumerate(part for part in record.split(b"\0") if part):
            stamp = _STAMP.match(entry)
            if stamp is None:
                continue
            if number and len(annotations) >= MAX_ANNOTATIONS:
                break                                   # the first list alone says when the record begins
            at = Fraction(stamp.group(1).decode())
            texts = entry[stamp.end():].split(b"\x14")
            if number == 0 and (not texts or not texts[0]):
                onset = at                              # the first list of a record begins with an empty text
            lasting = Fraction(stamp.group(2).decode()) if stamp.group(2) else None
            for text in texts:
                if text and len(annotations) < MAX_ANNOTATIONS:
                    annotations.append(Annotation(at, lasting, utf8_or_chinese(text).strip()))
        onsets.append(onset)
    return onsets, annotations
