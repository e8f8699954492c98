"""Data sets as they come: every encoding, what the index needs, and what a stranger might send (B1, B2, C2)."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import Unreadable
from gateway.formats.dicom_dataset import read_dataset, read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.part10 import file_header, read_file_meta
from storage.model import Confidence
from tests.support import dicom_builders as build

SHANGHAI = ZoneInfo("Asia/Shanghai")
WHOLE = build.ct_slice(7)


def head_of(part10: bytes, **more):
    return read_part10(ByteSource(part10), **more)


@pytest.mark.parametrize("syntax", sorted(build.SYNTAXES))
def test_every_encoding_gives_the_same_facts(syntax):
    """B1: explicit, implicit, big endian, deflated and compressed."""
    head = head_of(build.ct_slice(7, syntax=syntax, StudyDescription="Chest"))
    assert head.transfer_syntax_uid == build.SYNTAXES[syntax]
    assert (head.sop_class_uid, head.modality, head.body_part) == (build.CT, "CT", "CHEST")
    assert (head.rows, head.columns, head.frame_count, head.instance_number) == (64, 64, 1, 7)
    assert (head.patient_id, head.patient_name.display, head.sex) == ("P0001", "Demo One", "M")
    assert (head.birth_date, head.age_years) == (date(1970, 1, 2), pytest.approx(56.16, abs=0.01))
    assert (head.accession_number, head.study_description) == ("A0001", "Chest")
    assert head.study_at(SHANGHAI) == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


def test_lists_get_dicom_json_with_text_in_unicode():
    """QIDO attributes (PS3.18 annex F), decoded whatever the device wrote."""
    patient = build.Patient(name="Zhang^San=张^三".encode("gbk"))
    attributes = head_of(build.ct_slice(7, patient=patient, SliceThickness="5.0")).attributes
    assert attributes["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Zhang^San", "Ideographic": "张^三"}]}
    assert attributes["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}
    assert attributes["00280010"] == {"vr": "US", "Value": [64]}
    assert attributes["00280030"] == {"vr": "DS", "Value": [0.5, 0.5]}
    assert attributes["00200013"] == {"vr": "IS", "Value": [7]}
    assert attributes["00281050"] == {"vr": "DS", "Value": [40.0]}
    assert "7FE00010" not in attributes


def test_an_empty_element_is_listed_without_a_value():
    assert head_of(build.ct_slice(AccessionNumber="")).attributes["00080050"] == {"vr": "SH"}


def test_a_name_in_gbk_without_a_character_set_is_read_and_marked():
    """C2, C4."""
    name = head_of(build.ct_slice(patient=build.Patient(name="王^小东".encode("gbk")))).patient_name
    assert (name.display, name.confidence) == ("王小东", Confidence.GUESSED)
    assert name.raw_hex == "王^小东".encode("gbk").hex()


def test_the_devices_rule_is_used():
    """C4."""
    part10 = build.ct_slice(patient=build.Patient(name="王^小东".encode("gbk"), character_set=b"ISO_IR 100"))
    assert head_of(part10, device_codec="gbk").patient_name.confidence is Confidence.DEVICE_RULE


def test_the_zone_that_the_device_states_wins():
    head = head_of(build.ct_slice(TimezoneOffsetFromUTC="+0000"))
    assert head.study_at(SHANGHAI) == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(("keyword", "value", "field", "expected"), [
    ("PatientAge", "003M", "age_years", pytest.approx(0.25)), ("PatientAge", "045Y", "age_years", 45.0),
    ("PatientBirthDate", "1970.01.02", "birth_date", date(1970, 1, 2)), ("PatientSex", "X", "sex", ""),
    ("RequestedProcedurePriority", "STAT", "priority", "STAT"),
    ("NumberOfStudyRelatedInstances", 12, "study_instance_count", 12),
    ("ImagesInAcquisition", 3, "images_in_acquisition", 3),
    ("SeriesNumber", "99999999999", "series_number", None)])
def test_single_facts(keyword, value, field, expected):
    from pydicom import config
    before, config.settings.writing_validation_mode = config.settings.writing_validation_mode, config.IGNORE
    try:
        part10 = build.ct_slice(1, **{keyword: value}) if not keyword.startswith("PatientB") else build.ct_slice(
            1, patient=build.Patient(birth_date=value))
    finally:
        config.settings.writing_validation_mode = before
    assert getattr(head_of(part10), field) == expected


def test_multi_frame_waveform_and_private_objects_are_read():
    assert head_of(build.us_loop(frames=4)).frame_count == 4
    ecg = head_of(build.ecg_waveform())
    assert (ecg.has_waveform, ecg.is_ecg) == (True, True)
    private = head_of(build.private_object())
    assert (private.sop_class_uid, private.rows) == (build.PRIVATE, None)


def test_a_file_that_we_make_has_fixed_meta_information_before_the_data_set_as_sent():
    """B1, B4: equal data sets give equal objects."""
    dataset = build.dataset_of(WHOLE)
    head = head_of(WHOLE)
    made = file_header(sop_class_uid=head.sop_class_uid, sop_instance_uid=head.sop_instance_uid,
                       transfer_syntax_uid=head.transfer_syntax_uid) + dataset
    meta = read_file_meta(ByteSource(made))
    assert made[meta.dataset_start:] == dataset
    assert (meta.sop_class_uid, meta.sop_instance_uid) == (head.sop_class_uid, head.sop_instance_uid)
    from io import BytesIO

    from pydicom import dcmread
    read = dcmread(BytesIO(made))
    assert read.file_meta.FileMetaInformationGroupLength == meta.dataset_start - 144
    assert "SourceApplicationEntityTitle" not in read.file_meta
    assert read.pixel_array.shape == (64, 64)


def test_only_the_beginning_is_held_when_the_object_is_large():
    reads: list[int] = []

    def more(start: int, length: int) -> bytes:
        reads.append(length)
        return WHOLE[start:start + length]

    assert read_part10(ByteSource(WHOLE[:300], len(WHOLE), more)) == head_of(WHOLE)
    assert max(reads) <= 1 << 18


@pytest.mark.parametrize("syntax", sorted(build.SYNTAXES))
def test_a_truncated_object_is_refused_wherever_it_was_cut(syntax):
    """Bad input: half a transfer must never look like a whole image."""
    whole = build.ct_slice(1, rows=16, columns=16, syntax=syntax)
    start = read_file_meta(ByteSource(whole)).dataset_start
    read, refused = [], set()
    for cut in range(start + 2, len(whole) - 8, 3):
        try:
            head_of(whole[:cut])
            read.append(cut)
        except Unreadable as exc:
            refused.add(exc.reason)
    # A cut exactly between two elements looks like a short data set; one inside the pixels never does.
    tag = b"\x7f\xe0\0\x10" if syntax == "big endian" else b"\xe0\x7f\x10\0"
    pixels = 0 if syntax == "deflated" else len(whole) - whole.rindex(tag)
    assert all(cut <= len(whole) - pixels for cut in read)
    assert syntax != "deflated" or read == []
    assert "truncated" in refused
    assert refused <= {"truncated", "not-dicom", "missing-uid"}


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "not-dicom"), (b"\0" * 200, "not-dicom"), (b"<html>" * 100, "not-dicom"), (WHOLE[:140], "truncated")])
def test_what_is_no_dicom_file_is_refused_with_a_named_reason(data, reason):
    with pytest.raises(Unreadable) as refused:
        head_of(data)
    assert refused.value.reason == reason


def dataset(*elements: tuple[int, int, bytes, bytes]) -> bytes:
    out = b""
    for group, number, vr, value in elements:
        value += b"\0" * (len(value) % 2)
        out += struct.pack("<HH2sH", group, number, vr, len(value)) + value
    return out


NAMED = ((8, 0x16, b"UI", b"1.2.3"), (8, 0x18, b"UI", b"1.2.3.4"), (0x20, 0xD, b"UI", b"1.2.3.5"),
         (0x20, 0xE, b"UI", b"1.2.3.6"))


def test_the_least_that_names_an_instance_is_enough():
    head = read_dataset(ByteSource(dataset(*NAMED)), 0, "1.2.840.10008.1.2.1")
    assert (head.sop_instance_uid, head.patient_name.display, head.modality) == ("1.2.3.4", "", "")


@pytest.mark.parametrize(("elements", "reason"), [
    (NAMED[:1], "missing-uid"), ((*NAMED[:1], (8, 0x18, b"UI", b"../../x"), *NAMED[2:]), "bad-uid"),
    (((8, 0x60, b"CS", b"CT"),), "missing-uid"), (((0x10, 0x1111, b"LO", b"x"),), "not-dicom")])
def test_an_instance_without_a_usable_name_is_refused(elements, reason):
    with pytest.raises(Unreadable) as refused:
        read_dataset(ByteSource(dataset(*elements)), 0, "1.2.840.10008.1.2.1")
    assert refused.value.reason == reason


def test_a_length_far_beyond_the_end_is_seen_before_anything_is_read():
    bomb = dataset(*NAMED) + struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OW", 0, 0xFFFFFFFE)
    with pytest.raises(Unreadable) as refused:
        read_dataset(ByteSource(bomb), 0, "1.2.840.10008.1.2.1")
    assert refused.value.reason == "truncated"


def test_sequences_nested_without_end_are_refused():
    nested = dataset(*NAMED[:2])
    for _ in range(5000):
        nested += struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        nested += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(Unreadable) as refused:
        read_dataset(ByteSource(nested), 0, "1.2.840.10008.1.2.1")
    assert refused.value.reason == "nested-too-deep"


def test_a_deflated_bomb_is_not_inflated_to_the_end():
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = deflate.compress(bytes(200 << 20)) + deflate.flush()
    with pytest.raises(Unreadable) as refused:
        read_dataset(ByteSource(bomb), 0, "1.2.840.10008.1.2.1.99")
    assert refused.value.reason == "too-large-inflated"


def test_a_data_set_written_in_the_other_value_representation_is_still_read():
    """Some devices negotiate implicit and write explicit, or the other way round."""
    explicit = build.dataset_of(build.ct_slice(3))
    implicit = build.dataset_of(build.ct_slice(3, syntax="implicit"))
    assert read_dataset(ByteSource(explicit), 0, "1.2.840.10008.1.2").rows == 64
    assert read_dataset(ByteSource(implicit), 0, "1.2.840.10008.1.2.1").rows == 64


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_are_read_or_refused_but_never_break_the_reader(data):
    changed = bytearray(build.dataset_of(WHOLE)[:2000])
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=12)):
        changed[at] = data.draw(st.integers(0, 255))
    syntax = data.draw(st.sampled_from([str(uid) for uid in build.SYNTAXES.values()]))
    with suppress(Unreadable):
        read_dataset(ByteSource(bytes(changed)), 0, syntax)
