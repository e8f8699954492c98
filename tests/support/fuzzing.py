"""Bytes broken on purpose, from a printed seed: how many inputs, which mutation, and what became of them."""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from collections.abc import Sequence

_SPECIAL = tuple(struct.pack(order + "L", value) for order in "<>"
                 for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 131072, 1 << 24))
_WORDS = (b"SQ", b"UN", b"OB", b"PN", b"\xff\xfe\x00\xe0", b"\xff\xfe\x0d\xe0", b"\xff\xfe\xdd\xe0", b"\0\0", b"\\")


def input_count(default: int) -> int:
    """How many inputs to try: READING_GATEWAY_FUZZ_INPUTS, which `make fuzz` sets, or the short form."""
    return int(os.environ.get("READING_GATEWAY_FUZZ_INPUTS") or default)


def rounds(*, share: float = 1.0) -> range:
    """How often to try a fault, with a new seed each time: once, or READING_GATEWAY_FAULT_ROUNDS (`make faults`)."""
    return range(max(1, round(int(os.environ.get("READING_GATEWAY_FAULT_ROUNDS") or 1) * share)))


def fresh_seed() -> int:
    """FAULT_SEED, to repeat a run, or a new seed; printed."""
    seed = int(os.environ.get("FAULT_SEED") or random.randrange(1 << 32))
    print(f"FAULT_SEED={seed}")
    return seed


def mutated(chance: random.Random, original: bytes, *, donors: Sequence[bytes] = (), from_byte: int = 0) -> bytes:
    """The bytes with one to six small wounds at or after `from_byte`; most near it, where the structure is."""
    data = bytearray(original)
    for _ in range(chance.randint(1, 6)):
        at = from_byte + int((len(data) - from_byte) * chance.random() ** 4) if len(data) > from_byte else 0
        wound = chance.randrange(9)
        if wound == 0:
            data[at:at + 1] = bytes([chance.randrange(256)])
        elif wound == 1 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif wound == 2:
            data[at:at + 4] = chance.choice(_SPECIAL)
        elif wound == 3:
            data[at:at + 2] = chance.choice(_WORDS)
        elif wound == 4:
            del data[at:at + chance.choice((1, 2, 8, 64))]
        elif wound == 5:
            data[at:at] = chance.randbytes(chance.choice((1, 2, 8, 64)))
        elif wound == 6:
            data[at:at] = data[at:at + chance.choice((8, 64, 512))]
        elif wound == 7:
            del data[max(at, from_byte + 1):]
        elif donors:
            donor = chance.choice(donors)
            start = chance.randrange(len(donor))
            data[at:at] = donor[start:start + 64]
    return bytes(data)


def print_histogram(title: str, outcomes: Counter[str]) -> None:
    """Show how often each outcome came, the most frequent first."""
    print(f"{title}: {sum(outcomes.values())} inputs")
    for outcome, count in outcomes.most_common():
        print(f"  {count:8} {outcome}")
