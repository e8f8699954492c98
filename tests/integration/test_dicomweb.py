"""DICOMweb over a real socket: what goes in by STOW-RS comes out of QIDO-RS and WADO-RS, byte for byte (2.M)."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import aiohttp
import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom.uid import HTJ2KLossless, JPEGBaseline8Bit, JPEGLSLossless

from gateway.settings import Settings
from storage.model import EVERYWHERE, Role
from tests.support.dicomweb import address, multipart, served, stow
from tests.support.image_builders import grey_phantom, image, part10
from tests.support.stores import open_parts
from tests.support.web import add_person


async def test_a_standard_client_stores_finds_and_fetches_what_it_sent(parts):
    ds = image(grey_phantom())
    sent = part10(ds)
    async with served(parts) as (web, ingest, read):
        def client_of(session):
            import requests
            http = requests.Session()
            http.headers["Authorization"] = session.headers["Authorization"]
            return DICOMwebClient(str(web.server.make_url("/dicom-web")), session=http)

        def work():
            answer = client_of(ingest).store_instances([pydicom.dcmread(io.BytesIO(sent))])
            assert len(answer.ReferencedSOPSequence) == 1
            client = client_of(read)
            (study,) = client.search_for_studies(search_filters={"PatientName": "演示*"})
            (series,) = client.search_for_series(ds.StudyInstanceUID)
            (found,) = client.search_for_instances(ds.StudyInstanceUID)
            got = client.retrieve_instance(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
            whole = client.retrieve_study(ds.StudyInstanceUID)
            (frame,) = client.retrieve_instance_frames(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID,
                                                       [1])
            metadata = client.retrieve_instance_metadata(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
            rendered = client.retrieve_instance_rendered(
                ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID, media_types=("image/png",))
            return study, series, found, got, whole, frame, metadata, rendered

        study, series, found, got, whole, frame, metadata, rendered = await asyncio.to_thread(work)
    assert study["00100010"]["Value"][0]["Ideographic"] == "演示三"
    assert study["00201208"]["Value"] == [1]
    assert study["00080061"]["Value"] == ["DX"]
    assert series["0020000E"]["Value"] == [ds.SeriesInstanceUID]
    assert found["00080018"]["Value"] == [ds.SOPInstanceUID]
    assert np.array_equal(got.pixel_array, grey_phantom())
    assert np.array_equal(whole[0].pixel_array, grey_phantom())
    assert np.array_equal(np.frombuffer(frame, "<u2").reshape(120, 90), grey_phantom())
    assert pydicom.Dataset.from_json(metadata).Rows == 120
    assert Image.open(io.BytesIO(rendered)).size == (90, 120)


@pytest.mark.parametrize("syntax", [pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.ImplicitVRLittleEndian,
                                    JPEGLSLossless, HTJ2KLossless])
async def test_an_object_comes_back_byte_for_byte_in_every_form(parts, syntax):
    """WADO-RS never rewrites: study, series, instance, multipart or single (PS3.18 10.4)."""
    ds = image(grey_phantom(), syntax=syntax)
    sent = part10(ds)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, sent))[0] == 200
        path = address(ds)
        async with read.get(path, headers={"Accept": "application/dicom"}) as answer:
            assert answer.status == 200
            assert await answer.read() == sent
        for level in (path, path.rpartition("/instances")[0], path.partition("/series")[0]):
            async with read.get(level, headers={
                    "Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}) as answer:
                assert answer.status == 200
                parts_read = [(p.headers["Content-Type"], bytes(await p.read()))
                              async for p in aiohttp.MultipartReader.from_response(answer)
                              if isinstance(p, aiohttp.BodyPartReader)]
            assert parts_read == [(f"application/dicom;transfer-syntax={syntax}", sent)]
        async with read.get(path, headers={
                "Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.2'}) as no:
            assert no.status == 406


async def test_frames_leave_as_stored_uncompressed_or_as_htj2k(parts):
    pixels = np.stack([grey_phantom(), grey_phantom()[::-1]])
    ds = image(pixels, modality="CT", syntax=JPEGLSLossless)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, part10(ds)))[0] == 200
        path = f"{address(ds)}/frames"

        async def get(numbers, accept):
            async with read.get(f"{path}/{numbers}", headers={"Accept": accept}) as answer:
                return answer.status, answer.headers.get("Content-Type", ""), await answer.read()

        status, kind, data = await get(2, "application/octet-stream; transfer-syntax=*")
        assert (status, kind) == (200, f"image/jls;transfer-syntax={JPEGLSLossless}")
        import imagecodecs
        assert np.array_equal(imagecodecs.jpegls_decode(data), pixels[1])
        status, kind, data = await get(1, "application/octet-stream")
        assert kind == "application/octet-stream;transfer-syntax=1.2.840.10008.1.2.1"
        assert np.array_equal(np.frombuffer(data, "<u2").reshape(120, 90), pixels[0])
        status, kind, data = await get(2, "image/jphc")
        assert kind == "image/jphc;transfer-syntax=1.2.840.10008.1.2.4.201"
        assert np.array_equal(imagecodecs.htj2k_decode(data), pixels[1])
        status, kind, data = await get("1,2", 'multipart/related; type="image/jls"')
        assert status == 200
        assert data.count(b"Content-Type: image/jls") == 2
        assert (await get(3, "*/*"))[0] == 404
        assert (await get(0, "*/*"))[0] == 400
        assert (await get("1;2", "*/*"))[0] == 400
        assert (await get(1, "video/mp4"))[0] == 406


async def test_a_lossy_frame_is_never_called_lossless(parts):
    """E2: HTJ2K copies are made of exact pixels alone."""
    frames = np.random.default_rng(5).integers(0, 255, (3, 48, 64, 3), dtype=np.uint8)
    ds = image(frames, modality="US", syntax=JPEGBaseline8Bit)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, part10(ds)))[0] == 200
        async with read.get(f"{address(ds)}/frames/1", headers={"Accept": "image/jphc"}) as answer:
            assert answer.status == 406
        async with read.get(f"{address(ds)}/frames/3", headers={"Accept": "image/jpeg"}) as answer:
            assert answer.content_type == "image/jpeg"
            assert Image.open(io.BytesIO(await answer.read())).size == (64, 48)


async def test_a_picture_says_that_it_is_one_and_shows_the_right_greys(parts):
    """E2: lossy and reduced views are labelled with method and ratio."""
    ds = image(grey_phantom(), WindowCenter=2048, WindowWidth=4096)
    async with served(parts) as (_, ingest, read):
        await stow(ingest, part10(ds))
        async with read.get(f"{address(ds)}/rendered?window=1550,2900,linear-exact",
                            headers={"Accept": "image/png"}) as answer:
            picture = np.asarray(Image.open(io.BytesIO(await answer.read())))
            assert "not for diagnosis" in answer.headers["Warning"]
            assert answer.headers["Rendition"].startswith("not-for-diagnosis")
        assert picture[30, 40] == 255
        assert picture[70, 40] == 0
        assert picture[0, 20] == round((500 - 100) / 2900 * 255)
        async with read.get(f"{address(ds)}/rendered?viewport=1024,1024", headers={"Accept": "image/jpeg"}) as answer:
            preview = np.asarray(Image.open(io.BytesIO(await answer.read())))
            assert abs(int(preview[30, 45]) - round(3000 / 4095 * 255)) <= 3
        async with read.get(f"{address(ds)}/thumbnail") as answer:
            assert answer.status == 200
            assert max(Image.open(io.BytesIO(await answer.read())).size) <= 160
        for bad in ("window=1", "window=1,0", "viewport=0,0", "viewport=a", "quality=0", "quality=101",
                    "annotation=x"):
            async with read.get(f"{address(ds)}/rendered?{bad}") as answer:
                assert answer.status == 400, bad


async def test_search_matches_pages_and_refuses_what_it_cannot(parts):
    """2.M: paging is stable; an unknown key is refused, since ignoring it would give other people's studies."""
    async with served(parts) as (_, ingest, read):
        sent = [image(grey_phantom(12, 10), modality=modality, StudyDate=f"2026030{n}", PatientID=f"ID{n}")
                for n, modality in enumerate(["DX", "CT", "CT", "DX"], 1)]
        assert (await stow(ingest, *(part10(ds) for ds in sent)))[0] == 200

        async def studies(query):
            async with read.get(f"/dicom-web/studies?{query}") as answer:
                rows = await answer.json(content_type=None) if answer.status == 200 else []
                return answer.status, [row["00100020"]["Value"][0] for row in rows]

        assert await studies("") == (200, ["ID1", "ID2", "ID3", "ID4"])
        assert await studies("limit=2") == (200, ["ID1", "ID2"])
        await stow(ingest, part10(image(grey_phantom(12, 10), PatientID="ID5", PatientName="Other^One")))
        assert await studies("limit=2&offset=2") == (200, ["ID3", "ID4"])
        assert await studies("limit=2&offset=4") == (200, ["ID5"])
        assert await studies("ModalitiesInStudy=CT") == (200, ["ID2", "ID3"])
        assert await studies("StudyDate=20260302-20260303") == (200, ["ID2", "ID3"])
        assert await studies("StudyDate=20260304") == (200, ["ID4"])
        assert await studies("00080020=-20260302") == (200, ["ID1", "ID2", "ID5"])
        assert await studies("PatientName=other*") == (200, ["ID5"])
        assert await studies("PatientName=Other^One") == (200, ["ID5"])
        assert await studies("PatientName=演?三&PatientID=ID3") == (200, ["ID3"])
        assert await studies("PatientName=演_三") == (204, [])
        assert await studies(f"AccessionNumber={sent[1].AccessionNumber}") == (200, ["ID2"])
        assert await studies(f"StudyInstanceUID={sent[0].StudyInstanceUID},{sent[3].StudyInstanceUID}") == \
            (200, ["ID1", "ID4"])
        for bad in ("StudyDate=yesterday", "limit=-1", "offset=x", "PatientComments=x", "includefield=NoSuch"):
            assert (await studies(bad))[0] == 400, bad
        async with read.get("/dicom-web/instances?ModalitiesInStudy=CT&includefield=PixelRepresentation") as answer:
            rows = await answer.json(content_type=None)
        assert [row["00280103"]["Value"] for row in rows] == [[0], [0]]
        async with read.get("/dicom-web/series?Modality=DX") as answer:
            assert len(await answer.json(content_type=None)) == 3
        async with read.get("/dicom-web/studies", headers={"Accept": "application/dicom+xml"}) as answer:
            assert answer.status == 406                # XML is one data set a document: in parts alone


