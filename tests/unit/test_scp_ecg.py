"""What devices write as SCP-ECG, with and against the standard, is read rightly or refused by name (B8)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord
from gateway.formats.ecg import read_ecg, recognise
from tests.support.scp_builders import (
    Code,
    Samples,
    by_differences,
    coded_chunks,
    default_sections,
    heart_samples,
    lead_section,
    patient_section,
    plain_chunks,
    rhythm_section,
    scp_file,
    spell,
    table_section,
    to_bytes,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHORT = heart_samples(leads=("I", "II", "V3R"), count=1200)


def _read(sections: Mapping[int, bytes], **more: object) -> EcgRecord:
    return read_ecg(scp_file(sections, **more), time_zone=SHANGHAI)  # type: ignore[arg-type]


def _same(record: EcgRecord, samples: Samples) -> bool:
    return {lead.name: lead.samples.tolist() for lead in record.leads} == {n: v.tolist() for n, v in samples.items()}


def _refused(data: bytes) -> str:
    with pytest.raises(Unreadable) as refusal:
        read_ecg(data, time_zone=SHANGHAI)
    return refusal.value.reason


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("is_coded", [True, False])
def test_samples_differences_and_second_differences_are_read_coded_or_plain(order, is_coded):
    sections = default_sections(SHORT, order=order)
    if not is_coded:
        del sections[2]
        sections[6] = rhythm_section(plain_chunks(SHORT, order), order=order)
    record = _read(sections)
    assert _same(record, SHORT)
    assert record.warnings == ()
    assert record.format == "scp_ecg"


def test_the_interval_and_the_unit_are_those_of_the_file():
    record = _read(default_sections(SHORT, interval_us=1667, avm_nv=183))
    assert record.interval_us == 1667
    assert round(record.sampling_frequency_hz, 2) == 599.88
    assert {lead.nv_per_unit for lead in record.leads} == {183}
    assert [lead.code for lead in record.leads] == ["2:1", "2:2", "2:11"]


def test_tables_of_the_file_that_switch_are_followed():
    first = [Code("0", 0), Code("10", 1), Code("110", -1), Code("1110", switch_to=2), Code("1111", extra=16)]
    second = [Code("0", extra=8), Code("10", extra=16), Code("11", switch_to=1)]
    chunks = []
    for values in SHORT.values():
        stored = by_differences(values.tolist(), 2)
        half = len(stored) // 2
        chunks.append(to_bytes(spell(stored[:half], first) + "1110" + spell(stored[half:], second)))
    record = _read(default_sections(SHORT) | {2: table_section([first, second]), 6: rhythm_section(chunks, order=2)})
    assert _same(record, SHORT)


def test_revision_1_3_without_the_word_and_with_samples_from_0_is_read_and_said():
    sections = default_sections(SHORT) | {3: lead_section(SHORT, first=0)}
    del sections[2]
    # The end, 1199, is then taken as the number of samples.
    sections[6] = rhythm_section(plain_chunks({n: v[:-1] for n, v in SHORT.items()}))
    record = _read(sections, version=13, has_word=False)
    assert _same(record, {n: v[:-1] for n, v in SHORT.items()})
    assert any("begin at 0" in warning for warning in record.warnings)


def test_a_lead_longer_than_its_length_field_is_read_whole():
    long = heart_samples(leads=("I", "II"), count=40_000)
    plain = {1: patient_section(), 3: lead_section(long), 6: rhythm_section(plain_chunks(long))}
    assert _same(_read(plain), long)
    noisy = {name: np.random.default_rng(5).integers(-3000, 3000, 30_000) for name in ("I", "II", "V1")}
    assert min(map(len, coded_chunks(noisy))) > 65535
    assert _same(_read(default_sections(noisy)), noisy)


def test_leads_that_begin_later_say_so():
    late = struct.pack("<IIB", 301, 1500, 2)
    sections = default_sections(SHORT)
    sections[3] = sections[3][:11] + late + sections[3][20:]
    record = _read(sections)
    assert [lead.start_us for lead in record.leads] == [0, 600_000, 0]


def test_a_lead_that_comes_twice_keeps_both():
    twice = bytearray(lead_section(SHORT))
    twice[19] = 1
    record = _read(default_sections(SHORT) | {3: bytes(twice)})
    assert [lead.name for lead in record.leads] == ["I", "I (2)", "V3R"]


@pytest.mark.parametrize(("language", "raw"), [
    (0, "王小明".encode("gbk")), (1, "王小明".encode("gbk")), (0x27, "王小明".encode("gbk")),
    (0x37, "王小明".encode()), (0, "王小明".encode()), (0x07, "王小明".encode("utf-16-le")),
    (0, b"\xff\xfe" + "王小明".encode("utf-16-le")), (7, b"\xfe\xff" + "王小明".encode("utf-16-be")),
])
def test_chinese_names_are_read_whatever_the_language_code_says(language, raw):
    device = bytes(16) + bytes((language,)) + bytes(24)
    record = _read(default_sections(SHORT) | {1: patient_section({0: raw + b"\0\0", 1: b"", 14: device})})
    assert record.patient.name == "王小明"
    assert record.patient.is_name_guessed == (record.patient.name_raw_hex != "")


def test_chinese_statements_and_western_ones_are_read():
    def statements(*values: bytes) -> bytes:
        return bytes(8) + bytes((len(values),)) + b"".join(
            struct.pack("<BH", n, len(v)) + v for n, v in enumerate(values, 1))

    gbk = _read(default_sections(SHORT) | {8: statements("窦性心律\0".encode("gbk"), "正常心电图\0".encode("gbk"))})
    assert gbk.statements == ("窦性心律", "正常心电图")
    latin = _read(default_sections(SHORT) | {8: statements("hög P-amplitud\0".encode("latin-1"))})
    assert latin.statements == ("hög P-amplitud",)
    coded = _read(default_sections(SHORT) | {11: statements(b"\x01SR\0", b"\x01XYZ\0LV\0", b"\x02free words\0")})
    assert coded.statements == ("sinus rhythm [SR]", "XYZ LV", "free words")
    cut = _read(default_sections(SHORT) | {8: statements(b"one\0", b"two\0")[:-3]})
    assert cut.statements == ("one",)
    assert any("cut off" in warning for warning in cut.warnings)


def test_the_time_is_the_sites_unless_the_file_states_a_zone():
    at_site = _read(default_sections(SHORT))
    assert at_site.recorded_at == datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    sections = default_sections(SHORT) | {1: patient_section({34: struct.pack("<hh", 60, 0)})}
    assert _read(sections).recorded_at == datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    unknown = default_sections(SHORT) | {1: patient_section({34: struct.pack("<hh", 0x7FFF, 0)})}
    assert _read(unknown).recorded_at == at_site.recorded_at


@pytest.mark.parametrize(("tags", "word"), [
    ({25: bytes(4)}, "does not say when"), ({26: b"\x19\0\0"}, "but not when"), ({26: b""}, "but not when"),
    ({25: struct.pack(">HBB", 2026, 3, 2)}, "wrong byte order"),
    ({5: struct.pack("<HBB", 1960, 13, 40)}, "not a date"),
])
def test_dates_that_cannot_be_are_said(tags, word):
    record = _read(default_sections(SHORT) | {1: patient_section(tags)})
    assert any(word in warning for warning in record.warnings)
    assert _same(record, SHORT)


def test_person_device_and_filters_are_read():
    record = _read(default_sections(SHORT) | {1: patient_section({
        4: struct.pack("<HB", 104, 1), 27: struct.pack("<H", 5), 28: struct.pack("<H", 150), 29: b"\x02"})})
    assert record.patient.name == "Patient Demo"
    assert record.patient.age_years == 104
    assert record.patient.sex == "M"
    assert (record.device_model, record.device_serial, record.device_maker) == ("DEMO1", "SN7", "Demo maker")
    assert record.filters == "0.05-150 Hz, notch 50 Hz"
    empty = _read({n: body for n, body in default_sections(SHORT).items() if n != 1})
    assert empty.patient.patient_id == ""
    infant = _read(default_sections(SHORT) | {1: patient_section({4: struct.pack("<HB", 6, 2)})})
    assert infant.patient.age_years == 0.5
    torn = _read(default_sections(SHORT) | {1: patient_section() [:-3] + b"\x1e\xff\x7fcut"})
    assert any("Tag 30" in warning for warning in torn.warnings)


def test_measurements_are_read_and_what_has_no_value_is_not_there():
    block = struct.pack("<5H3h", 100, 202, 277, 377, 620, 64, 49, 29999)
    tail = struct.pack("<HHHHBH", 0, 82, 29999, 401, 1, 0)
    record = _read(default_sections(SHORT) | {7: struct.pack("<BBHH", 1, 0, 731, 29999) + block + tail})
    assert record.measurements == {"p_ms": 102, "pr_ms": 177, "qrs_ms": 100, "qt_ms": 343, "rr_ms": 731,
                                   "heart_rate_bpm": 82, "qtc_bazett_ms": 401, "p_axis_deg": 64, "qrs_axis_deg": 49}
    from_rr = _read(default_sections(SHORT) | {7: struct.pack("<BBHH", 0, 0, 750, 0)})
    assert from_rr.measurements == {"rr_ms": 750, "heart_rate_bpm": 80}
    spike = struct.pack("<BBHHHh", 0, 1, 0, 0, 510, 40) + bytes(6)
    paced = _read(default_sections(SHORT) | {7: spike})
    assert [(mark.kind, mark.at_us) for mark in paced.marks] == [("pacemaker_spike", 510_000)]
    cut = _read(default_sections(SHORT) | {7: struct.pack("<BBHH", 3, 9, 750, 0)})
    assert any("measurements is cut off" in warning for warning in cut.warnings)


def test_a_reference_beat_that_was_not_subtracted_is_kept_beside_the_rhythm():
    beat = {name: values[300:500] for name, values in SHORT.items()}
    record = _read(default_sections(SHORT) | {4: struct.pack("<HHH", 400, 0, 0),
                                              5: rhythm_section(coded_chunks(beat, 1), order=1, avm_nv=500)})
    assert _same(record, SHORT)
    assert record.beat_interval_us == 2000
    assert {b.name: b.samples.tolist() for b in record.representative_beats} == {
        name: values.tolist() for name, values in beat.items()}
    assert record.representative_beats[0].nv_per_unit == 500
    broken = _read(default_sections(SHORT) | {4: struct.pack("<HHH", 60_000, 0, 0),
                                              5: rhythm_section(coded_chunks(beat, 1), order=1)})
    assert any("reference beat is not shown" in warning for warning in broken.warnings)
    assert broken.representative_beats == ()


def test_a_reference_beat_in_another_unit_is_added_exactly():
    beat = np.array([0, 30, 500, -200, 10, 0], dtype=np.int64)
    residual = np.arange(-40, 60, dtype=np.int64)
    spot = slice(48, 54)                                   # fiducial at sample 51, the beat's third
    lead = {"II": residual}
    sections = {1: patient_section(), 2: struct.pack("<H", 19999), 3: lead_section(lead, flags=0x0D),
                4: struct.pack("<HHH", 12, 3, 1) + struct.pack("<HIII", 0, 49, 51, 54) + struct.pack("<II", 49, 54),
                5: rhythm_section(coded_chunks({"II": beat}, 0), avm_nv=1500),
                6: rhythm_section(coded_chunks(lead, 0), avm_nv=1000)}
    record = _read(sections)
    expected = residual * 1000
    expected[spot] += beat * 1500
    assert record.leads[0].nanovolts().tolist() == expected.tolist()


@pytest.mark.parametrize(("change", "reason"), [
    ({3: None}, "scp-no-leads"), ({6: None}, "scp-no-rhythm"), ({6: None, 12: b"long"}, "scp-long-term"),
    ({3: b"\x09\0"}, "scp-no-leads"), ({3: b"\x01\x04" + struct.pack("<IIB", 9, 2, 1)}, "scp-lead-range"),
    ({6: rhythm_section(coded_chunks(SHORT), avm_nv=0, order=2)}, "scp-uncalibrated"),
    ({6: rhythm_section(coded_chunks(SHORT), interval_us=0, order=2)}, "scp-no-interval"),
    ({6: rhythm_section(coded_chunks(SHORT), order=3)}, "scp-encoding"),
    ({6: rhythm_section(coded_chunks(SHORT), order=2)[:-700]}, "scp-cut-off"), ({6: b"\1"}, "scp-cut-off"),
    ({6: rhythm_section(coded_chunks({n: v[:900] for n, v in SHORT.items()}), order=2)}, "scp-huffman-data"),
    ({3: lead_section(SHORT, flags=0x1D)}, "scp-no-reference-beat"),
    ({6: rhythm_section(coded_chunks(SHORT), order=2, bimodal=1)}, "scp-no-reference-beat"),
    ({2: b"\0\0"}, "scp-huffman-table"), ({2: None}, "scp-length"),
])
def test_what_the_samples_need_and_the_file_lacks_is_a_refusal_with_a_name(change, reason):
    sections = {n: body for n, body in (default_sections(SHORT) | change).items() if body is not None}
    assert _refused(scp_file(sections)) == reason


def test_version_3_with_the_same_rhythm_section_is_read_and_its_long_term_rhythm_is_said():
    record = _read(default_sections(SHORT, bimodal=1) | {12: b"long"}, version=30)
    assert _same(record, SHORT)
    assert any("Section 12" in warning for warning in record.warnings)


def test_wrong_checksums_lengths_and_pointers_are_told_or_refused():
    good = scp_file(default_sections(SHORT))
    assert read_ecg(good, time_zone=SHANGHAI).warnings == ()
    section_6 = good.index(rhythm_section(coded_chunks(SHORT), order=2)) - 16
    bent = bytearray(good)
    bent[section_6 + 1] ^= 0x40
    warnings = read_ecg(bytes(bent), time_zone=SHANGHAI).warnings
    assert any("checksum of the record is wrong" in warning for warning in warnings)
    assert any("checksum of section 6 (rhythm) is wrong" in warning for warning in warnings)
    assert any("behind the end" in w for w in read_ecg(good + b"more", time_zone=SHANGHAI).warnings)
    assert _refused(good[:-100]) == "scp-truncated"
    assert _refused(good[:20]) == "unknown-format"
    shifted = bytearray(good)
    shifted[section_6 + 2] = 9                             # the header of Section 6 says that it is another
    assert _refused(bytes(shifted)) == "scp-pointer"
    outside = bytearray(good)
    outside[22 + 60 + 6:22 + 60 + 10] = b"\xff\xff\xff\x7f"
    assert _refused(bytes(outside)) == "scp-pointer"


def test_an_scp_file_is_known_by_its_content():
    good = scp_file(default_sections(SHORT))
    assert recognise(good) == "scp_ecg"
    assert recognise(scp_file(default_sections(SHORT), has_word=False)) == "scp_ecg"
    assert recognise(b"\0" * 300) is None
