"""STOW-RS as metadata with bulk data, in JSON and XML: what cannot be kept is named (2.M, PS3.18 10.5)."""

from __future__ import annotations

import io
import json
import tracemalloc

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from gateway.renditions.native_xml import from_xml, to_xml
from storage.model import EVERYWHERE
from tests.support.dicomweb import address, multipart, parts_of, served, stow
from tests.support.image_builders import grey_phantom, image, part10
from tests.support.report_tools import dicom_complaints

PIXELS = "http://sender.example/bulk/pixels"


def described(ds, **bulk):
    """The data set's JSON, its pixels and other long values as bulk data elsewhere."""
    record = ds.to_json_dict(bulk_data_threshold=1 << 30)
    record["7FE00010"] = {"vr": "OW", "BulkDataURI": PIXELS}
    return record | {tag: {"vr": "OB", "BulkDataURI": uri} for tag, uri in bulk.items()}


def upload(metadata: bytes, *parts: tuple[str, bytes, str], kind: str = "application/dicom+json"
           ) -> tuple[bytes, dict[str, str]]:
    """A body of metadata and (Content-Type, bytes, Content-Location)."""
    body = b"--edge\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + metadata + b"\r\n"
    for content_type, data, location in parts:
        body += (f"--edge\r\nContent-Type: {content_type}\r\nContent-Location: {location}\r\n\r\n".encode()
                 + data + b"\r\n")
    return body + b"--edge--\r\n", {"Content-Type": f'multipart/related; type="{kind}"; boundary=edge'}


async def post(session, body, headers, path="/dicom-web/studies", **more):
    async with session.post(path, data=body, headers={**headers, **more}) as answer:
        return answer.status, await answer.read()


async def kept_bytes(read, ds):
    async with read.get(address(ds), headers={"Accept": "application/dicom"}) as answer:
        assert answer.status == 200
        return await answer.read()


async def kept(read, ds):
    """The data set as it is kept now."""
    return pydicom.dcmread(io.BytesIO(await kept_bytes(read, ds)))


async def test_metadata_and_pixels_become_one_valid_object(parts, tmp_path):
    ds = image(grey_phantom(), PatientName="Demo^San=演示^三")
    body, headers = upload(json.dumps([described(ds, **{"00091001": "bulk/other"})]).encode(),
                           ("application/octet-stream", bytes(range(256)) * 9, "bulk/other"),
                           ("application/octet-stream", ds.PixelData, PIXELS))
    async with served(parts) as (_, ingest, read):
        status, answer = await post(ingest, body, headers)
        assert status == 200, answer
        assert json.loads(answer)["00081199"]["Value"][0]["00081155"]["Value"] == [ds.SOPInstanceUID]
        made = await kept_bytes(read, ds)
    found = pydicom.dcmread(io.BytesIO(made))
    assert np.array_equal(found.pixel_array, grey_phantom())
    assert found.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert found[0x00091001].value == bytes(range(256)) * 9
    assert str(found.PatientName) == str(ds.PatientName)
    assert found.StudyDescription == "胸部正位"
    assert set(dicom_complaints(made, tmp_path)) <= set(dicom_complaints(part10(ds), tmp_path))


@pytest.mark.parametrize("is_bulk_first", [False, True])
async def test_bulk_data_may_come_before_its_metadata(parts, is_bulk_first):
    ds = image(grey_phantom(12, 10))
    record = json.dumps([described(ds)]).encode()
    pieces = [("application/dicom+json", record, "x"), ("application/octet-stream", ds.PixelData, PIXELS)]
    body = b""
    for content_type, data, location in reversed(pieces) if is_bulk_first else pieces:
        body += (f"--edge\r\nContent-Type: {content_type}\r\nContent-Location: {location}\r\n\r\n".encode()
                 + data + b"\r\n")
    async with served(parts) as (_, ingest, read):
        status, _ = await post(ingest, body + b"--edge--\r\n", {
            "Content-Type": 'multipart/related; type="application/dicom+json"; boundary=edge'})
        assert status == 200
        assert np.array_equal((await kept(read, ds)).pixel_array, grey_phantom(12, 10))