async def test_metadata_is_utf8_whatever_the_device_wrote(parts):
    """C1-C4: GBK bytes without a character set become Chinese; long values become BulkDataURIs that work."""
    ds = image(grey_phantom(12, 10), ImageComments="x")
    del ds.SpecificCharacterSet
    ds.PatientName = "演示四".encode("gbk")
    ds.StudyDescription = "胸部正位片".encode("gbk")
    ds.add_new(0x00091001, "OB", bytes(range(256)) * 8)
    sent = part10(ds)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, sent))[0] == 200
        async with read.get(f"{address(ds)}/metadata") as answer:
            raw = await answer.read()
            (record,) = await answer.json(content_type=None)
        assert record["00100010"]["Value"][0]["Alphabetic"] == "演示四"
        assert record["00081030"]["Value"] == ["胸部正位片"]
        assert record["00080005"]["Value"] == ["ISO_IR 192"]
        assert "演示四".encode() in raw
        octets = {"Accept": "application/octet-stream"}
        async with read.get(record["00091001"]["BulkDataURI"], headers=octets) as bulk:
            assert await bulk.read() == bytes(range(256)) * 8
        async with read.get(record["7FE00010"]["BulkDataURI"]) as bulk:
            assert bulk.status == 200
            assert grey_phantom(12, 10).tobytes() in await bulk.read()
        for path in ("00091002", "zz", "00400275/9/00080100", "7FE0001"):
            async with read.get(f"{address(ds)}/bulkdata/{path}") as bulk:
                assert bulk.status == 404, path


