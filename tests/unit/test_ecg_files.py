"""Which files of one upload are one ECG, found in bounded time and memory whatever the headers name (B8)."""

from __future__ import annotations

import io
import zipfile

import pytest

from gateway.core.errors import Unreadable
from gateway.formats import ecg_files, wfdb_record
from gateway.formats.ecg_files import TOO_LARGE, ecgs_of, unpacked
from tests.support.ecg_builders import aecg, wfdb_files
from tests.support.wfdb_builders import segmented_files

LIMIT_BYTES = 1 << 24


def header_naming(name: str, signal: str) -> bytes:
    return f"{name} 1 500 10\n{signal} 16 400(0)/mV 16 0 0 0 0 I\n".encode()


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_record_in_segments_with_annotations_is_one_ecg_among_others():
    files = {"a.xml": aecg(), **segmented_files(), "demo.atr": b"\0\0", "z.xml": aecg(patient_id="2")}
    found = ecgs_of(files, limit_bytes=LIMIT_BYTES)
    assert [name for name, _ in found] == ["a.xml", "demo.zip", "z.xml"]
    assert set(zipfile.ZipFile(io.BytesIO(found[1][1])).namelist()) == {*segmented_files(), "demo.atr"}


def test_each_header_is_read_once(monkeypatch):
    read = []

    def counted(header: bytes) -> list[str]:
        read.append(header)
        return wfdb_record.signal_files(header)

    monkeypatch.setattr(ecg_files, "signal_files", counted)
    files = {f"r{number}.hea": header_naming(f"r{number}", f"r{number}.dat") for number in range(64)}
    assert len(ecgs_of(files, limit_bytes=LIMIT_BYTES)) == 64
    assert len(read) == 64


def test_many_headers_that_name_one_large_file_do_not_multiply_it():
    files = {f"r{number}.hea": header_naming(f"r{number}", "all.dat") for number in range(32)}
    with pytest.raises(Unreadable) as refusal:
        ecgs_of(files | {"all.dat": bytes(1 << 20)}, limit_bytes=LIMIT_BYTES)
    assert refusal.value.reason == TOO_LARGE


def test_a_zip_is_not_unfolded_beyond_the_limit():
    data = zipped({"a.xml": aecg(), "b.xml": aecg(patient_id="2")})
    whole = unpacked(data, limit_bytes=LIMIT_BYTES)
    assert whole is not None
    size = sum(len(one) for one in whole.values())
    assert unpacked(data, limit_bytes=size) == whole
    with pytest.raises(Unreadable) as refusal:
        unpacked(data, limit_bytes=size - 1)
    assert refusal.value.reason == TOO_LARGE


def test_a_packed_record_that_is_larger_unfolded_is_left_to_its_reader():
    assert unpacked(zipped(wfdb_files()), limit_bytes=100) is None
