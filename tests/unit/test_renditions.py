"""Pixels: every codec bit for bit, frames found without decoding, hostile files refused before memory is taken."""

from __future__ import annotations

import contextlib
import io
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from gateway.core.errors import InvalidRequest, NotFound, Unreadable
from gateway.renditions.cache import RenditionCache
from gateway.renditions.decode import decode_frame
from gateway.renditions.dicom_json import dataset_json
from gateway.renditions.frames import UnsupportedImage, open_image
from gateway.renditions.picture import PictureFormat, Window, WindowFunction, eight_bits, encode, parse_window
from gateway.renditions.previews import make_htj2k, make_preview, stack_positions
from gateway.renditions.stored_file import read_head
from tests.support.image_builders import grey_phantom, image, part10, reader_of

# pydicom's own test files; expected values by pydicom with its plugins (gdcm, pyjpegls, pylibjpeg-openjpeg, -rle).
FILES = [
    "693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "GDCMJ2K_TextGBR.dcm", "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm", "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm", "MR_small.dcm", "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "SC_jpeg_no_color_transform.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_gdcm_KY.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm", "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_rle_32bit.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_small_odd_big_endian.dcm", "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm", "image_dfl.dcm", "liver_expb_1frame.dcm", "rtdose_expb.dcm", "rtdose_rle.dcm",
]


def opened(data: bytes):
    return open_image(reader_of(data), len(data))


def decoded(data: bytes, number: int = 1) -> np.ndarray:
    return decode_frame(opened(data), number).pixels


@pytest.mark.parametrize("name", FILES)
def test_every_codec_gives_the_values_that_pydicom_gives(name):
    path = str(get_testdata_file(name))
    data = Path(path).read_bytes()
    expected = pydicom.dcmread(path).pixel_array
    found = opened(data)
    frames = expected if found.frame_count > 1 else expected[None]
    for number in range(1, min(found.frame_count, 3) + 1):
        pixels = decode_frame(found, number).pixels
        assert pixels.dtype == frames.dtype.newbyteorder("=")
        assert np.array_equal(pixels, frames[number - 1])


@pytest.mark.skipif(shutil.which("dcmdjpeg") is None, reason="dcmtk is not installed")
@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_twelve_bit_jpeg_agrees_with_dcmtk(name, tmp_path):
    """pydicom has no decoder for these without a GPL plugin; dcmtk's dcmdjpeg is the judge."""
    path = str(get_testdata_file(name))
    subprocess.run(["dcmdjpeg", path, str(tmp_path / "out.dcm")], check=True)
    assert np.array_equal(decoded(Path(path).read_bytes()), pydicom.dcmread(tmp_path / "out.dcm").pixel_array)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless,
                                    HTJ2KLossless, RLELossless])
def test_a_film_of_twelve_bits_comes_back_bit_for_bit(syntax):
    assert np.array_equal(decoded(part10(image(grey_phantom(), syntax=syntax))), grey_phantom())


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless,
                                    RLELossless])
def test_signed_values_keep_their_sign(syntax):
    pixels = (grey_phantom().astype(np.int16) - 1024)
    stored = pixels if syntax in (ImplicitVRLittleEndian, RLELossless) else pixels.view(np.uint16) & 0x0FFF
    ds = image(stored, syntax=syntax, modality="CT", PixelRepresentation=1)
    assert np.array_equal(decoded(part10(ds)), np.where(pixels > 2047, pixels - 4096, pixels))


def test_a_deflated_and_a_big_endian_file_are_read():
    ds = image(grey_phantom())
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert np.array_equal(decoded(part10(ds)), grey_phantom())
    ds = image(grey_phantom())
    ds.PixelData = grey_phantom().astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, implicit_vr=False, little_endian=False, force_encoding=True)
    assert np.array_equal(decoded(buffer.getvalue()), grey_phantom())


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("fragments", [1, 3])
def test_frames_are_found_with_and_without_an_offset_table(has_table, fragments):
    frames = np.stack([grey_phantom(), grey_phantom()[::-1].copy(), grey_phantom().T.reshape(120, 90).copy()])
    import imagecodecs
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in frames]
    ds = image(frames, syntax=JPEGLSLossless, modality="CT")
    ds.PixelData = encapsulate(streams, fragments_per_frame=fragments, has_bot=has_table)
    found = opened(part10(ds))
    for number, stream in enumerate(streams, 1):
        assert found.frame(number).rstrip(b"\0") == stream.rstrip(b"\0")
        assert np.array_equal(decode_frame(found, number).pixels, frames[number - 1])
    with pytest.raises(NotFound):
        found.frame(4)


