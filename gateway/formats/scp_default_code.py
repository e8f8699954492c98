"""The default Huffman code of SCP-ECG (table 19999), decoded several samples at a time.

Nearly every file uses it. Its codes are short, so a table over 16 bits tells at once how many whole codes they hold,
how long these are together, and their values. We look that up for every bit position, follow the leaps in a short
loop, and take the values of all leaps by one array operation. Only the two codes that carry a number of 8 or 16 bits
behind ten bits are read from the stream. The code is complete: there are no bits that it cannot read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gateway.formats.scp_bits import WINDOW, OutOfCodes, Stretch

SHORTEST_NUMBER, NUMBER_8, NUMBER_16 = 10, 0b1111111110, 0b1111111111
_LONGEST = 8                                 # the value up to which codes need no number
_STRETCH_OCTETS = 8192
_BEHIND = 32                                 # bits that the last leap of a stretch may reach beyond it


@dataclass(frozen=True, slots=True)
class _Leaps:
    """What each window of 16 bits holds. A number code alone has its whole length, and a value read elsewhere."""

    bits: NDArray[np.uint8]                  # of all whole codes together
    counts: NDArray[np.uint8]
    values: NDArray[np.int8]                 # (65536, 16)
    first_bits: NDArray[np.uint8]            # of the first code alone


def decode_default(data: bytes, count: int) -> tuple[NDArray[np.int64], int]:
    """The first `count` values, and how many bytes they took. Raises OutOfCodes."""
    out = np.empty(count, dtype=np.int64)
    filled, bit = 0, 0
    while filled < count:
        if bit >= len(data) * 8:
            raise OutOfCodes(f"The compressed samples end after {filled} of {count}.")
        first_octet = bit // 8
        stretch = Stretch(data, first_octet, _STRETCH_OCTETS)
        values, end = _values(stretch, bit - first_octet * 8, count - filled)
        out[filled:filled + len(values)] = values
        filled += len(values)
        bit = end + first_octet * 8
    if bit > len(data) * 8:
        raise OutOfCodes(f"The compressed samples end before the last of {count}.")
    return out, (bit + 7) // 8


def _values(stretch: Stretch, start: int, wanted: int) -> tuple[NDArray[np.int64], int]:
    """At most `wanted` values from bit `start`, and the bit behind the last."""
    leaps = _leaps()
    windows = stretch.windows()
    size = stretch.size
    following = np.arange(size + _BEHIND, dtype=np.int64)
    following[:size] += leaps.bits.take(windows)
    places = _places(following, start, size, wanted)
    seen = windows.take(places)
    counts = leaps.counts.take(seen)
    values = leaps.values.take(seen, axis=0)[counts[:, None] > _COLUMNS].astype(np.int64)
    bits = leaps.bits.take(seen)
    numbers = np.flatnonzero(bits > WINDOW)
    if len(numbers):
        widths = bits[numbers].astype(np.int64) - SHORTEST_NUMBER
        raw = stretch.bits_before(places[numbers] + bits[numbers]) & ((1 << widths) - 1)
        values[np.cumsum(counts, dtype=np.int64)[numbers] - 1] = raw - ((raw >> (widths - 1)) << widths)
    if len(values) <= wanted:
        return values, int(following[places[-1]])
    return values[:wanted], _end_of(wanted, places, counts, windows, leaps)


def _places(following: NDArray[np.int64], start: int, size: int, wanted: int) -> NDArray[np.int64]:
    """Where the leaps begin that hold `wanted` values or reach the end; behind the end a place leads to itself."""
    twice = following.take(following)
    far: Sequence[int] = memoryview(twice.take(twice))      # type: ignore[arg-type]
    met: list[int] = []
    at = start
    for _ in range((wanted + 3) // 4):       # each leap holds one value at least
        met.append(at)
        at = far[at]
        if at >= size:
            break
    places = np.empty((len(met), 4), dtype=np.int64)
    places[:, 0] = met
    places[:, 2] = twice.take(places[:, 0])
    places[:, 1::2] = following.take(places[:, 0::2])
    flat = places.reshape(-1)
    return flat[flat < size]


def _end_of(wanted: int, places: NDArray[np.int64], counts: NDArray[np.uint8], windows: NDArray[np.uint16],
            leaps: _Leaps) -> int:
    """The bit behind code number `wanted`, which lies inside a leap."""
    before = np.cumsum(counts, dtype=np.int64)
    leap = int(np.searchsorted(before, wanted))
    at = int(places[leap])
    window = int(windows[at])
    for _ in range(wanted - (int(before[leap - 1]) if leap else 0)):
        size = int(leaps.first_bits[window])
        at += size
        window = window << size & 0xFFFF     # enough for the codes of this leap, which all lie in its window
    return at


_COLUMNS = np.arange(WINDOW, dtype=np.uint8)


@lru_cache(maxsize=1)
def _leaps() -> _Leaps:
    windows = np.arange(1 << WINDOW, dtype=np.int64)
    first_bits, first_values = _first_codes(windows)
    bits = np.zeros(len(windows), dtype=np.int64)
    counts = np.zeros(len(windows), dtype=np.int64)
    values = np.zeros((len(windows), WINDOW), dtype=np.int8)
    open_, rest = np.ones(len(windows), dtype=np.bool_), windows.copy()
    for column in range(WINDOW):
        size = first_bits[rest]
        open_ &= bits + size <= WINDOW
        values[open_, column] = first_values[rest[open_]]
        counts[open_] += 1
        bits[open_] += size[open_]
        rest = rest << size & 0xFFFF
    alone = counts == 0                      # a code with a number is longer than the window
    bits[alone], counts[alone] = first_bits[alone], 1
    return _Leaps(bits.astype(np.uint8), counts.astype(np.uint8), values, first_bits.astype(np.uint8))


def _first_codes(windows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Length and value of the code that each window begins with."""
    bits = np.ones(len(windows), dtype=np.int64)
    values = np.zeros(len(windows), dtype=np.int64)
    for size in range(1, _LONGEST + 1):      # `size` ones, a zero, and the sign
        found = np.equal(windows >> (WINDOW - 1 - size), (1 << size + 1) - 2)
        sign = windows >> (WINDOW - 2 - size) & 1
        bits[found] = size + 2
        values[found] = np.where(sign == 1, -size, size)[found]
    bits[windows >> (WINDOW - SHORTEST_NUMBER) == NUMBER_8] = SHORTEST_NUMBER + 8
    bits[windows >> (WINDOW - SHORTEST_NUMBER) == NUMBER_16] = SHORTEST_NUMBER + 16
    return bits, values
