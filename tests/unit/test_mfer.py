"""MFER files, made here by an encoder of its own, are read to the nanovolt; ecgdatakit reads the same (B8)."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from ecgdatakit import FileParser

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV
from gateway.formats import mfer
from gateway.formats.ecg import recognise
from tests.support.ecg_builders import LEADS, RECORDED_AT, known_samples, sha256_nanovolts
from tests.support.mfer_builders import Order, channel, frame, tlv
from tests.support.mfer_builders import mfer as mfer_file

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = known_samples(count=60)
LITTLE = Order(is_little=True)


def read(data: bytes):
    return mfer.read(data, time_zone=ZONE)


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read(data)
    return refused.value.reason


@pytest.mark.parametrize("is_little", [True, False])
@pytest.mark.parametrize("block", [5000, 500, 1])
def test_every_sample_is_the_same_here_and_in_ecgdatakit(is_little, block, tmp_path):
    data = mfer_file(is_little=is_little, block=block, name=b"Demo^A")
    record = read(data)
    assert recognise(data) == "mfer"
    assert [lead.name for lead in record.leads] == list(LEADS)
    assert record.warnings == ()
    path = tmp_path / "built.mwf"
    path.write_bytes(data)
    outside = FileParser().parse(path)
    for lead, other in zip(record.leads, outside.leads, strict=True):
        assert lead.sha256_nanovolts() == sha256_nanovolts(known_samples()[lead.name], 2500)
        assert other.label == lead.name
        assert np.array_equal(np.rint(other.samples * 1e6).astype(np.int64), lead.nanovolts())   # it gives mV
        assert other.sampling_rate == record.sampling_frequency_hz == 500
    assert outside.patient.patient_id == record.patient.patient_id == "P1"


@pytest.mark.parametrize("data_type", [0, 2, 5, 7, 8])
def test_signed_and_floating_samples_keep_their_value(data_type):
    samples = {name: values % 100 for name, values in SHORT.items()}
    record = read(mfer_file(samples, data_type=data_type, sensitivity=(0, -6, 5)))
    assert [lead.nanovolts().tolist() for lead in record.leads] == [(v * 5000).tolist() for v in samples.values()]


@pytest.mark.parametrize(("data_type", "values", "nanovolts"), [
    (1, [0, 32_768, 65_535], [0, 32_768_000, 65_535_000]),
    (3, [0, 128, 255], [0, 128_000, 255_000]),
    (6, [0, 70_000, 2_000_000], [0, 70_000_000, 2_000_000_000])])
def test_samples_without_sign_keep_their_value(data_type, values, nanovolts):
    record = read(mfer_file({"I": np.array(values)}, data_type=data_type, sensitivity=(0, -6, 1)))
    assert record.leads[0].nanovolts().tolist() == nanovolts


def test_thirty_two_bits_without_sign_are_kept_beyond_the_middle():
    record = read(mfer_file({"I": np.array([5, 2**31 + 5, 2**32 - 1])}, data_type=6, sensitivity=(0, -10, 1)))
    assert record.leads[0].nanovolts().tolist() == [0, 214_748_365, 429_496_730]


def test_an_offset_of_another_size_than_the_samples_is_refused():
    assert refusal(mfer_file(SHORT, more=(tlv(0x0D, b"abc"),))) == "mfer-definition"


def test_the_null_value_is_missing_and_the_offset_is_added():
    samples = {"I": np.array([1, -32768, 3], dtype=np.int32)}
    record = read(mfer_file(samples, more=(tlv(0x12, b"\x00\x80"), tlv(0x0D, LITTLE.u16(10)))))
    assert record.leads[0].nanovolts().tolist() == [27_500, MISSING_NV, 32_500]


def test_a_channel_has_its_own_sensitivity_until_the_channels_are_counted_anew():
    own = {1: tlv(0x0C, LITTLE.scaled(0, -6, 1))}
    first = mfer_file({"I": SHORT["I"], "II": SHORT["II"]}, of_channels=own)
    assert [lead.nv_per_unit for lead in read(first).leads] == [2500, 1000]
    again = first[:-2] + tlv(0x05, b"\x02") + channel(1, tlv(0x09, b"\x02")) + channel(0, tlv(0x09, b"\x01")) + tlv(
        0x1E, frame({"I": SHORT["I"], "II": SHORT["II"]}, LITTLE, block=60)) + tlv(0x80, b"")
    record = read(again)
    assert len(record.leads[0].samples) == 60
    assert any("defined otherwise" in words for words in record.warnings)      # not joined: II has another gain now


def test_frames_that_go_on_are_one_recording_and_a_gap_has_no_value():
    two = {"I": SHORT["I"], "II": SHORT["II"]}
    second = (tlv(0x07, LITTLE.u32(70)), tlv(0x1E, frame(two, LITTLE, block=60)))
    lead = read(mfer_file(two, more=(tlv(0x07, LITTLE.u32(0)),), after=second)).leads[1]
    values = SHORT["II"] * 2500
    assert lead.nanovolts().tolist() == [*values, *[MISSING_NV] * 10, *values]
    far = (tlv(0x07, LITTLE.u32(10_000_000)), second[1])
    assert refusal(mfer_file(two, after=far)) == "mfer-gap"
    back = (tlv(0x07, LITTLE.u32(3)), second[1])
    assert refusal(mfer_file(two, after=back)) == "mfer-overlap"


def test_a_dominant_beat_is_kept_apart_from_the_recording():
    two = {"I": SHORT["I"], "II": SHORT["II"]}
    beat = (tlv(0x08, LITTLE.u16(9)), tlv(0x0B, LITTLE.scaled(1, -3, 1)), tlv(0x1E, frame(two, LITTLE, block=60)))
    record = read(mfer_file(two, after=beat))
    assert [len(lead.samples) for lead in record.leads] == [60, 60]
    assert [lead.name for lead in record.representative_beats] == ["I", "II"]
    assert (record.interval_us, record.beat_interval_us) == (2000, 1000)


@pytest.mark.parametrize(("interval", "interval_us"), [
    ((1, -3, 2), 2000), ((0, 0, 500), 2000), ((1, -6, 1667), 1667), ((0, 1, 80), 1250), ((1, -4, 20), 2000)])
def test_the_sampling_interval_is_exact(interval, interval_us):
    assert read(mfer_file(SHORT, interval=interval)).interval_us == interval_us


def test_without_an_interval_the_standards_own_is_taken_and_said():
    record = read(mfer_file(SHORT, interval=None))
    assert record.interval_us == 1000
    assert record.warnings == ("The file states no sampling interval; 1000 Hz is taken, as ISO 22077-1 prescribes.",)


@pytest.mark.parametrize(("character_code", "raw", "name", "is_guessed"), [
    (b"", b"Demo^A", "Demo A", False),
    (b"", "演示甲".encode("gb18030"), "演示甲", True),
    (b"", "演示甲".encode(), "演示甲", True),
    (b"", "ﾃﾞﾓ試験表".encode("shift_jis"), "ﾃﾞﾓ試験表", True),
    (b"Shift_JIS", "試験^一ソ表".encode("shift_jis"), "試験一ソ表", False),
    (b"", "Demo 演示甲".encode("utf-16-le"), "Demo 演示甲", True),
    (b"UTF-16LE", "演示甲".encode("utf-16-le"), "演示甲", False),
    (b"GB18030", "演示乗^玘".encode("gb18030"), "演示乗玘", False),
])
def test_names_are_read_in_the_character_set_stated_or_guessed(character_code, raw, name, is_guessed):
    patient = read(mfer_file(SHORT, character_code=character_code, name=raw)).patient
    assert (patient.name, patient.is_name_guessed) == (name, is_guessed)
    assert patient.name_raw_hex == (raw.hex() if is_guessed else "")


def test_patient_time_device_filters_and_events_are_read():
    more = (tlv(0x11, b"HPF=0.05^LPF=150"), tlv(0x11, b"BEF=50"),
            tlv(0x41, LITTLE.u16(9) + LITTLE.u32(30) + LITTLE.u32(0) + b"Demo"), tlv(0x16, b"Demo note"))
    record = read(mfer_file(SHORT, more=more))
    assert record.recorded_at == RECORDED_AT
    assert (record.patient.patient_id, record.patient.sex, record.patient.birth_date) == ("P1", "M", date(1960, 4, 5))
    assert record.patient.age_years == 65
    assert (record.device_maker, record.device_model, record.device_serial) == ("Demo", "Cart", "SN7")
    assert record.filters == "0.05-150 Hz, notch 50 Hz"
    assert [(mark.kind, mark.at_us, mark.text) for mark in record.marks] == [("event 9", 60_000, "Demo")]
    assert record.notes == ("Demo note",)


def test_a_group_of_open_length_is_read_to_its_end():
    whole = mfer_file({"I": SHORT["I"]})
    own = channel(0, tlv(0x09, LITTLE.u16(1)))
    opened = b"\x3f\x00\x80" + tlv(0x09, LITTLE.u16(1)) + b"\x00\x00"
    assert own in whole
    assert read(whole.replace(own, opened)).leads[0].name == "I"


def test_definitions_without_preamble_are_known_by_their_chain():
    assert recognise(mfer_file(SHORT, preamble=b"")) == "mfer"
    assert recognise(b"\x01\x01\x01" + b"text that is not MFER at all") is None
    assert recognise(tlv(0x01, b"\x01") + tlv(0x1E, b"1234")) is None


@pytest.mark.parametrize(("data", "reason"), [
    (mfer_file(SHORT, sensitivity=None), "mfer-uncalibrated"),
    (mfer_file(SHORT, sensitivity=(0, -6, 0)), "mfer-uncalibrated"),
    (mfer_file(SHORT, sensitivity=(1, 0, 1)), "mfer-no-voltage"),
    (mfer_file(SHORT, interval=(2, 0, 1)), "mfer-no-interval"),
    (mfer_file(SHORT, compression=1), "mfer-compressed"),
    (mfer_file(SHORT).replace(tlv(0x0A, b"\0"), tlv(0x0A, b"\x09")), "mfer-aha"),
    (mfer_file(SHORT).replace(tlv(0x0A, b"\0"), tlv(0x0A, b"\x0b")), "mfer-data-type"),
    (mfer_file(SHORT)[:-500], "mfer-truncated"),
    (mfer_file(SHORT).replace(tlv(0x04, LITTLE.u32(60)), tlv(0x04, LITTLE.u32(61))), "mfer-data-short"),
    (mfer_file(SHORT, of_channels={1: tlv(0x06, LITTLE.u16(3))}), "mfer-sequences"),
    (mfer_file(SHORT, of_channels={1: channel(1, b"")}), "mfer-nested"),
    (mfer_file(SHORT, more=(tlv(0x42, b"") * 20_001,)), "mfer-too-large"),
    (b"\x40\x04MFR ", "mfer-no-samples"),
    (tlv(0x05, b"\x40") + tlv(0x0C, LITTLE.scaled(0, -7, 25)) + tlv(0x1E, bytes(128)) * 1600, "mfer-too-large"),
])
def test_a_refusal_names_its_reason(data, reason):
    assert refusal(data) == reason


def test_a_frame_with_fewer_sequences_than_announced_says_so():
    whole = mfer_file(SHORT, block=10)
    record = read(whole.replace(tlv(0x06, LITTLE.u16(6)), tlv(0x06, LITTLE.u16(9))))
    assert len(record.leads[0].samples) == 60
    assert record.warnings == ("The frame announces 9 sequences and holds 6; the rest has no samples.",)
