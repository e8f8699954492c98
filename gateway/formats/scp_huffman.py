"""Huffman codes of SCP-ECG Section 2, decoded by arrays instead of bit by bit.

The default table has a decoder of its own (`scp_default_code`); this one is for tables that a file brings along.
A decoder is an automaton over bit positions: at each position the bits that follow say how long the code there is, so
the next code starts at a place that does not depend on the codes before. We compute that place for every bit position
at once, square the map three times (one step then skips eight codes), walk along it in a short loop, and
unfold the eight codes of each step by arrays again. With several tables the state is (table, bit position).

Memory stays small whatever the input: a lead is taken in pieces of `_PIECE_BITS` bits.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Unreadable
from gateway.formats.scp_bits import WINDOW as _WINDOW
from gateway.formats.scp_bits import OutOfCodes, Stretch
from gateway.formats.scp_default_code import decode_default

DEFAULT_TABLE_NUMBER = 19999
MAX_TABLES = 8
_MAX_CODES = 4096                   # over all tables of a file; real ones have 19 to about 100
_MAX_BITS = 64                      # of one code with the value behind it
_PIECE_BITS = 1 << 16
_SQUARINGS = 3
_INVALID = -1
_LONG = -2


@dataclass(frozen=True, slots=True)
class HuffmanCode:
    """One line of a table: `prefix` is the code as it comes off the wire, first bit highest.

    `total_bits` beyond `prefix_bits` are a two's complement number that is added to `value`.
    `switch_to` ≥ 0 gives no sample but makes that table (counted from 0) the one in force.
    """

    prefix_bits: int
    total_bits: int
    prefix: int
    value: int = 0
    switch_to: int = -1


@dataclass(frozen=True)
class HuffmanTables:
    """The tables of one file, ready for decoding. Decoding of every lead begins with the first."""

    codes: tuple[HuffmanCode, ...]                    # of all tables, one after the other
    lookup: NDArray[np.int16]                         # (tables, 65536): number of the code, _INVALID or _LONG
    long_codes: tuple[tuple[int, ...], ...]           # by table: numbers of codes whose prefix exceeds the window
    lengths: NDArray[np.int64]
    values: NDArray[np.int64]
    extra_bits: NDArray[np.int64]
    switches: NDArray[np.int64]
    is_default: bool = False

    @property
    def table_count(self) -> int:
        return len(self.lookup)


@lru_cache(maxsize=1)
def default_tables() -> HuffmanTables:
    """Table 19999, which every reader knows (EN 1064, Section 2)."""
    codes = [HuffmanCode(1, 1, 0b0)]
    for size in range(1, 9):                          # `size` ones, a zero, and the sign
        ones = (1 << size) - 1
        codes += [HuffmanCode(size + 2, size + 2, ones << 2, size),
                  HuffmanCode(size + 2, size + 2, ones << 2 | 1, -size)]
    codes += [HuffmanCode(10, 18, 0b1111111110), HuffmanCode(10, 26, 0b1111111111)]
    return make_tables([codes], is_default=True)


def read_tables(body: bytes) -> HuffmanTables:
    """Section 2 without its header. Raises Unreadable."""
    if len(body) < 2:
        raise Unreadable("The section of Huffman tables is cut off.", reason="scp-huffman-table")
    (count,) = struct.unpack_from("<H", body)
    if count == DEFAULT_TABLE_NUMBER:
        return default_tables()
    if not 1 <= count <= MAX_TABLES:
        raise Unreadable(f"The file announces {count} Huffman tables.", reason="scp-huffman-table")
    at = 2
    tables: list[list[HuffmanCode]] = []
    for _ in range(count):
        lines, at = _read_table(body, at, count)
        tables.append(lines)
    if sum(map(len, tables)) > _MAX_CODES:
        raise Unreadable("The Huffman tables are larger than any device writes.", reason="scp-huffman-table")
    return make_tables(tables)


def make_tables(tables: Sequence[Sequence[HuffmanCode]], *, is_default: bool = False) -> HuffmanTables:
    """Prepare tables for decoding. Where codes contradict each other, the earlier line wins."""
    codes = tuple(code for table in tables for code in table)
    lookup = np.full((len(tables), 1 << _WINDOW), _INVALID, dtype=np.int16)
    long_codes: list[tuple[int, ...]] = []
    first = 0
    for row, table in zip(lookup, tables, strict=True):
        long_here = []
        for number, code in reversed(list(enumerate(table, first))):
            if code.prefix_bits <= _WINDOW:
                low = code.prefix << (_WINDOW - code.prefix_bits)
                row[low:low + (1 << (_WINDOW - code.prefix_bits))] = number
        for number, code in enumerate(table, first):
            if code.prefix_bits > _WINDOW:
                window = code.prefix >> (code.prefix_bits - _WINDOW)
                if row[window] in (_INVALID, _LONG):
                    row[window] = _LONG
                    long_here.append(number)
        long_codes.append(tuple(long_here))
        first += len(table)
    return HuffmanTables(
        codes, lookup, tuple(long_codes),
        # One entry more than codes: _INVALID is an index from the end, and takes no bit.
        lengths=np.array([*(c.total_bits for c in codes), 0]), values=np.array([*(c.value for c in codes), 0]),
        extra_bits=np.array([*(c.total_bits - c.prefix_bits for c in codes), 0]),
        switches=np.array([*(c.switch_to for c in codes), -1]), is_default=is_default)


def decode(data: bytes, count: int, tables: HuffmanTables) -> tuple[NDArray[np.int64], int]:
    """The first `count` values of a bit stream, first bit highest, and how many bytes they took.

    Raises OutOfCodes if the stream does not hold that many.
    """
    if count > len(data) * 8:                          # no code is shorter than one bit
        raise OutOfCodes(f"{len(data)} bytes cannot hold {count} samples.")
    if tables.is_default:
        return decode_default(data, count)
    out = np.empty(count, dtype=np.int64)
    filled, bit, table = 0, 0, 0
    while filled < count:
        if bit >= len(data) * 8:
            raise OutOfCodes(f"The compressed samples end after {filled} of {count}.")
        piece = _Piece(data, bit, table, tables)
        numbers, ends = piece.codes(count - filled)
        if tables.table_count > 1:
            is_value = tables.switches.take(numbers) < 0
            table = piece.table_after
            last = int(ends[-1]) if len(ends) else bit
            numbers, ends = numbers[is_value], ends[is_value]
        else:
            last = int(ends[-1]) if len(ends) else bit
        wanted = min(len(numbers), count - filled)
        out[filled:filled + wanted] = piece.values(numbers[:wanted], ends[:wanted])
        filled += wanted
        if filled < count and (piece.is_broken or last == bit):
            raise OutOfCodes(f"The compressed samples hold a code that the table does not know, after {filled} "
                             f"of {count} samples.")
        bit = int(ends[wanted - 1]) if filled == count else last
    if bit > len(data) * 8:
        raise OutOfCodes(f"The compressed samples end after {count - 1} of {count}.")
    return out, (bit + 7) // 8


class _Piece:
    """A stretch of the stream, its codes found all at once."""

    def __init__(self, data: bytes, first_bit: int, table: int, tables: HuffmanTables) -> None:
        self._tables = tables
        first_byte = first_bit // 8
        self._stretch = Stretch(data, first_byte, _PIECE_BITS // 8 // tables.table_count)
        self._offset = first_byte * 8
        self._start = first_bit - self._offset
        self._size = self._stretch.size
        self._table = table
        self.is_broken = False
        self.table_after = table

    def codes(self, count: int) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
        """Numbers of the codes in order, and the bit of the whole stream after each. At most about `count`."""
        size, tables = self._size, self._tables
        states = tables.table_count * size
        numbers = self._numbers()
        # States: (table, bit) inside the piece, then (table, bit) behind its end; the latter lead to themselves, as
        # does a place where no code is (its length is 0).
        step = np.arange(states + tables.table_count * _MAX_BITS, dtype=np.int64)
        if tables.table_count == 1:
            step[:states] += tables.lengths.take(numbers)
        else:
            self._follow_switches(step, numbers)
        maps = [step]
        for _ in range(_SQUARINGS):
            maps.append(maps[-1].take(maps[-1]))
        # A code that switches gives no sample, so with several tables the count says little.
        leaps = (min(count, states) if tables.table_count == 1 else size) >> _SQUARINGS
        visited = _walk(maps.pop(), self._table * size + self._start, leaps + 1)
        for jump in reversed(maps):
            both = np.empty(2 * len(visited), dtype=np.int64)
            both[0::2] = visited
            both[1::2] = jump.take(visited)
            visited = both
        after = step.take(visited)
        if after[-1] == visited[-1]:                           # the walk ended: behind the piece, or at no code
            good = int(np.argmax(after == visited))
            self.is_broken = bool(visited[good] < states)
            visited, after = visited[:good], after[:good]
        found = numbers.take(visited)
        return found, after + self._offset if tables.table_count == 1 else self._places(after, states)

    def values(self, numbers: NDArray[np.int16], ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """What each code says; numbers written behind a prefix are read from the bits."""
        tables = self._tables
        values = tables.values.take(numbers)
        with_number = np.flatnonzero(tables.extra_bits.take(numbers))
        if len(with_number):
            bits = tables.extra_bits.take(numbers[with_number])
            ending = ends[with_number] - self._offset
            raw = self._stretch.bits_before(ending) & ((1 << bits) - 1)
            values[with_number] += raw - ((raw >> (bits - 1)) << bits)
        return values

    def _numbers(self) -> NDArray[np.int16]:
        """The number of the code at every bit, table after table."""
        windows = self._stretch.windows()
        return np.concatenate([self._numbers_in(windows, t) for t in range(self._tables.table_count)])

    def _numbers_in(self, windows: NDArray[np.uint16], table: int) -> NDArray[np.int16]:
        numbers: NDArray[np.int16] = self._tables.lookup[table].take(windows)
        long_codes = self._tables.long_codes[table]
        if long_codes:
            places = np.flatnonzero(numbers == _LONG)
            behind = self._stretch.bits_before(places + 32) & 0xFFFFFFFF
            resolved = np.full(len(places), _INVALID, dtype=np.int16)
            for number in reversed(long_codes):
                code = self._tables.codes[number]
                resolved[behind >> (32 - code.prefix_bits) == code.prefix] = number
            numbers[places] = resolved
        return numbers

    def _follow_switches(self, step: NDArray[np.int64], numbers: NDArray[np.int16]) -> None:
        size, tables = self._size, self._tables
        states = tables.table_count * size
        here = np.arange(states, dtype=np.int64)
        switch = tables.switches.take(numbers)
        following = np.where(switch >= 0, switch, here // size)
        place = here % size + tables.lengths.take(numbers)
        there = np.where(place < size, following * size + place, states + following * _MAX_BITS + place - size)
        step[:states] = np.where(numbers == _INVALID, here, there)

    def _places(self, after: NDArray[np.int64], states: int) -> NDArray[np.int64]:
        """States back into bits of the stream; remembers the table in force after the last."""
        is_inside = after < states
        behind = after - states
        if len(after):
            self.table_after = int(after[-1] // self._size if is_inside[-1] else behind[-1] // _MAX_BITS)
        return np.where(is_inside, after % self._size, behind % _MAX_BITS + self._size) + self._offset


def _walk(far: NDArray[np.int64], start: int, leaps: int) -> NDArray[np.int64]:
    """The states that one meets by following `far`; behind the piece it stays where it is."""
    met = []
    at = start
    jump: Sequence[int] = memoryview(far)               # type: ignore[arg-type]
    for _ in range(leaps):
        met.append(at)
        at = jump[at]
    return np.array(met, dtype=np.int64)


def _read_table(body: bytes, at: int, table_count: int) -> tuple[list[HuffmanCode], int]:
    refusal = Unreadable("A Huffman table is cut off or contradicts itself.", reason="scp-huffman-table")
    if at + 2 > len(body):
        raise refusal
    (count,) = struct.unpack_from("<H", body, at)
    at += 2
    if count == 0 or at + 9 * count > len(body):
        raise refusal
    codes = []
    for line in range(count):
        prefix_bits, total_bits, mode, value, stored = struct.unpack_from("<BBBhI", body, at + 9 * line)
        if not 1 <= prefix_bits <= 32 or not prefix_bits <= total_bits <= prefix_bits + 32:
            raise refusal
        prefix = int(f"{stored & ((1 << prefix_bits) - 1):0{prefix_bits}b}"[::-1], 2)    # stored first bit lowest
        if mode == 0:
            if not 1 <= value <= table_count:
                raise refusal
            codes.append(HuffmanCode(prefix_bits, prefix_bits, prefix, switch_to=value - 1))
        else:
            codes.append(HuffmanCode(prefix_bits, total_bits, prefix, value))
    return codes, at + 9 * count