async def test_stow_says_which_instances_it_could_not_take(parts):
    """2.M: 200 all, 202 some, 409 none, 415 other types, 413 too large; conflicts are named."""
    good, other = image(grey_phantom(12, 10)), image(grey_phantom(12, 10))
    clash = image(grey_phantom(14, 10), StudyInstanceUID=good.StudyInstanceUID, SOPInstanceUID=good.SOPInstanceUID)
    async with served(parts) as (_, ingest, read):
        status, body = await stow(ingest, part10(good), part10(good))
        assert status == 200
        assert len(body["00081199"]["Value"]) == 2
        status, body = await stow(ingest, part10(other), part10(clash), b"not dicom at all" * 20)
        assert status == 202
        assert body["00081199"]["Value"][0]["00081155"]["Value"] == [other.SOPInstanceUID]
        assert body["00081198"]["Value"][0]["00081155"]["Value"] == [good.SOPInstanceUID]
        assert body["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111]
        assert len(body["0008119A"]["Value"]) == 1
        status, body = await stow(ingest, b"garbage", path=f"/dicom-web/studies/{good.StudyInstanceUID}")
        assert status == 409
        status, body = await stow(ingest, part10(image(grey_phantom(12, 10))),
                                  path=f"/dicom-web/studies/{good.StudyInstanceUID}")
        assert status == 409
        assert body["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]
        async with ingest.post("/dicom-web/studies", data=b"{}",
                               headers={"Content-Type": "application/dicom+json"}) as answer:
            assert answer.status == 415
        body, headers = multipart()
        async with ingest.post("/dicom-web/studies", data=body, headers=headers) as answer:
            assert answer.status == 400
        async with ingest.post("/dicom-web/studies", data=b"no boundary here", headers=headers) as answer:
            assert answer.status == 400
        quarantine = await parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
        assert len(quarantine) == 4                    # everything that came is kept
        assert (await stow(read, part10(good)))[0] == 403
        async with ingest.get("/dicom-web/studies") as answer:
            assert answer.status == 403


@pytest.mark.parametrize("is_length_said", [True, False])
async def test_stow_takes_no_more_than_an_upload_may_have(parts, is_length_said):
    """2.M: 413 whether the client says beforehand how much comes or not; nothing of it is kept."""
    film = image(grey_phantom())
    sent = part10(film)
    parts = replace(parts, settings=replace(parts.settings, max_upload_bytes=len(sent) // 2))
    body, headers = multipart(sent)

    async def chunks():
        for start in range(0, len(body), 4096):
            yield body[start:start + 4096]

    async with served(parts) as (_, ingest, _), ingest.post(
            "/dicom-web/studies", data=body if is_length_said else chunks(), headers=headers) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["reason"] == "too-large"
    assert not await is_anything_kept(parts, film)


async def test_stow_says_try_again_later_while_the_storage_is_full(tmp_path):
    """A3, 2.M: 503 with Retry-After and reason 0xA700 for each; never a success for what is not durable."""
    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=1 << 62, node="test-node")
    films = [image(grey_phantom()) for _ in range(2)]
    async with open_parts(settings.data_dir, settings=settings) as parts:
        body, headers = multipart(*map(part10, films))
        async with served(parts) as (_, ingest, _), ingest.post(
                "/dicom-web/studies", data=body, headers=headers) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            told = await answer.json(content_type=None)
        assert "00081199" not in told
        failures = [item for name in ("00081198", "0008119A") for item in told.get(name, {}).get("Value", [])]
        assert [item["00081197"]["Value"] for item in failures] == [[0xA700], [0xA700]]
        assert not await is_anything_kept(parts, *films)


async def is_anything_kept(parts, *datasets) -> bool:
    """Whether one of them came into the index, or anything into quarantine."""
    def look(tx):
        uids = [ds.SOPInstanceUID for ds in datasets]
        return any(tx.studies.find_instance(uid) for uid in uids) or bool(tx.arrivals.quarantine(EVERYWHERE))
    return bool(await parts.database.read(look))


async def test_a_study_of_another_site_does_not_exist(parts):
    """J2: scope holds on every DICOMweb route."""
    ds = image(grey_phantom(12, 10))
    async with served(parts) as (web, ingest, _):
        assert (await stow(ingest, part10(ds)))[0] == 200
        await add_person(parts, "other", (Role.READER, "site-b"))
        await add_person(parts, "own", (Role.READER, "site-a"))
        other, own = await web.browser("other"), await web.browser("own")
        path = address(ds)
        study, series = path.partition("/series")[0], path.rpartition("/instances")[0]
        for route in (study, series, path, f"{study}/metadata", f"{series}/metadata", f"{path}/metadata",
                      f"{path}/frames/1", f"{path}/rendered", f"{path}/frames/1/rendered", f"{study}/thumbnail",
                      f"{path}/bulkdata/7FE00010", f"{series}/thumbnail", f"{path}/thumbnail"):
            async with other.get(route) as answer:
                assert answer.status == 404, route
            async with own.get(route) as answer:
                assert answer.status == 200, route
        for route in ("/dicom-web/studies", "/dicom-web/series", "/dicom-web/instances", f"{study}/series",
                      f"{study}/instances", f"{series}/instances"):
            async with other.get(route) as answer:
                assert answer.status == 204, route
            async with own.get(route) as answer:
                assert answer.status == 200, route
        story = await parts.database.read(lambda tx: [
            e.entry for e in tx.audit.recent(EVERYWHERE) if e.entry.action == "study.retrieved"])
        assert len(story) == 1                         # once for a login and a study, not for each request
        assert story[0].study_id
        assert story[0].patient_id


async def test_hostile_images_are_refused_and_the_next_one_is_served(parts):
    huge = image(grey_phantom(12, 10))
    huge.Rows = huge.Columns = 65535
    lying = image(grey_phantom(12, 10), syntax=JPEGLSLossless)
    lying.Rows, lying.Columns = 4000, 4000
    cut = image(grey_phantom(12, 10))
    cut.NumberOfFrames = 1000
    good = image(grey_phantom(12, 10))
    async with served(parts) as (_, ingest, read):
        for ds in (huge, lying, cut, good):
            assert (await stow(ingest, part10(ds)))[0] == 200
        for ds in (huge, lying, cut):
            async with read.get(f"{address(ds)}/rendered") as answer:
                assert answer.status == 422
                assert (await answer.json(content_type=None))["reason"] in ("image-too-large", "frame-contradicts",
                                                                            "pixels-cut-off")
            async with read.get(address(ds), headers={"Accept": "application/dicom"}) as answer:
                assert await answer.read() == part10(ds)
        async with read.get(f"{address(good)}/rendered") as answer:
            assert answer.status == 200
