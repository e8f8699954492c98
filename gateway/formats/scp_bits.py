"""Bit streams as arrays, first bit highest: what begins at every bit, and what ends before a bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable

WINDOW = 16
"""Bits that a look-up table sees at once."""


class OutOfCodes(Unreadable):
    """The bits end, or are no code, before all samples are there."""

    reason = "scp-huffman-data"


class Stretch:
    """Some whole octets of a stream; places are bits from its first. What lies behind the stream reads as zero."""

    def __init__(self, data: bytes, first_octet: int, size_octets: int) -> None:
        self.size = min(size_octets, len(data) - first_octet) * 8
        with_tail = data[first_octet:first_octet + self.size // 8 + 12].ljust(self.size // 8 + 12, b"\0")
        self._octets = np.frombuffer(with_tail, dtype=np.uint8)

    def windows(self) -> NDArray[np.uint16]:
        """The WINDOW bits that begin at every bit."""
        count = self.size // 8
        octets = self._octets.astype(np.uint32)
        three = octets[:count] << 16 | octets[1:count + 1] << 8 | octets[2:count + 2]
        return (three[:, None] >> np.arange(8, 0, -1, dtype=np.uint32)).astype(np.uint16).reshape(-1)

    def bits_before(self, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """The 32 bits (and a few more above them) that end right before each place."""
        first = np.maximum((ends - 33) // 8, 0)
        octets = self._octets.astype(np.int64)
        last = len(octets) - 1
        joined = np.zeros(len(ends), dtype=np.int64)
        for offset in range(6):
            joined = joined << 8 | octets[np.minimum(first + offset, last)]
        return joined >> (first * 8 + 48 - ends)