@pytest.mark.parametrize(("media_type", "encode", "syntax"), [
    ("image/jls", imagecodecs.jpegls_encode, JPEGLSLossless),
    (f"image/jls; transfer-syntax={JPEGLSLossless}", imagecodecs.jpegls_encode, JPEGLSLossless),
])
async def test_compressed_frames_are_kept_as_they_came(parts, media_type, encode, syntax):
    frames = np.stack([grey_phantom(), grey_phantom()[::-1]])
    ds = image(frames, modality="CT")
    sent = [bytes(encode(frame)) for frame in frames]
    body, headers = upload(json.dumps([described(ds)]).encode(), *((media_type, data, PIXELS) for data in sent))
    async with served(parts) as (_, ingest, read):
        assert (await post(ingest, body, headers))[0] == 200
        found = await kept(read, ds)
        assert found.file_meta.TransferSyntaxUID == syntax
        async with read.get(f"{address(ds)}/frames/2", headers={"Accept": "image/jls"}) as answer:
            assert await answer.read() == sent[1]


async def test_a_jpeg_is_named_by_what_it_is(parts):
    """Without a transfer syntax the frame's own marker decides, not the standard's default, which may be a lie."""
    colour = np.random.default_rng(3).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    ds = image(colour, modality="US")
    body, headers = upload(json.dumps([described(ds)]).encode(),
                           ("image/jpeg", bytes(imagecodecs.jpeg8_encode(colour)), PIXELS))
    async with served(parts) as (_, ingest, read):
        assert (await post(ingest, body, headers))[0] == 200
        assert (await kept(read, ds)).file_meta.TransferSyntaxUID == JPEGBaseline8Bit


async def test_xml_metadata_is_taken_and_answered_in_xml(parts):
    ds = image(grey_phantom(12, 10))
    body, headers = upload(to_xml(described(ds)), ("application/octet-stream", ds.PixelData, PIXELS),
                           kind="application/dicom+xml")
    async with served(parts) as (_, ingest, read):
        status, answer = await post(ingest, body, headers, Accept="application/dicom+xml")
        assert status == 200
        assert from_xml(answer)["00081199"]["Value"][0]["00081155"]["Value"] == [ds.SOPInstanceUID]
        found = await kept(read, ds)
        assert str(found.PatientName) == "Demo^San=演示^三"
        assert np.array_equal(found.pixel_array, grey_phantom(12, 10))
        async with read.get(f"{address(ds)}/metadata", headers={
                "Accept": 'multipart/related; type="application/dicom+xml"'}) as xml:
            ((head, data),) = await parts_of(xml)
        assert head["Content-Type"] == "application/dicom+xml"
        assert from_xml(data)["0020000D"]["Value"] == [ds.StudyInstanceUID]
        async with read.get("/dicom-web/studies", headers={
                "Accept": 'multipart/related; type="application/dicom+xml"'}) as xml:
            ((_, data),) = await parts_of(xml)
        assert from_xml(data)["00100010"]["Value"][0]["Ideographic"] == "演示三"


def spoiled(ds, **fields):
    record = described(ds)
    record.update(fields)
    return record


