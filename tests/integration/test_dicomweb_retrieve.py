"""WADO-RS in every form: ZIP, other transfer syntaxes, bulk data, pictures, capabilities; flat memory (PS3.18)."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from xml.etree import ElementTree as ET

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageSequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from storage.model import EVERYWHERE
from tests.support.dicomweb import address, parts_of, served, stow
from tests.support.image_builders import grey_phantom, image, part10


def as_parts(syntax: str = "", kind: str = "application/dicom") -> dict[str, str]:
    return {"Accept": f'multipart/related; type="{kind}"' + (f"; transfer-syntax={syntax}" if syntax else "")}


async def test_a_study_leaves_as_a_zip_that_others_can_open(parts, tmp_path):
    films = [image(grey_phantom()), image(np.zeros((1200, 1100), np.uint16))]
    films[1].StudyInstanceUID, films[1].SeriesInstanceUID = films[0].StudyInstanceUID, "1.2.826.0.1.3680043.10.78.9"
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, *map(part10, films)))[0] == 200
        async with read.get(f"/dicom-web/studies/{films[0].StudyInstanceUID}",
                            headers={"Accept": "application/zip"}) as answer:
            assert (answer.status, answer.content_type) == (200, "application/zip")
            data = await answer.read()
        async with read.get(f"{address(films[0])}?accept=application/zip") as answer:
            assert zipfile.ZipFile(io.BytesIO(await answer.read())).testzip() is None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"{ds.SeriesInstanceUID}/{ds.SOPInstanceUID}.dcm": part10(ds) for ds in films}


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless, JPEGBaseline8Bit])
@pytest.mark.parametrize("wanted", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
async def test_a_compressed_object_leaves_uncompressed_where_that_is_asked_for(parts, syntax, wanted):
    """By copy: the stored object stays what it is."""
    pixels = np.random.default_rng(7).integers(0, 255, (48, 64, 3), dtype=np.uint8) \
        if syntax == JPEGBaseline8Bit else grey_phantom()
    ds = image(pixels, modality="US" if syntax == JPEGBaseline8Bit else "CT", syntax=syntax)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, part10(ds)))[0] == 200
        async with read.get(address(ds), headers=as_parts(wanted)) as answer:
            assert answer.status == 200
            ((head, data),) = await parts_of(answer)
        assert head["Content-Type"] == f"application/dicom;transfer-syntax={wanted}"
        async with read.get(address(ds), headers={"Accept": f"application/dicom; transfer-syntax={wanted}"}) as one:
            assert await one.read() == data
        copy = pydicom.dcmread(io.BytesIO(data))
        assert copy.file_meta.TransferSyntaxUID == wanted
        assert copy.SOPInstanceUID == ds.SOPInstanceUID
        if syntax != JPEGBaseline8Bit:
            assert np.array_equal(copy.pixel_array, pixels)
        else:
            assert (copy.PhotometricInterpretation, copy.LossyImageCompression) == ("RGB", "01")
        async with read.get(address(ds), headers=as_parts("1.2.840.10008.1.2.4.90")) as no:
            assert no.status == 406
        async with read.get(address(ds), headers={"Accept": f"{as_parts('1.2.840.10008.1.2.4.90')['Accept']}, "
                                                            f"{as_parts('*')['Accept']};q=0.5"}) as second:
            assert second.status == 200
            assert (await parts_of(second))[0][1] == part10(ds)


async def test_all_long_values_of_a_study_come_with_the_address_each_is_known_by(parts):
    ds = image(np.stack([grey_phantom(12, 10)] * 2), modality="CT", syntax=JPEGLSLossless)
    ds.add_new(0x00091001, "OB", bytes(range(256)) * 8)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, part10(ds)))[0] == 200
        for level in (address(ds), address(ds).rpartition("/instances")[0], address(ds).partition("/series")[0]):
            async with read.get(f"{level}/bulkdata", headers=as_parts(kind="application/octet-stream")) as answer:
                assert answer.status == 200
                found = await parts_of(answer)
            assert [head["Content-Location"].rpartition(ds.SOPInstanceUID)[2] for head, _ in found] == [
                "/bulkdata/00091001", "/frames/1", "/frames/2"]
            assert found[0][1] == bytes(range(256)) * 8
            async with read.get(f"{level}/pixeldata") as answer:
                pixels = await parts_of(answer)
            assert [(head["Content-Type"], data) for head, data in pixels] == [
                (f"image/jls;transfer-syntax={JPEGLSLossless}", data) for _, data in found[1:]]
        async with read.get(found[0][0]["Content-Location"], headers={"Accept": "application/octet-stream"}) as one:
            assert await one.read() == found[0][1]
        async with read.get(f"{address(ds)}/bulkdata", headers={"Accept": "image/png"}) as answer:
            assert answer.status == 406


async def test_a_picture_shows_the_region_and_says_what_it_did_not_follow(parts):
    ds = image(grey_phantom(), WindowCenter=2048, WindowWidth=4096)
    async with served(parts) as (_, ingest, read):
        await stow(ingest, part10(ds))
        url = f"{address(ds)}/rendered"
        async with read.get(f"{url}?viewport=30,20,30,20,30,20", headers={"Accept": "image/png"}) as answer:
            square = np.asarray(Image.open(io.BytesIO(await answer.read())))
        assert square.shape == (20, 30)
        assert (square == round(3000 / 4095 * 255)).all()
        async with read.get(f"{url}?viewport=90,120", headers={"Accept": "image/png"}) as answer:
            whole = np.asarray(Image.open(io.BytesIO(await answer.read())))
        async with read.get(f"{url}?viewport=90,120,0,0,-90,120", headers={"Accept": "image/png"}) as answer:
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(await answer.read()))), whole[:, ::-1])
        async with read.get(f"{url}?annotation=patient,technique&iccprofile=no") as answer:
            assert answer.status == 200
            assert "annotation parameter is not supported" in answer.headers["Warning"]
            assert "iccprofile" not in answer.headers["Warning"]
        for bad in ("viewport=10,10,80,0,30,10", "viewport=10,10,0,0,0,0", "annotation=name", "iccprofile=x",
                    "viewport=10,10,a,b,c,d", "viewport=10,10,1"):
            async with read.get(f"{url}?{bad}") as answer:
                assert answer.status == 400, bad


async def test_a_clip_moves_and_a_series_is_shown_image_by_image(parts):
    frames = np.stack([np.full((24, 32), 20 * n, np.uint8) for n in range(5)])
    clip = image(frames, modality="US", FrameTime="100", WindowCenter=128, WindowWidth=256)
    still = image(grey_phantom(12, 10), StudyInstanceUID=clip.StudyInstanceUID)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, part10(clip), part10(still)))[0] == 200
        async with read.get(f"{address(clip)}/rendered", headers={"Accept": "image/gif"}) as answer:
            assert answer.status == 200
            moving = Image.open(io.BytesIO(await answer.read()))
        assert (len(list(ImageSequence.Iterator(moving))), moving.info["duration"], moving.size) == (5, 100, (32, 24))
        async with read.get(f"{address(clip)}/frames/2,4/rendered", headers={"Accept": "image/gif"}) as answer:
            assert len(list(ImageSequence.Iterator(Image.open(io.BytesIO(await answer.read()))))) == 2
        async with read.get(f"{address(clip)}/frames/2,4/rendered", headers=as_parts(kind="image/png")) as answer:
            assert [head["Content-Type"] for head, _ in await parts_of(answer)] == ["image/png"] * 2
        async with read.get(f"{address(clip)}/frames/2,4/rendered", headers={"Accept": "image/png"}) as answer:
            assert answer.status == 400
        study = address(clip).partition("/series")[0]
        async with read.get(f"{study}/rendered?viewport=16,16", headers=as_parts(kind="image/jpeg")) as answer:
            assert "not for diagnosis" in answer.headers["Warning"]
            pictures = [Image.open(io.BytesIO(data)) for _, data in await parts_of(answer)]
        assert [max(picture.size) for picture in pictures] == [16, 16]
        async with read.get(f"{study}/rendered", headers={"Accept": "image/jpeg"}) as answer:
            assert answer.status == 406


async def test_capabilities_name_what_is_there_in_both_forms(parts):
    async with served(parts) as (web, _, read):
        async with read.options("/dicom-web/", headers={"Accept": "application/json"}) as answer:
            told = await answer.json()
        paths = {(one["method"], one["path"]) for one in told["resources"]}
        assert ("POST", "/studies") in paths
        assert ("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}") in paths
        studies = next(one for one in told["resources"] if one["method"] == "GET" and one["path"] == "/studies")
        assert {"PatientBirthDate", "ModalitiesInStudy", "includefield"} <= set(studies["query"])
        async with read.options("/dicom-web", headers={"Accept": "application/vnd.sun.wadl+xml"}) as answer:
            root = ET.fromstring(await answer.text())
        space = "{http://wadl.dev.java.net/2009/02}"
        assert len(root.findall(f".//{space}method")) == len(told["resources"])
        async with read.options("/dicom-web", headers={"Accept": "image/png"}) as answer:
            assert answer.status == 406
        async with web.stranger().options("/dicom-web") as answer:
            assert answer.status == 401


async def test_every_new_view_is_written_to_the_audit_trail(parts):
    """2.N: each view audited, once for a login and a study."""
    async with served(parts) as (_, ingest, read):
        for what, accept in (("", "application/zip"), ("/bulkdata", "*/*"), ("/pixeldata", "*/*"),
                             ("/rendered", "*/*")):
            ds = image(grey_phantom(12, 10))
            await stow(ingest, part10(ds))
            async with read.get(address(ds).partition("/series")[0] + what, headers={"Accept": accept}) as answer:
                assert answer.status == 200
                await answer.read()
            newest = await parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE)[0].entry)
            assert newest.action == "study.retrieved"


@pytest.mark.parametrize("accept", ["application/zip", 'multipart/related; type="application/dicom"'])
async def test_memory_does_not_grow_with_the_study_that_leaves(parts, accept):
    """60 MB in 30 objects leave within a few MB."""
    study = "1.2.826.0.1.3680043.10.78.77"
    async with served(parts) as (_, ingest, read):
        for n in range(30):
            ds = image(np.full((1024, 1024), n, np.uint16), StudyInstanceUID=study)
            assert (await stow(ingest, part10(ds)))[0] == 200
        size = 0
        tracemalloc.start()
        try:
            async with read.get(f"/dicom-web/studies/{study}", headers={"Accept": accept}) as answer:
                assert answer.status == 200
                async for chunk in answer.content.iter_chunked(1 << 16):
                    size += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert size > 60 << 20
    assert peak < 20 << 20, f"{peak >> 20} MB"
