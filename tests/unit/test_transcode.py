"""A decompressed or re-encoded copy says the same as what is stored, for every file that pydicom ships (E3)."""

from __future__ import annotations

import errno
import random
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_charset_files, get_testdata_files
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

from gateway.core.errors import Unreadable
from gateway.renditions.stored_file import read_head
from gateway.renditions.transcode import other_syntaxes, transcode
from tests.support.dicom_builders import ct_slice, dataset_of, with_text

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
CHANGED_WITH_PIXELS = {0x00280004, 0x00280006, 0x00282110, 0x7FE00001, 0x7FE00002, 0x7FE00010}
# Never kept as instances (tests/integration/test_every_readable_file.py), or, the last, pixels that contradict the
# data set: such an object is handed out as it is, or not at all.
REFUSED = {"MR_truncated.dcm", "rtplan_truncated.dcm", "meta_missing_tsyntax.dcm", "UN_sequence.dcm", "priv_SQ.dcm",
           "DICOMDIR-nooffset", "JPEG2000-embedded-sequence-delimiter.dcm"}


def files() -> list[Path]:
    found = sorted({Path(name) for name in (*get_testdata_files(), *get_charset_files())})
    return [path for path in found if path.is_file() and path.stat().st_size > 132
            and path.read_bytes()[128:132] == b"DICM" and path.name not in REFUSED]


def turned(part10: bytes, syntax: str) -> bytes:
    with transcode(lambda start, length: part10[start:start + length], len(part10), syntax) as file:
        return file.read()


def read(dataset: bytes, syntax: str) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = dcmread(BytesIO(dataset), force=True)
        found.file_meta = meta
        found.set_original_encoding(syntax == IMPLICIT, True, found._character_set)
        return found


def raw_texts(dataset: Dataset) -> dict[int, bytes]:
    """The undecoded values of the top level's text elements."""
    found = {}
    for tag in dataset.keys():                                              # noqa: SIM118
        element = dataset.get_item(tag)
        if element is not None and element.VR in ("PN", "LO", "SH", "LT", "ST", "UT") \
                and isinstance(element.value, bytes):
            found[int(tag)] = element.value
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_every_file_says_the_same_in_every_encoding(path):
    part10 = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = dcmread(path)
        stored = str(original.file_meta.TransferSyntaxUID)
        for syntax in other_syntaxes(stored):
            copy = read(turned(part10, syntax), syntax)
            _is_same(original, copy)
            if "PixelData" in original and UID(stored).is_compressed:
                assert copy["PixelData"].VR in ("OW", "OB")
                assert len(copy.PixelData) % 2 == 0


def _is_same(original: Dataset, copy: Dataset) -> None:
    tags = {int(tag) for tag in original.keys() if int(tag) & 0xFFFF} - CHANGED_WITH_PIXELS    # noqa: SIM118
    assert tags == {int(tag) for tag in copy.keys()} - CHANGED_WITH_PIXELS                     # noqa: SIM118
    for tag in tags:
        one, other = original[tag], copy[tag]
        if one.VR == "SQ" and other.VR == "SQ":
            assert len(one.value) == len(other.value)
            for item, twin in zip(one.value, other.value, strict=True):
                _is_same(item, twin)
        elif one.VR == other.VR:
            assert one.value == other.value or str(one.value) == str(other.value), one


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
                                  "MR_small_jp2klossless.dcm", "liver_expb_1frame.dcm",
                                  "MR_small_jpeg_ls_lossless.dcm", "MR_small_implicit.dcm", "image_dfl.dcm",
                                  "SC_rgb_rle_2frame.dcm", "rtdose_rle.dcm", "rtdose_expb.dcm",
                                  "SC_rgb_rle_32bit_2frame.dcm", "SC_rgb_small_odd_big_endian.dcm"])
