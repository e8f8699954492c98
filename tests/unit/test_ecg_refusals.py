"""What cannot be an ECG is refused with a named reason, quickly, and never by a crash (B8)."""

from __future__ import annotations

import io
import random
import time
import zipfile
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.formats.ecg import read_ecg
from gateway.formats.zip_members import MAX_MEMBERS, pack
from tests.support.ecg_builders import aecg, dicom_ecg, known_samples, wfdb_files, wfdb_zip

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = {"II": np.arange(50, dtype=np.int32)}

BOMB = ('<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + "".join(
    f'<!ENTITY c{i} "{"&b;" * 10 if i == 0 else f"&c{i - 1};" * 10}">' for i in range(9)) + "]>")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def cut(data: bytes, part: float) -> bytes:
    return data[:int(len(data) * part)]


def outcome(data: bytes) -> str:
    try:
        return read_ecg(data, time_zone=ZONE).format
    except Unreadable as exc:
        return exc.reason


def a_year_apart() -> bytes:
    """Two sets of leads, the second a year later."""
    one = next(iter(SHORT.values()))
    first, later = (aecg({lead: one}, head=head) for lead, head in (("I", "20260302"), ("II", "20270302")))
    begin, end = later.index(b"<sequenceSet>"), later.index(b"</sequenceSet>") + len(b"</sequenceSet>")
    return first.replace(b"</sequenceSet>", b"</sequenceSet></component><component>" + later[begin:end], 1)


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "empty"),
    (b"hello", "unknown-format"),
    (b"%PDF-1.7 ...", "unknown-format"),
    (b"<html></html>", "unknown-xml"),
    (f"<?xml version='1.0'?>{BOMB}<a>&c8;</a>".encode(), "xml-entity"),
    (aecg(SHORT, prolog=BOMB, name="&c8;"), "aecg-entity"),
    (aecg(SHORT, prolog='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', name="&x;"), "aecg-entity"),
    (b'<AnnotatedECG xmlns="urn:hl7-org:v3">' + b"<a>" * 5000, "aecg-too-deep"),
    (b"<AnnotatedECG>" + b"<a/>" * 250_000 + b"</AnnotatedECG>", "aecg-too-large"),
    (cut(aecg(), 0.6), "aecg-not-well-formed"),
    (b"<AnnotatedECG/>", "aecg-no-series"),
    (aecg(SHORT).replace(b"RHYTHM", b"DERIVED"), "aecg-no-rhythm"),
    (aecg(SHORT).replace(b'<scale value="2.5" unit="uV"/>', b""), "aecg-uncalibrated"),
    (aecg(SHORT).replace(b"<digits>0 1", b"<digits>0 1.5"), "aecg-digits"),
    (aecg(SHORT).replace(b"<digits>0 1", b"<digits>0-1"), "aecg-digits"),
    (aecg(SHORT).replace(b"<digits>0 1", b"<digits>0 99999999999999999999"), "aecg-digits"),
    (aecg(SHORT, increment_s="0"), "aecg-no-interval"),
    (a_year_apart(), "lead-start"),
    (cut(dicom_ecg(), 0.5), "dicom-data-short"),
    (dicom_ecg(SHORT)[:200], "dicom-no-waveform"),
    (dicom_ecg(SHORT, sensitivity=""), "dicom-uncalibrated"),
    (dicom_ecg(SHORT, frequency=""), "dicom-no-sampling-frequency"),
    (zipped({"readme.txt": b"x"}), "wfdb-no-header"),
    (zipped({**wfdb_files(SHORT), "b.hea": b"b 1 500\n"}), "wfdb-many-records"),
    (zipped({"demo1.hea": wfdb_files(SHORT)["demo1.hea"]}), "wfdb-missing-data"),
    (zipped({**wfdb_files(SHORT), "demo1.dat": b"\x01\x00"}), "wfdb-data-short"),
    (wfdb_zip(SHORT, gain="0/mV"), "wfdb-uncalibrated"),
    (wfdb_zip(SHORT, gain="200/mmHg"), "wfdb-no-voltage"),
    (zipped({"../../etc/x.hea": b"x 1 500\n"}), "zip-path"),
    (zipped({"/etc/x.hea": b"x 1 500\n"}), "zip-path"),
    (zipped({"C:\\x.hea": b"x 1 500\n"}), "zip-path"),
    (zipped({"x.hea": b"x 1 500\n../secret.dat 16 200/mV\n"}), "zip-path"),
    (zipped({f"f{i}": b"" for i in range(MAX_MEMBERS + 1)}), "zip-too-many-members"),
    (zipped({**wfdb_files(SHORT), "zeros": bytes(40 << 20)}), "zip-bomb"),
    (wfdb_zip(SHORT)[:-30], "zip-damaged"),
    (zipped({"x.hea": b"x 1 500 999999999999\nx.dat 16 200/mV\n", "x.dat": b""}), "wfdb-too-large"),
    (zipped({"x.hea": b"x/3 1 500\nx.dat 16 200/mV\n"}), "wfdb-header"),
    (zipped({"x.hea": b"x 1 500 10\nx.dat 516 200/mV\n", "x.dat": bytes(99)}), "wfdb-flac"),
])
def test_a_refusal_names_its_reason(data, reason):
    began = time.monotonic()
    with pytest.raises(Unreadable) as refusal:
        read_ecg(data, time_zone=ZONE)
    assert refusal.value.reason == reason
    assert str(refusal.value).endswith(".")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("whole", [
    aecg(known_samples(count=200)), dicom_ecg(known_samples(count=200)), wfdb_zip(known_samples(count=200)),
], ids=["aecg", "dicom", "wfdb"])
def test_damaged_files_are_read_or_refused_by_name_and_never_crash(whole):
    seed = random.randrange(1 << 32)
    print("seed", seed)                    # shown when it fails
    chance = random.Random(seed)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)):]
        assert outcome(bytes(data)) != "unreadable"        # every refusal has a name of its own


def test_packing_the_same_pair_twice_gives_the_same_bytes():
    files = wfdb_files(SHORT)
    assert pack(files) == pack(dict(reversed(files.items())))
