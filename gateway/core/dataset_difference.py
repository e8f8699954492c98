"""Name the difference between two data sets element by element, so that a person can decide which one is right.

Both are given as flat lists of shown elements; a place inside a sequence is its path (PS3.3 writes it with ">").
Equal means equal values, not equal bytes: another transfer syntax or padding alone is no difference of an element.
Pure: the elements were read by gateway/formats/shown_elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Place = tuple[int, ...]
"""Tag, item number from 1, tag, item number, …, tag: where an element stands; sorts as the data set does."""


@dataclass(frozen=True, slots=True)
class ShownElement:
    """One element with its value as a person reads it."""

    place: Place
    keyword: str                         # "" for a private or unknown element
    name: str                            # the standard's English name, or the private creator's
    vr: str
    text: str                            # decoded and cut for showing
    sameness: str                        # two values are the same if this is: whole text, or hash of the bytes


class DifferenceKind(StrEnum):
    CHANGED = "changed"
    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"


@dataclass(frozen=True, slots=True)
class ElementDifference:
    """One element that is not the same in both."""

    kind: DifferenceKind
    first: ShownElement | None
    second: ShownElement | None

    @property
    def element(self) -> ShownElement:
        """Whichever of the two is there."""
        found = self.first or self.second
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class DatasetDifference:
    """What differs, in the order of the data set, and how many elements are the same."""

    differences: tuple[ElementDifference, ...]
    equal_count: int


def dataset_difference(first: Iterable[ShownElement], second: Iterable[ShownElement]) -> DatasetDifference:
    """Compare two data sets. Elements inside sequences are compared item by item, by position."""
    one, other = {e.place: e for e in first}, {e.place: e for e in second}
    found: list[ElementDifference] = []
    equal = 0
    for place in sorted(one.keys() | other.keys()):
        a, b = one.get(place), other.get(place)
        if a is None:
            found.append(ElementDifference(DifferenceKind.ONLY_SECOND, None, b))
        elif b is None:
            found.append(ElementDifference(DifferenceKind.ONLY_FIRST, a, None))
        elif a.sameness != b.sameness:
            found.append(ElementDifference(DifferenceKind.CHANGED, a, b))
        else:
            equal += 1
    return DatasetDifference(tuple(found), equal)


def path_text(place: Place) -> str:
    """The place as people write it: (0040,0275)[1] > (0008,1110)[2] > (0008,1155)."""
    steps = [f"{tag_text(place[at])}[{place[at + 1]}]" for at in range(0, len(place) - 1, 2)]
    return " > ".join([*steps, tag_text(place[-1])])


def tag_text(tag: int) -> str:
    """(0010,0010)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


class PixelVerdict(StrEnum):
    IDENTICAL = "identical"              # every pixel of every frame
    DIFFERENT = "different"              # the same shape, other values
    SHAPE = "shape"                      # another size, number of frames or samples
    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"
    NONE = "none"                        # neither has pixels
    UNDECODED = "undecoded"              # one of them cannot be decoded here, or it is too large to compare


@dataclass(frozen=True, slots=True)
class PixelDifference:
    """The pixel data of two objects in one line."""

    verdict: PixelVerdict
    first_shape: tuple[int, ...] = ()    # frames, rows, columns, samples
    second_shape: tuple[int, ...] = ()
    differing: int = 0                   # pixels that are not the same, of `compared`
    compared: int = 0
    largest: float = 0.0                 # the largest difference of two stored values
    is_whole: bool = True                # False: only the first frames were compared


def shape_verdict(first: Sequence[int] | None, second: Sequence[int] | None) -> PixelVerdict | None:
    """What the shapes alone decide; None: the values must be compared."""
    if first is None or second is None:
        return {(True, True): PixelVerdict.NONE, (False, True): PixelVerdict.ONLY_FIRST,
                (True, False): PixelVerdict.ONLY_SECOND}[first is None, second is None]
    return None if tuple(first) == tuple(second) else PixelVerdict.SHAPE