def test_an_extended_offset_table_is_used():
    import imagecodecs
    frames = np.stack([grey_phantom(), grey_phantom()[::-1].copy()])
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in frames]
    pixel_data = encapsulate(streams, fragments_per_frame=2, has_bot=False)
    ds = image(frames, syntax=JPEGLSLossless, modality="CT")
    ds.PixelData = pixel_data
    item_lengths, at = [], 8
    while pixel_data[at:at + 4] == b"\xfe\xff\x00\xe0":
        (length,) = struct.unpack_from("<I", pixel_data, at + 4)
        item_lengths.append(8 + length)
        at += 8 + length
    ds.ExtendedOffsetTable = struct.pack("<2Q", 0, item_lengths[0] + item_lengths[1])
    ds.ExtendedOffsetTableLengths = struct.pack("<2Q", *(len(s) for s in streams))
    assert np.array_equal(decoded(part10(ds), 2), frames[1])


def test_a_frame_of_single_bits_is_cut_out_where_no_byte_begins():
    bits = (np.arange(3 * 5 * 3) * 7 % 3 == 0).reshape(3, 5, 3)
    ds = image(bits.astype(np.uint8)[:, :, :, None].repeat(1, axis=3)[..., 0].astype(np.uint16), modality="CT")
    ds.Rows, ds.Columns, ds.NumberOfFrames = 5, 3, 3
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit = 0
    ds["PixelData"].VR = "OB"
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    for number in (1, 2, 3):
        assert np.array_equal(decoded(part10(ds), number), bits[number - 1])


@pytest.mark.parametrize(("change", "reason"), [
    ({"Rows": 65535, "Columns": 65535}, "image-too-large"), ({"NumberOfFrames": 10 ** 9}, "image-too-large"),
    ({"Rows": 0}, "impossible-shape"), ({"BitsAllocated": 7}, "impossible-shape"),
    ({"SamplesPerPixel": 200}, "impossible-shape"), ({"NumberOfFrames": 50}, "pixels-cut-off"),
])
def test_impossible_images_are_refused_before_memory_is_taken(change, reason):
    ds = image(grey_phantom())
    for keyword, value in change.items():
        setattr(ds, keyword, value)
    with pytest.raises(Unreadable) as refused:
        opened(part10(ds))
    assert refused.value.reason == reason


def test_a_codestream_that_lies_about_its_size_is_refused():
    for syntax in (JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, JPEGLosslessSV1, JPEGBaseline8Bit):
        pixels = grey_phantom() if syntax != JPEGBaseline8Bit else grey_phantom().astype(np.uint8)
        ds = image(pixels, syntax=syntax)
        ds.Rows = 4000
        with pytest.raises(Unreadable) as refused:
            decoded(part10(ds))
        assert refused.value.reason == "frame-contradicts"


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, RLELossless])
def test_broken_frames_never_crash_the_decoder(syntax):
    """Seeded: cut and flip bytes of a frame; each attempt decodes or is Unreadable, nothing else."""
    data = part10(image(grey_phantom(), syntax=syntax))
    start = data.rindex(b"\xfe\xff\x00\xe0") + 8
    random = np.random.default_rng(20260301)
    for _ in range(60):
        broken = bytearray(data)
        for at in random.integers(start, len(data) - 8, size=int(random.integers(1, 6))):
            broken[at] = int(random.integers(0, 256))
        with contextlib.suppress(Unreadable):
            assert decoded(bytes(broken)).shape == (120, 90)


def test_random_and_cut_files_are_unreadable_not_an_accident():
    whole = part10(image(grey_phantom(), syntax=JPEGLSLossless))
    for data in (b"", b"\0" * 128 + b"DICM", b"x" * 5000, whole[:200], whole[:700], whole[:-500]):
        with pytest.raises(Unreadable):
            decoded(data)


def test_video_is_refused_politely():
    ds = image(grey_phantom(), syntax=JPEGLSLossless)
    ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")
    with pytest.raises(UnsupportedImage) as refused:
        decoded(part10(ds))
    assert refused.value.reason == "transfer-syntax-unsupported"


def test_an_htj2k_copy_is_exact():
    for pixels in (grey_phantom(), grey_phantom().astype(np.int16) - 900,
                   np.random.default_rng(3).integers(0, 255, (40, 50, 3), dtype=np.uint8)):
        import imagecodecs
        copy = make_htj2k(opened(part10(image(pixels))))
        assert np.array_equal(imagecodecs.htj2k_decode(copy), pixels)


def picture_of(ds, **more) -> np.ndarray:
    found = opened(part10(ds))
    return eight_bits(decode_frame(found, 1), found.dataset, 1, **more)


