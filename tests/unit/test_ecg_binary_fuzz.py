"""Damaged MFER, EDF, Contec, WFDB and PDF files are read or refused by name, in bounded time and memory (B8)."""

from __future__ import annotations

import random
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from gateway.core.waveform import EcgRecord
from gateway.formats import contec, edf, mfer, pdf_ecg, wfdb_record
from gateway.formats.zip_members import pack
from tests.support.contec_builders import contec as contec_file
from tests.support.contec_builders import contec_samples
from tests.support.ecg_builders import known_samples, wfdb_files
from tests.support.edf_builders import edf as edf_file
from tests.support.edf_builders import with_gap
from tests.support.format_fuzzing import Damage, damage_of, peak_memory_factor, read_damaged
from tests.support.fuzzing import fresh_seed, input_count, mutated, print_histogram
from tests.support.mfer_builders import mfer as mfer_file
from tests.support.pdf_builders import pdf_file
from tests.support.wfdb_builders import annotation_file, segmented_files

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(count=500)
MFER = [mfer_file(SHORT), mfer_file(SHORT, is_little=False, block=50), mfer_file(SHORT, data_type=7),
        mfer_file(SHORT, character_code=b"JIS X 0208", name="演示".encode("shift_jis"))]
EDF = [edf_file(SHORT, annotations=((0.2, -1, "Demo"),)),
       with_gap(edf_file(known_samples(count=2500)), record=2, later_s=2)]
CONTEC = [contec_file(), contec_file(contec_samples(count=90), off=("V1", "V6"))]
WFDB = [{**wfdb_files(SHORT), "demo1.atr": annotation_file((20, 1, ""), (900, 5, "(VT"))}, segmented_files()]


def damaged_members(chance: random.Random) -> bytes:
    """A sound zip of damaged files, so that the damage reaches the reader of WFDB and does not end at the zip."""
    files = dict(chance.choice(WFDB))
    name = chance.choice([*files, *(n for n in files if n.endswith(".hea"))])
    files[name] = mutated(chance, files[name], donors=list(files.values()))
    return pack(files)


def reader(module: object) -> Callable[[bytes], EcgRecord]:
    return lambda data: module.read(data, time_zone=ZONE)  # type: ignore[attr-defined]


CASES = {
    "mfer": (reader(mfer), damage_of(MFER), ("mfer-",), MFER[0]),
    "edf": (reader(edf), damage_of(EDF), ("edf-",), EDF[0]),
    "contec": (reader(contec), damage_of(CONTEC), ("contec-",), CONTEC[0]),
    "wfdb": (reader(wfdb_record), damaged_members, ("wfdb-", "zip-"), pack(WFDB[0])),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_read_or_refused_by_name_within_a_second(name):
    read, damage, prefixes, sound = CASES[name]
    control = sound, [lead.sha256_nanovolts() for lead in read(sound).leads]
    outcomes = read_damaged(read, damage, inputs=input_count(1000), seed=fresh_seed(), prefixes=prefixes,
                            control=control)
    print_histogram(name, outcomes)
    assert len(outcomes) > 2                   # some were read and some refused for different reasons


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_file_takes_no_more_memory_than_ten_times_its_size(name):
    read, damage, _, _ = CASES[name]
    narrow = {"II": known_samples()["II"] % 100}
    frames = [mfer_file(), mfer_file(narrow, data_type=5), mfer_file(narrow, data_type=7)]
    big: dict[str, Damage] = {"mfer": damage_of(frames), "edf": damage_of([edf_file()])}
    assert peak_memory_factor(read, big.get(name, damage), inputs=input_count(100) // 2, seed=fresh_seed()) < 10


def test_a_damaged_pdf_never_stops_its_description():
    chance = random.Random(fresh_seed())
    originals = [pdf_file(), pdf_file(title="演示", is_encrypted=True)]
    for _ in range(input_count(1000)):
        data = mutated(chance, chance.choice(originals), donors=originals)
        pdf_ecg.recognise(data)
        facts = pdf_ecg.describe(data)
        assert facts.created_at is None or facts.created_at.tzinfo is not None