def test_lossless_pixels_are_the_same_numbers(name):
    path = next(path for path in files() if path.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = dcmread(path)
        for syntax in other_syntaxes(str(original.file_meta.TransferSyntaxUID)):
            copy = read(turned(path.read_bytes(), syntax), syntax)
            assert np.array_equal(copy.pixel_array, original.pixel_array)


def test_pixels_that_contradict_their_data_set_are_refused():
    [path] = [Path(name) for name in get_testdata_files("JPEG2000-embedded-sequence-delimiter.dcm")]
    with pytest.raises(Unreadable):
        turned(path.read_bytes(), EXPLICIT)


def test_there_is_no_other_way_for_what_cannot_be_decoded():
    assert other_syntaxes("1.2.840.10008.1.2.4.102") == ()
    assert other_syntaxes("1.2.3.4") == ()
    assert other_syntaxes(EXPLICIT) == (IMPLICIT,)


def test_a_name_in_a_mislabelled_character_set_keeps_its_bytes():
    """C2: GBK bytes under ISO_IR 100; a decoder in between would have lost them."""
    raw = "王小明".encode("gbk")
    stored = with_text(with_text(ct_slice(1), 0x00080005, b"ISO_IR 100"), 0x00100010, raw)
    copy = turned(stored, IMPLICIT)
    assert copy[copy.index(b"\x10\x00\x10\x00") + 8:][:len(raw)] == raw


def test_turning_back_gives_the_first_bytes_again():
    stored = ct_slice(1)
    implicit = turned(stored, IMPLICIT)
    header = ct_slice(1, syntax="implicit")
    again = turned(header[:len(header) - len(dataset_of(header))] + implicit, EXPLICIT)
    assert again == dataset_of(stored)


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian", "rle", "deflated", "jpeg 2000"])
def test_damaged_files_are_turned_or_refused_and_nothing_else_happens(syntax):
    """Seeded; a copy that cannot be made fails one sub-operation, never the association."""
    stored = ct_slice(1, syntax=syntax, rows=16, columns=16)
    seed = 20261122
    randomness = random.Random(f"{seed}-{syntax}")
    outcomes = {"turned": 0, "refused": 0}
    first = len(stored) - len(dataset_of(stored))
    for _ in range(400):
        damaged = bytearray(stored)
        for _ in range(randomness.choice((1, 2, 8))):
            damaged[randomness.randrange(first, len(stored))] = randomness.randrange(256)
        wanted = next(uid for uid in (EXPLICIT, IMPLICIT) if uid in other_syntaxes(_syntax_of(stored)))
        try:
            turned(bytes(damaged), wanted)
            outcomes["turned"] += 1
        except Unreadable:
            outcomes["refused"] += 1
    print(f"seed {seed}: {outcomes}")
    assert outcomes["turned"] + outcomes["refused"] == 400


@pytest.mark.parametrize("syntax", ["explicit", "rle"])
@pytest.mark.parametrize("error", [None, errno.EIO])
def test_a_sequence_cut_short_is_refused_and_a_disk_that_fails_is_told_as_such(syntax, error):
    stored = ct_slice(1, syntax=syntax, rows=16, columns=16)
    first = len(stored) - len(dataset_of(stored))
    cut = stored[:first] + b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff"

    def read_range(start: int, length: int) -> bytes:
        if error and start + length > first:
            raise OSError(error, "the disk")
        return cut[start:start + length]

    with pytest.raises(OSError if error else Unreadable):
        read_head(read_range, len(cut))


def _syntax_of(part10: bytes) -> str:
    return str(dcmread(BytesIO(part10), stop_before_pixels=True).file_meta.TransferSyntaxUID)


@pytest.mark.parametrize("cut", [1, 7, 200, 5000])
def test_what_is_cut_off_is_refused(cut):
    stored = ct_slice(1, syntax="rle")
    with pytest.raises(Unreadable):
        turned(stored[:-cut], EXPLICIT)


def test_nested_items_of_any_length_survive():
    stored = dcmread(BytesIO(ct_slice(1)))
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning = "1", "deep"
    middle = Dataset()
    middle.ConceptNameCodeSequence = DicomSequence([inner, Dataset()])
    stored.ContentSequence = DicomSequence([middle, Dataset()])
    stored["ContentSequence"].is_undefined_length = True
    out = BytesIO()
    stored.save_as(out, enforce_file_format=True)
    copy = read(turned(out.getvalue(), IMPLICIT), IMPLICIT)
    assert copy.ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning == "deep"
    assert (len(copy.ContentSequence), len(copy.ContentSequence[0].ConceptNameCodeSequence)) == (2, 2)
