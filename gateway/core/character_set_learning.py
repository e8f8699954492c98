"""Learn from a device's traffic how it writes names, and when to suggest a rule for it (C4).

One study counts once, the newest ones only, so that a device whose settings were put right is soon known as right.
A suggestion is made when the device mislabels steadily: a person confirms it, the gateway never sets a rule itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.charset import python_codec
from storage.model import CharacterSetNote, Confidence

NEWEST_STUDIES = 500
NEEDED_NAMES = 20
NEEDED_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the names of a device taught us."""

    names: int                           # studies whose name is not plain ASCII
    mislabelled: int                     # of these, where the declaration is missing or wrong
    suggestion: str                      # the codec to set for the device; "": leave it as it is
    share: float                         # of the names, that the most frequent codec reads


def lesson(notes: Sequence[CharacterSetNote], rule: str) -> Lesson:
    """Judge the newest notes of one device, whose rule in force is `rule` ("" for none)."""
    codecs = Counter(note.codec for note in notes)
    mislabelled = Counter(note.codec for note in notes if note.confidence is Confidence.GUESSED)
    if not codecs:
        return Lesson(0, 0, "", 0.0)
    codec, read = codecs.most_common(1)[0]
    share = read / len(notes)
    known = _codec_of(rule)
    is_steady = len(notes) >= NEEDED_NAMES and share >= NEEDED_SHARE
    is_needed = mislabelled[codec] >= NEEDED_NAMES or (rule != "" and known != codec)
    suggestion = codec if is_steady and is_needed and codec != known else ""
    return Lesson(len(notes), mislabelled.total(), suggestion, share)


def _codec_of(rule: str) -> str:
    try:
        return python_codec(rule) if rule else ""
    except LookupError:
        return ""
