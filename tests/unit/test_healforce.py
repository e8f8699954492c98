"""Healforce's files that look like SCP-ECG are known, and refused by name; a gain is never guessed (B8)."""

from __future__ import annotations

import struct
from datetime import UTC

import pytest

from gateway.core.errors import Unreadable
from gateway.formats import healforce, scp_ecg
from gateway.formats.ecg import read_ecg
from tests.support.scp_builders import default_sections, heart_samples, scp_file


def _healforce() -> bytes:
    body = struct.pack("<HII", 0, 36, 6) + struct.pack("<HII", 6, 200, 42)
    section = b"\x40\xfd" + struct.pack("<HIBB", 0, 36, 13, 13) + bytes(6) + body
    return struct.pack("<HHH", 0x9D30, 0, 242) + section + bytes(200) + b"\xff" * 50


def test_a_healforce_recording_is_refused_with_its_own_reason():
    assert healforce.recognise(_healforce())
    assert not scp_ecg.recognise(_healforce())
    with pytest.raises(Unreadable) as refusal:
        read_ecg(_healforce(), time_zone=UTC)
    assert refusal.value.reason == "healforce-unsupported"


def test_real_scp_and_short_bytes_are_not_taken_for_it():
    assert not healforce.recognise(scp_file(default_sections(heart_samples(leads=("I",), count=100))))
    assert not healforce.recognise(b"")
    assert not healforce.recognise(bytes(100))