def test_the_window_follows_the_standard():
    """PS3.3 C.11.2.1.2.1: centre c, width w: x <= c-0.5-(w-1)/2 is black, x > c-0.5+(w-1)/2 white."""
    values = np.array([[0, 99, 100, 101, 199, 200, 201, 300]])
    assert Window(150.5, 101).apply(values).tolist() == [[0, 0, 0, 3, 252, 255, 255, 255]]
    assert Window(150, 100, WindowFunction.LINEAR_EXACT).apply(values).tolist() == [[0, 0, 0, 3, 252, 255, 255, 255]]
    assert Window(150, 1).apply(np.array([149, 150])).tolist() == [0, 255]
    assert Window(150, 100, WindowFunction.SIGMOID).apply(np.array([150])).tolist() == [128]


def test_rescale_comes_before_the_window_and_monochrome1_is_inverted():
    ct = image(grey_phantom(), modality="CT", RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=0,
               WindowWidth=2000, VOILUTFunction="LINEAR_EXACT")
    grey = picture_of(ct)
    assert grey[0, 0] == round((400 * 2 - 1000 + 1000) / 2000 * 255)
    ct.PhotometricInterpretation = "MONOCHROME1"
    assert np.array_equal(picture_of(ct), 255 - grey)


def test_a_voi_lut_is_applied_where_there_is_no_window():
    ds = image(grey_phantom())
    item = pydicom.Dataset()
    item.LUTDescriptor = [4096, 0, 12]
    item.add_new("LUTData", "OW", np.arange(4095, -1, -1, dtype="<u2").tobytes())
    ds.VOILUTSequence = [item]
    assert picture_of(ds)[30, 40] == round((4095 - 3000) / 4095 * 255)
    assert picture_of(ds, window=Window(2048, 4096, WindowFunction.LINEAR_EXACT))[30, 40] == round(3000 / 4096 * 255)


def test_each_frame_of_an_enhanced_object_has_its_own_window():
    frames = np.stack([np.full((4, 4), 100, np.uint16), np.full((4, 4), 100, np.uint16)])
    ds = image(frames, modality="CT")
    groups = []
    for center in (100, 300):
        voi, group = pydicom.Dataset(), pydicom.Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = center, 400, "LINEAR_EXACT"
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    found = opened(part10(ds))
    shades = [eight_bits(decode_frame(found, n), found.dataset, n)[0, 0] for n in (1, 2)]
    assert shades == [128, 0]


def test_a_preview_is_small_and_never_larger_than_the_image():
    large = make_preview(opened(part10(image(grey_phantom(1500, 1200)))))
    assert (large.rows, large.columns) == (1024, 819)
    small = make_preview(opened(part10(image(grey_phantom()))))
    assert (small.rows, small.columns) == (120, 90)
    png = encode(np.zeros((10, 20), np.uint8), format=PictureFormat.PNG, columns=40, rows=40, is_upscaled=True)
    assert (png.rows, png.columns) == (20, 40)


@pytest.mark.parametrize("text", ["", "1", "1,0", "1,-2", "a,b", "1,2,cubic", "nan,1", "1,2,linear,3"])
def test_a_window_that_cannot_be_read_is_refused(text):
    with pytest.raises(InvalidRequest):
        parse_window(text)


def test_the_middle_of_a_stack_comes_first():
    assert list(stack_positions(3)) == [0, 1, 2]
    assert list(stack_positions(40)) == [20, 0, 8, 16, 24, 32]


def test_json_drops_what_breaks_its_type_and_keeps_the_rest():
    ds = image(grey_phantom(12, 10))
    data = part10(ds).replace(b"IS\x02\x001 ", b"IS\x02\x00a ")
    record = dataset_json(read_head(reader_of(data), len(data)))
    assert record["00200013"] == {"vr": "IS"}
    assert record["00100010"]["Value"] == [{"Alphabetic": "Demo^San", "Ideographic": "演示^三"}]
    assert record["00280010"]["Value"] == [12]


def test_the_cache_makes_room_for_the_newest(tmp_path):
    cache = RenditionCache(tmp_path, limit_bytes=250)
    import os
    for n in range(4):
        cache.put(f"{n}" * 64, "frame-1.preview.jpg", bytes(100))
        os.utime(tmp_path / f"{n}{n}" / (f"{n}" * 64) / "frame-1.preview.jpg", (n, n))
    assert cache.evict() == 200
    assert cache.get("0" * 64, "frame-1.preview.jpg") is None
    assert cache.get("3" * 64, "frame-1.preview.jpg") == bytes(100)
    with pytest.raises(ValueError, match="rendition"):
        cache.get("../../etc", "passwd")
