"""What real DICOM ECGs do beyond the plain case: other objects, encodings, groups, marks, damage (B8)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV, EcgRecord
from gateway.formats import dicom_waveform
from gateway.formats.dicom_waveform_items import MAX_DEPTH
from tests.support.ecg_builders import (
    LEADS,
    dicom_ecg,
    dicom_number,
    dicom_statement,
    known_samples,
    sha256_nanovolts,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
HEMODYNAMIC = "1.2.840.10008.5.1.4.1.1.9.2.1"
SHORT = known_samples(count=400)


def read(data: bytes) -> EcgRecord:
    return dicom_waveform.read(data, time_zone=SHANGHAI)


def hashes(record: EcgRecord) -> dict[str, str]:
    return {lead.name: lead.sha256_nanovolts() for lead in record.leads}


EXPECTED = {name: sha256_nanovolts(values, 2500) for name, values in SHORT.items()}


def changed(change: Callable[[Dataset], None], data: bytes | None = None, *, syntax: str = "",
            has_open_sequences: bool = False) -> bytes:
    """The object, or a plain one, after `change`, in another encoding if asked."""
    ds = pydicom.dcmread(io.BytesIO(data or dicom_ecg(SHORT)))
    change(ds)
    if has_open_sequences:
        _open_sequences(ds)
    if syntax:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
    out = io.BytesIO()
    if syntax == "1.2.840.10008.1.2.2":
        for group in ds.WaveformSequence:
            group["WaveformData"].value = np.frombuffer(group.WaveformData, "<i2").astype(">i2").tobytes()
        pydicom.dcmwrite(out, ds, implicit_vr=False, little_endian=False, force_encoding=True)
    else:
        pydicom.dcmwrite(out, ds)
    return out.getvalue()


def _open_sequences(ds: Dataset) -> None:
    for element in ds:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _open_sequences(item)


def nothing(ds: Dataset) -> None:
    """No change."""


def point(code: str, scheme: str, meaning: str, *positions: int, group: int = 1, channel: int = 0,
          annotation_group: int | None = None, is_segment: bool = False) -> Dataset:
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code, scheme, meaning
    item.ConceptNameCodeSequence = Sequence([name])
    item.ReferencedWaveformChannels = [group, channel]
    item.TemporalRangeType = "SEGMENT" if is_segment else "POINT"
    item.ReferencedSamplePositions = list(positions)
    if annotation_group is not None:
        item.AnnotationGroupNumber = annotation_group
    return item


# ------------------------------------------------------------------------------------------------------- encodings
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99",
                                    "1.2.840.10008.1.2.2"])
@pytest.mark.parametrize("has_open_sequences", [False, True])
def test_every_uncompressed_encoding_gives_the_same(syntax, has_open_sequences):
    data = dicom_ecg(SHORT, median=known_samples(count=60), annotations=(dicom_statement("窦性心律"),),
                     character_set="ISO_IR 192")
    record = read(changed(nothing, data, syntax=syntax, has_open_sequences=has_open_sequences))
    assert hashes(record) == EXPECTED
    assert record.statements == ("窦性心律",)
    assert len(record.representative_beats) == 12
    assert record.warnings == ()


def test_an_object_written_explicitly_and_announced_as_implicit_is_read():
    data = dicom_ecg(SHORT).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")
    assert hashes(read(data)) == EXPECTED


def test_rubbish_behind_the_waveform_is_nobodys_business():
    assert hashes(read(dicom_ecg(SHORT) + bytes(500))) == EXPECTED
    assert read(dicom_ecg(SHORT) + b"\xff\xff" * 40).warnings == ()


def test_uids_with_empty_components_are_kept_as_they_came():
    data = changed(lambda ds: ds.add_new(0x0020000D, "UI", "1.2.3"), None)
    assert read(data.replace(b"1.2.3\0", b"1..3.\0")).study_instance_uid == "1..3."


def test_a_bomb_is_refused_before_it_unfolds():
    body = struct.pack("<HH2sHL", 0x0008, 0x2112, b"UN", 0, 60 << 20) + bytes(60 << 20)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(body) + deflater.flush()
    head = changed(nothing, syntax="1.2.840.10008.1.2.1.99")
    end_of_meta = 144 + int.from_bytes(head[140:144], "little")
    with pytest.raises(Unreadable) as refusal:
        read(head[:end_of_meta] + packed)
    assert refusal.value.reason == "dicom-bomb"


def test_deep_nesting_and_endless_items_are_refused():
    meta = dicom_ecg(SHORT)[:144 + int.from_bytes(dicom_ecg(SHORT)[140:144], "little")]
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    start = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + item
    for data, reason in ((start * (MAX_DEPTH + 2), "dicom-too-deep"),
                         (start[:12] + struct.pack("<HHL", 0xFFFE, 0xE000, 0) * 120_000, "dicom-too-long"),
                         (struct.pack("<HH2sH", 0x0009, 0x0010, b"LO", 0) * 700_000, "dicom-too-long"),
                         (struct.pack("<HH2sHHH2sH", 9, 16, b"LO", 0, 9, 17, b"??", 0), "dicom-damaged")):
        with pytest.raises(Unreadable) as refusal:
            read(meta + data)
        assert refusal.value.reason == reason


# ------------------------------------------------------------------------------------------------- other waveforms
def test_twelve_ecg_leads_in_a_hemodynamic_object_are_found_and_the_rest_is_named():
    def change(ds: Dataset) -> None:
        ds.SOPClassUID = HEMODYNAMIC
        group = ds.WaveformSequence[0]
        group.SamplingFrequency = "240"
        pressure = pydicom.dcmread(io.BytesIO(dicom_ecg({"I": SHORT["I"]}, unit="mm[Hg]"))).WaveformSequence[0]
        pressure.ChannelDefinitionSequence[0].ChannelSourceSequence[0].CodeValue = "109034"
        pressure.ChannelDefinitionSequence[0].ChannelSourceSequence[0].CodeMeaning = "Aortic pressure"
        pressure.SamplingFrequency = "240"
        for channel in group.ChannelDefinitionSequence:
            del channel.ChannelSourceSequence[0].CodeValue            # names in words alone
        ds.WaveformSequence = Sequence([pressure, group])

    record = read(changed(change))
    assert hashes(record) == EXPECTED
    assert record.interval_us == pytest.approx(1e6 / 240)
    assert record.warnings == ("Channel Aortic pressure is no ECG lead and is not shown.",)


def test_a_hemodynamic_object_without_an_ecg_is_refused_by_name():
    def change(ds: Dataset) -> None:
        ds.SOPClassUID = HEMODYNAMIC
        for channel in ds.WaveformSequence[0].ChannelDefinitionSequence:
            channel.ChannelSourceSequence[0].CodeValue, channel.ChannelSourceSequence[0].CodeMeaning = "9", "Pressure"

    with pytest.raises(Unreadable) as refusal:
        read(changed(change))
    assert refusal.value.reason == "dicom-no-ecg-lead"
    assert "Pressure" in str(refusal.value)


# ---------------------------------------------------------------------------------------------------------- groups
def test_median_beats_are_kept_beside_the_rhythm_with_their_own_interval():
    median = known_samples(count=60)

    def change(ds: Dataset) -> None:
        ds.WaveformSequence[1].SamplingFrequency = "1000"

    record = read(changed(change, dicom_ecg(SHORT, median=median)))
    assert (record.beat_interval_us, record.interval_us) == (1000, 2000)
    assert {lead.name: lead.sha256_nanovolts() for lead in record.representative_beats} == {
        name: sha256_nanovolts(values, 2500) for name, values in median.items()}


def test_leads_recorded_three_at_a_time_keep_when_they_began():
    def change(ds: Dataset) -> None:
        groups = []
        for number in range(4):
            names = LEADS[3 * number:3 * number + 3]
            group = pydicom.dcmread(io.BytesIO(dicom_ecg({name: SHORT[name] for name in names}))).WaveformSequence[0]
            group.MultiplexGroupTimeOffset = str(2500 * number)
            group.MultiplexGroupLabel = ""
            groups.append(group)
        ds.WaveformSequence = Sequence(groups)

    record = read(changed(change))
    assert hashes(record) == EXPECTED
    assert [lead.start_us for lead in record.leads] == [2_500_000.0 * (n // 3) for n in range(12)]


def test_the_skew_of_a_channel_is_when_it_was_sampled():
    def change(ds: Dataset) -> None:
        first, second, *_ = ds.WaveformSequence[0].ChannelDefinitionSequence
        del first.ChannelSampleSkew
        first.ChannelTimeSkew, second.ChannelSampleSkew = "0.0005", "0.5"

    assert [lead.start_us for lead in read(changed(change)).leads][:3] == [500.0, 1000.0, 0.0]


def test_a_group_of_another_rate_is_said_and_not_mixed_in():
    def change(ds: Dataset) -> None:
        other = pydicom.dcmread(io.BytesIO(dicom_ecg({"V1": SHORT["V1"]}, frequency="250"))).WaveformSequence[0]
        other.MultiplexGroupLabel = ""
        ds.WaveformSequence.append(other)

    record = read(changed(change))
    assert hashes(record) == EXPECTED
    assert record.warnings == ("Channels of another sampling frequency are not shown: V1.",)


# --------------------------------------------------------------------------------------------------------- samples
@pytest.mark.parametrize(("interpretation", "dtype", "bits"), [
    ("SB", "<i1", 8), ("UB", "<u1", 8), ("US", "<u2", 16), ("SL", "<i4", 32), ("UL", "<u4", 32)])
def test_every_kind_of_linear_sample_is_read(interpretation, dtype, bits):
    values = np.array([[3, 100], [120, 7], [0, 127]])

    def change(ds: Dataset) -> None:
        group = ds.WaveformSequence[0]
        group.WaveformSampleInterpretation, group.WaveformBitsAllocated = interpretation, bits
        for channel in group.ChannelDefinitionSequence:
            channel.WaveformBitsStored = bits
        group.add_new(0x54001010, "OW" if bits > 8 else "OB", values.astype(dtype).tobytes())

    record = read(changed(change, dicom_ecg({"I": np.zeros(3, np.int32), "II": np.zeros(3, np.int32)})))
    assert [lead.samples.tolist() for lead in record.leads] == values.T.tolist()


@pytest.mark.parametrize("interpretation", ["MB", "AB"])
def test_companded_samples_are_refused_by_name(interpretation):
    def change(ds: Dataset) -> None:
        ds.WaveformSequence[0].WaveformSampleInterpretation = interpretation

    with pytest.raises(Unreadable) as refusal:
        read(changed(change))
    assert refusal.value.reason == "dicom-companded"


def test_the_lowest_value_as_padding_is_a_gap_wherever_it_stands():
    """No voltage is -32768; other padding values are gaps only at the ends and only in runs."""
    samples = {"I": np.array([5, -32768, 7, -32768, -32768], dtype=np.int32)}
    assert read(dicom_ecg(samples, padding=-32768)).leads[0].nanovolts().tolist() == [
        12_500, MISSING_NV, 17_500, MISSING_NV, MISSING_NV]


# ------------------------------------------------------------------------------------------------------------ words
@pytest.mark.parametrize(("meaning", "name"), [
    ("Lead I (Einthoven)", "I"), ("aVR, augmented voltage, right", "aVR"), ("Lead V4R", "V4R"), ("V5", "V5")])
def test_leads_named_in_words_alone_are_known(meaning, name):
    def change(ds: Dataset) -> None:
        source = ds.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSourceSequence[0]
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "X1", "99CART", meaning

    assert read(changed(change)).leads[0].name == name


@pytest.mark.parametrize(("code", "scheme", "name"), [("2:61", "MDC", "III"), ("5.6.3-9-61", "SCPECG", "III")])
def test_leads_named_by_code_are_known(code, scheme, name):
    def change(ds: Dataset) -> None:
        source = ds.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSourceSequence[0]
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = code, scheme, "x"

    assert read(changed(change)).leads[0].name == name


def test_a_zone_in_the_object_wins_over_the_sites():
    def change(ds: Dataset) -> None:
        ds.TimezoneOffsetFromUTC = "+0300"

    at = read(changed(change)).recorded_at
    assert at is not None
    assert at.isoformat() == "2026-03-02T08:30:00+03:00"


# ------------------------------------------------------------------------------------------------------ annotations
def marks(*annotations: Dataset) -> list[tuple[str, float, str, bool]]:
    data = dicom_ecg(SHORT, median=known_samples(count=60), annotations=annotations)
    return [(m.kind, m.at_us, m.lead, m.is_on_representative_beat) for m in read(data).marks]


def test_points_are_marks_and_the_first_sample_has_position_1():
    assert marks(point("5.10.3-1", "SCPECG", "P Onset", 1), point("5.7.1-3", "SCPECG", "Fiducial Point", 101),
                 point("10:576", "MDC", "R wave", 102, channel=2),
                 point("5.10.3-3", "SCPECG", "QRS Onset", 11, group=2), point("Z9", "99CART", "Pacer Spike", 3)) == [
        ("p_onset", 0.0, "", False), ("beat", 200_000.0, "", False), ("r_peak", 202_000.0, "II", False),
        ("qrs_onset", 20_000.0, "", True), ("pacer spike", 4_000.0, "", False)]


def test_the_bounds_of_a_measurement_are_marks_too():
    assert marks(point("2:15872", "MDC", "PR interval global", 11, 21, group=2, is_segment=True)) == [
        ("p_onset", 20_000.0, "", True), ("qrs_onset", 40_000.0, "", True)]


def test_points_of_the_annotation_group_before_the_beats_are_on_the_median_beat():
    """One family of carts refers to the rhythm even for these."""
    assert marks(point("5.10.3-1", "SCPECG", "P Onset", 11, annotation_group=2),
                 point("5.10.3-1", "SCPECG", "P Onset", 311, annotation_group=100)) == [
        ("p_onset", 20_000.0, "", True), ("p_onset", 620_000.0, "", False)]


def test_a_statement_that_the_cart_calls_critical_is_critical():
    said, other, critical = dicom_statement("急性心肌梗死"), dicom_statement("窦性心律"), Dataset()
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "C1", "99CART", "Critical result"
    critical.ConceptNameCodeSequence, critical.ReferencedWaveformChannels = Sequence([name]), [1, 0]
    said.AnnotationGroupNumber = critical.AnnotationGroupNumber = 7
    record = read(dicom_ecg(SHORT, annotations=(said, other, critical), character_set="ISO_IR 192"))
    assert record.statements == ("急性心肌梗死", "窦性心律")
    assert record.critical_statements == ("急性心肌梗死",)


def test_numbers_of_one_lead_do_not_pass_for_global_ones():
    of_lead = dicom_number("2:16160", "MDC", "QT interval global", "999", "ms")
    of_lead.ReferencedWaveformChannels = [1, 2]
    everywhere = dicom_number("2:16160", "MDC", "QT interval global", "400", "ms")
    zero = dicom_number("5.10.2.1-5", "SCPECG", "PP Interval", "0", "ms")
    r_of_v5 = dicom_number("2:2048", "MDC", "R amplitude, per lead", "1250", "uV")
    r_of_v5.ReferencedWaveformChannels = [1, 11]
    record = read(dicom_ecg(SHORT, annotations=(of_lead, everywhere, zero, r_of_v5)))
    assert record.measurements == {"qt_ms": 400, "rv5_mv": 1.25}


def test_words_at_a_point_are_a_note_and_no_statement():
    item = dicom_statement("咳嗽")
    item.TemporalRangeType, item.ReferencedSamplePositions = "POINT", 51
    record = read(dicom_ecg(SHORT, annotations=(item,), character_set="ISO_IR 192"))
    assert record.statements == ()
    assert [(mark.kind, mark.at_us, mark.text) for mark in record.marks] == [("note", 100_000.0, "咳嗽")]


def test_statements_in_gbk_without_a_declaration_are_read():
    data = changed(nothing, dicom_ecg(SHORT, annotations=(dicom_statement("AAAA"),), name="王^小明".encode("gbk")))
    record = read(data.replace(b"AAAA", "窦律".encode("gbk")))
    assert record.statements == ("窦律",)


# ----------------------------------------------------------------------------------------------------------- damage
@pytest.mark.parametrize(("change", "reason"), [
    (lambda ds: setattr(ds.WaveformSequence[0], "NumberOfWaveformChannels", 11), "dicom-channels"),
    (lambda ds: setattr(ds.WaveformSequence[0], "NumberOfWaveformSamples", 0), "dicom-samples"),
    (lambda ds: setattr(ds.WaveformSequence[0], "NumberOfWaveformSamples", 401), "dicom-data-short"),
    (lambda ds: setattr(ds.WaveformSequence[0], "WaveformBitsAllocated", 8), "dicom-sample-interpretation"),
    (lambda ds: ds.WaveformSequence[0].ChannelDefinitionSequence[3].__delattr__("ChannelSensitivity"),
     "dicom-uncalibrated"),
    (lambda ds: setattr(ds.WaveformSequence[0].ChannelDefinitionSequence[3],
                        "ChannelSensitivityCorrectionFactor", "0"), "dicom-uncalibrated"),
    (lambda ds: setattr(ds, "WaveformSequence", Sequence([])), "dicom-no-waveform"),
])
def test_what_does_not_fit_is_refused_by_name(change, reason):
    with pytest.raises(Unreadable) as refusal:
        read(changed(change))
    assert refusal.value.reason == reason


def test_an_object_that_ends_early_says_so_or_is_refused():
    whole = changed(nothing, has_open_sequences=True)
    record = read(whole[:-8])                # the delimiter alone is missing
    assert record.warnings == ("The object ends before its elements do.",)
    assert hashes(record) == EXPECTED
    for length in range(150, len(whole) - 20, 97):
        with pytest.raises(Unreadable) as refusal:
            read(whole[:length])
        assert refusal.value.reason.startswith("dicom-")
