"""Broken ECG files of every format at the one door that all of them come through (B8).

No crash, no hang above a second, no memory above ten times the input, every refusal by name, and whole files in
between decode exactly. A short form runs with the rest of the tests, `make fuzz` tries 100,000 inputs.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord
from gateway.formats.ecg import FORMATS, read_ecg
from tests.support.ecg_of_every_format import FormatFiles, every_format
from tests.support.format_fuzzing import peak_memory_factor, read_damaged
from tests.support.fuzzing import fresh_seed, input_count, print_histogram

pytestmark = pytest.mark.faults

ZONE = ZoneInfo("Asia/Shanghai")
FREE_BYTES = 1 << 20                     # what small files may take beyond ten times their size
NAMES = ("dicom", "scp", "healforce", "muse", "cardiosoft", "sierra", "aecg", "wfdb", "edf", "contec", "mfer", "pdf")
# A wound at the beginning makes another format of the file, or none.
PREFIXES = (*(f"{name}-" for name in NAMES), "unknown-", "zip-", "xml-", "empty", "gain",
            "sampling-interval")


@cache
def files() -> dict[str, FormatFiles]:
    return every_format()


def read(data: bytes) -> EcgRecord:
    return read_ecg(data, time_zone=ZONE)


def test_every_reader_is_under_fire():
    assert tuple(files()) == NAMES
    assert len(FORMATS) == len(NAMES)
    opened = {read(each.whole).format for name, each in files().items() if name != "healforce"}
    with pytest.raises(Unreadable):
        read(files()["healforce"].whole)
    assert opened | {"healforce"} == {known.name for known in FORMATS}


def test_no_damage_of_any_format_crashes_hangs_or_goes_unnamed():
    seed, inputs = fresh_seed(), input_count(3000) // len(NAMES) + 1
    total: Counter[str] = Counter()
    for number, (name, each) in enumerate(files().items()):
        sound = each.small[0]
        control = None if name == "healforce" else (sound, [x.sha256_nanovolts() for x in read(sound).leads])
        outcomes = read_damaged(read, each.damage, inputs=inputs, seed=seed + number, prefixes=PREFIXES,
                                control=control)
        print_histogram(name, outcomes)
        total += outcomes
    print_histogram("all formats", total)
    assert len(total) > 40                   # the damage reaches deep into the readers


@pytest.mark.parametrize("name", NAMES)
def test_no_damage_takes_more_memory_than_ten_times_the_file(name):
    each = files()[name]
    inputs = max(12, input_count(3000) // 500)
    factor = peak_memory_factor(read, each.damage, inputs=inputs, seed=fresh_seed(), free_bytes=FREE_BYTES)
    print(f"{name}: at most {factor:.1f} times a damaged file beyond {FREE_BYTES >> 20} MB")
    assert factor < 10
    factor = peak_memory_factor(read, lambda _: each.whole, inputs=1, seed=0, free_bytes=FREE_BYTES)
    print(f"{name}: {factor:.1f} times a whole file of {len(each.whole)} bytes beyond {FREE_BYTES >> 20} MB")
    assert factor < 10
