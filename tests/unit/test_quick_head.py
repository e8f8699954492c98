"""The quick reading of a head finds the same frames as the full one, on our images and on every one of pydicom's."""

from __future__ import annotations

import asyncio
import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from gateway.core.errors import Unreadable
from gateway.http.dicomweb import zip_stream
from gateway.renditions.dicom_json import dataset_json, without_bulk
from gateway.renditions.frames import open_image
from gateway.renditions.native_xml import from_xml, to_xml
from gateway.renditions.quick_head import image_layout
from gateway.renditions.stored_file import read_head
from tests.support.image_builders import grey_phantom, image, part10, reader_of

SHIPPED = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm"))


def found(way, data: bytes):
    try:
        layout = way(reader_of(data), len(data))
    except Unreadable as exc:
        return type(exc), exc.reason
    return (layout.shape, layout.frame_count, layout.pieces, layout.native_offset, layout.native_frame_bits,
            layout.transfer_syntax_uid, layout.frame(1))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("frames", [1, 3])
def test_our_images_are_read_alike(syntax, frames):
    data = part10(image(np.stack([grey_phantom()] * frames), modality="CT", syntax=syntax))
    assert found(image_layout, data) == found(open_image, data)
    assert found(image_layout, data)[1] == frames


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_rare_encodings_are_read_alike(syntax):
    ds = image(grey_phantom())
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = grey_phantom().astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, implicit_vr=False, little_endian=syntax != ExplicitVRBigEndian,
                     enforce_file_format=True)
    assert found(image_layout, buffer.getvalue()) == found(open_image, buffer.getvalue())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_foreign_file_is_read_alike_and_its_json_survives_xml(path):
    data = path.read_bytes()
    if data[128:132] != b"DICM":
        pytest.skip("no Part 10 file")
    assert found(image_layout, data) == found(open_image, data)
    try:
        record = without_bulk(dataset_json(read_head(reader_of(data), len(data))))
    except Unreadable:
        return
    again = from_xml(to_xml(record))
    assert again.keys() == record.keys()
    for tag in ("00080018", "0020000D", "00280010", "00080060"):
        assert again.get(tag) == record.get(tag)


def test_an_archive_past_four_gigabytes_is_written_as_zip64(monkeypatch):
    """Lowered limits stand for the real ones: the archive must still open, with every entry whole."""
    monkeypatch.setattr(zip_stream, "_MAX_16", 2)

    async def made() -> bytes:
        async def chunks(data: bytes):
            for at in range(0, len(data), 4):
                yield data[at:at + 4]

        async def entries():
            for n in range(5):
                data = bytes([n]) * (n * 3)
                yield zip_stream.Entry(f"演示/{n}", len(data), partial(chunks, data))

        return b"".join([piece async for piece in zip_stream.zip_of(entries())])

    data = asyncio.run(made())
    assert b"PK\x06\x06" in data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert [archive.read(f"演示/{n}") for n in range(5)] == [bytes([n]) * (n * 3) for n in range(5)]
