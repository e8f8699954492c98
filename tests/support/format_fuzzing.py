"""Every reader of ECG files under damage: it reads or refuses by name, in bounded time and memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord
from tests.support.fuzzing import mutated

Damage = Callable[[random.Random], bytes]


def damage_of(originals: Sequence[bytes]) -> Damage:
    """Small wounds in one of the files, most of them near its beginning; now and then bytes of another file."""
    return lambda chance: mutated(chance, chance.choice(originals), donors=originals)


def read_damaged(read: Callable[[bytes], EcgRecord], damage: Damage, *, inputs: int, seed: int,
                 prefixes: tuple[str, ...], control: tuple[bytes, Sequence[str]] | None = None,
                 slowest_s: float = 1.0) -> Counter[str]:
    """Try so many damaged inputs and say what became of them.

    Fails on any other exception than Unreadable, on a reason without one of `prefixes`, on an input that takes longer
    than `slowest_s`, and when the `control` (bytes and the hashes of its leads) no longer decodes in between.
    """
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for number in range(inputs):
        data = damage(chance)
        began = time.thread_time()             # what it computes, not how busy the machine is
        try:
            record = read(data)
            for lead in record.leads:
                lead.nanovolts()
        except Unreadable as exc:
            outcome, words = exc.reason, str(exc)
        else:
            outcome, words = "read, with warnings" if record.warnings else "read", "."
        assert outcome.startswith((*prefixes, "read")), f"input {number} of seed {seed}: refused as {outcome}"
        assert words.endswith("."), f"input {number} of seed {seed}: {words}"
        took = time.thread_time() - began
        assert took < slowest_s, f"input {number} of seed {seed} took {took:.2f} s"
        outcomes[outcome] += 1
        if control is not None and number % 100 == 0:
            assert [lead.sha256_nanovolts() for lead in read(control[0]).leads] == list(control[1])
    return outcomes


def peak_memory_factor(read: Callable[[bytes], EcgRecord], damage: Damage, *, inputs: int, seed: int,
                       free_bytes: int = 65536) -> float:
    """The most bytes that Python and NumPy held while reading, as a multiple of the input; `free_bytes` are free."""
    chance = random.Random(seed)
    worst = 0.0
    tracemalloc.start()
    try:
        for _ in range(inputs):
            data = damage(chance)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with suppress(Unreadable):
                read(data)
            peak = tracemalloc.get_traced_memory()[1] - before
            worst = max(worst, (peak - free_bytes) / max(1, len(data)))
    finally:
        tracemalloc.stop()
    return worst
