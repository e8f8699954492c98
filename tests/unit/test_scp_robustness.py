"""Damaged SCP-ECG files are refused by name or read with a warning: no crash, no hang, bounded memory (B8)."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.formats import scp_ecg
from gateway.formats.scp_writer import ScpOptions, pack, write
from tests.support.scp_builders import (
    Code,
    by_differences,
    default_sections,
    fuzz,
    heart_record,
    heart_samples,
    lead_section,
    mutated,
    plain_chunks,
    race,
    rhythm_section,
    scp_file,
    spell,
    table_section,
    to_bytes,
)

ZONE = ZoneInfo("Asia/Shanghai")
SMALL = heart_samples(leads=("I", "II", "V1"), count=1500)
COUNT = int(os.environ.get("SCP_FUZZ_COUNT", "1000"))
SEED = 20260302


def originals() -> list[bytes]:
    """One file of each kind that the reader knows."""
    record = heart_record(SMALL)
    ways = (ScpOptions(), ScpOptions(is_compressed=False), ScpOptions(is_beat_subtracted=True),
            ScpOptions(is_bimodal=True), ScpOptions(difference_order=1))
    first = [Code("0", 0), Code("10", switch_to=2), Code("11", extra=16)]
    second = [Code("0", extra=8), Code("10", extra=16), Code("11", switch_to=1)]
    switching = [to_bytes(spell(by_differences(v.tolist(), 2)[:700], first) + "10"
                          + spell(by_differences(v.tolist(), 2)[700:], second)) for v in SMALL.values()]
    return [*(write(record, way) for way in ways),
            scp_file(default_sections(SMALL) | {2: table_section([first, second]),
                                                6: rhythm_section(switching, order=2)})]


def _read(data: bytes) -> None:
    if scp_ecg.recognise(data):
        scp_ecg.read(data, time_zone=ZONE)
    else:
        raise Unreadable(reason="not-recognised")


def test_damaged_files_are_refused_by_name_and_none_takes_long():
    slowest = 0.0

    def timed(data: bytes) -> None:
        nonlocal slowest
        begin = time.perf_counter()
        try:
            _read(data)
        finally:
            slowest = max(slowest, time.perf_counter() - begin)

    outcomes = fuzz(timed, originals(), COUNT, SEED)
    assert sum(outcomes.values()) == COUNT
    assert set(outcomes) - {"read", "not-recognised"} <= {
        "scp-header", "scp-pointer", "scp-truncated", "scp-no-leads", "scp-no-rhythm", "scp-long-term",
        "scp-lead-range", "scp-uncalibrated", "scp-no-interval", "scp-encoding", "scp-cut-off", "scp-length",
        "scp-huffman-table", "scp-huffman-data", "scp-no-reference-beat", "scp-mixed-intervals"}, outcomes
    assert slowest < 1.0
    print(f"seed {SEED}: {outcomes}")


def test_damage_in_the_samples_is_never_silent():
    data = originals()[0]
    random = np.random.default_rng(SEED)
    true = [lead.sha256_nanovolts() for lead in scp_ecg.read(data, time_zone=ZONE).leads]
    seen = 0
    for _ in range(300):
        damaged = mutated(data, random)
        try:
            record = scp_ecg.read(damaged, time_zone=ZONE)
        except Unreadable:
            continue
        if [lead.sha256_nanovolts() for lead in record.leads] != true:
            seen += 1
            assert any("checksum" in warning or "length" in warning or "pointer" in warning
                       for warning in record.warnings)
    assert seen > 10


def _bombs() -> Iterator[bytes]:
    """Files that promise much more than they hold."""
    sections = default_sections(SMALL)
    huge = bytes((255, 4)) + struct.pack("<IIB", 1, 2**32 - 1, 1) * 255
    yield scp_file(sections | {3: huge, 6: rhythm_section([b""] * 255, order=2)})
    yield scp_file({1: sections[1], 3: huge, 6: rhythm_section([b"\0\0"] * 255)})
    many = struct.pack("<HHH", 60_000, 1, 65535) + bytes(22 * 65535)
    yield scp_file(sections | {4: many[:200_006]})          # and its places are cut off: said, not needed
    zeros = bytes((255, 5)) + struct.pack("<IIB", 1, 60_000, 1) * 255
    qrs = b"".join(struct.pack("<HIII", 0, 1, 30_000, 60_000) for _ in range(4000))
    yield scp_file(sections | {3: zeros, 4: struct.pack("<HHH", 60_000, 1, 4000) + qrs,
                               5: rhythm_section([bytes(60)] * 255), 6: rhythm_section([bytes(7500)] + [b""] * 254)})
    bimodal = bytes((3, 5)) + struct.pack("<IIB", 1, 2**31, 1) * 3
    yield scp_file(sections | {3: bimodal, 4: struct.pack("<HHH", 20, 1, 0), 5: rhythm_section([bytes(60)] * 3),
                               6: rhythm_section([bytes(60)] * 3, interval_us=8000, bimodal=1)})
    switches = [[Code("0", switch_to=2), Code("1", 0)], [Code("0", switch_to=1), Code("1", 1)]]
    yield scp_file(sections | {2: table_section(switches), 6: rhythm_section([bytes(60_000)] * 3)})


@pytest.mark.parametrize("number", range(6))
def test_files_that_promise_more_than_they_hold_cost_little(number):
    data = next(islice(_bombs(), number, None))
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(Unreadable) if number != 2 else nullcontext():
        scp_ecg.read(data, time_zone=ZONE)
    taken_s = time.perf_counter() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken_s < 3.0                                    # with memory tracing on, which slows a lot
    assert peak < 16_000_000 + 10 * len(data)


def test_the_builders_and_the_writer_make_the_same_file_of_the_same_sections():
    sections = {3: lead_section(SMALL), 6: rhythm_section(plain_chunks(SMALL))}
    assert pack(sections) == scp_file(sections)


def test_parsing_twelve_leads_of_five_thousand_samples_is_several_times_faster_than_ecgdatakit():
    ours_ms, theirs_ms = race(write(heart_record()), rounds=5)
    assert theirs_ms / ours_ms > 2.5                       # 8 to 12 on a machine that does nothing else