@pytest.mark.parametrize("spoil", [
    lambda ds: (spoiled(ds), ds.PixelData[:-2]),                                   # too few pixels
    lambda ds: (spoiled(ds, **{"7FE00010": {"vr": "OW", "BulkDataURI": "nowhere"}}), ds.PixelData),
    lambda ds: (spoiled(ds, **{"00280010": {"vr": "US", "Value": ["many"]}}), ds.PixelData),
    lambda ds: (spoiled(ds, **{"00280010": {"vr": "US", "Value": [4000]}}), ds.PixelData),
    lambda ds: (spoiled(ds, **{"00080018": {"vr": "UI", "Value": ["not a uid"]}}), ds.PixelData),
])
async def test_what_contradicts_itself_is_refused_and_the_next_one_stored(parts, spoil):
    """2.M: 202 with the failed one named; nothing of it is kept as an image."""
    bad, good = image(grey_phantom(12, 10)), image(grey_phantom(12, 10))
    record, pixels = spoil(bad)
    other = described(good) | {"7FE00010": {"vr": "OW", "BulkDataURI": "second"}}
    body, headers = upload(json.dumps([record, other]).encode(), ("application/octet-stream", pixels, PIXELS),
                           ("application/octet-stream", good.PixelData, "second"))
    async with served(parts) as (_, ingest, read):
        status, answer = await post(ingest, body, headers)
        told = json.loads(answer)
        assert status == 202, told
        assert [item["00081155"]["Value"] for item in told["00081199"]["Value"]] == [[good.SOPInstanceUID]]
        assert len(told.get("00081198", {}).get("Value", []) + told.get("0008119A", {}).get("Value", [])) == 1
        assert np.array_equal((await kept(read, good)).pixel_array, grey_phantom(12, 10))
        async with read.get(f"{address(bad)}/metadata") as missing:
            assert missing.status == 404


@pytest.mark.parametrize("metadata", [b"{", b"[]", b"[1]", b"\xff\xfe\x00", b"<a/>"])
async def test_metadata_that_cannot_be_read_is_a_bad_request(parts, metadata):
    body, headers = upload(metadata, ("application/octet-stream", b"12", PIXELS))
    async with served(parts) as (_, ingest, _):
        assert (await post(ingest, body, headers))[0] == 400
        body, headers = upload(b"<!DOCTYPE x [<!ENTITY y 'z'>]><NativeDicomModel/>", kind="application/dicom+xml")
        assert (await post(ingest, body, headers))[0] == 400
    assert not await parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))


async def test_metadata_of_another_study_than_the_address_is_refused(parts):
    ds = image(grey_phantom(12, 10))
    body, headers = upload(json.dumps([described(ds)]).encode(), ("application/octet-stream", ds.PixelData, PIXELS))
    async with served(parts) as (_, ingest, _):
        status, answer = await post(ingest, body, headers, path="/dicom-web/studies/1.2.3")
        assert status == 409
        assert json.loads(answer)["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]


async def test_the_answer_names_the_study_and_an_unknown_accept_changes_nothing(parts):
    ds = image(grey_phantom(12, 10), syntax=RLELossless)
    body, headers = multipart(part10(ds))
    async with served(parts) as (_, ingest, _):
        path = f"/dicom-web/studies/{ds.StudyInstanceUID}"
        status, answer = await post(ingest, body, headers, path=path, Accept="text/html")
        assert status == 200
        assert json.loads(answer)["00081190"]["Value"][0].endswith(path)


@pytest.mark.parametrize(("length", "status"), [(73, 200), (256, 200), (257, 400)])
async def test_a_boundary_longer_than_allowed_is_understood_as_orthanc_writes_one(parts, length, status):
    body, headers = multipart(part10(image(grey_phantom(12, 10))), boundary="b" * length)
    async with served(parts) as (_, ingest, _):
        assert (await post(ingest, body, headers))[0] == status


async def test_memory_does_not_grow_with_what_is_stored(parts):
    """80 MB in one instance, twice: as a file and as metadata with bulk data; a few MB are held."""
    pixels = np.zeros((80, 1024, 512), np.uint16)
    ds, other = image(pixels, modality="CT"), image(pixels[:1], modality="CT", NumberOfFrames=80)
    file = part10(ds)

    async def in_chunks(data):
        for at in range(0, len(data), 1 << 16):
            yield data[at:at + (1 << 16)]

    one = multipart(file)
    two = upload(json.dumps([described(other)]).encode(), ("application/octet-stream", pixels.tobytes(), PIXELS))
    async with served(parts) as (_, ingest, _):
        assert (await stow(ingest, part10(image(grey_phantom(12, 10)))))[0] == 200      # everything is imported
        for body, headers in (one, two):
            tracemalloc.start()
            try:
                async with ingest.post("/dicom-web/studies", data=in_chunks(body), headers=headers) as answer:
                    assert answer.status == 200, await answer.text()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 24 << 20, f"{peak >> 20} MB for {len(body) >> 20} MB"
