"""Debian's Orthanc with its DICOMweb plug-in, both ways: it pushes to us, searches and fetches from us, and what a
client of ours reads there is what it reads here.
"""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import JPEGLSLossless

from tests.support.dicomweb import address, served, stow
from tests.support.image_builders import grey_phantom, image, part10
from tests.support.receiving_nodes import DICOMWEB_PLUGIN, orthanc, with_dicomweb

pytestmark = pytest.mark.skipif(not DICOMWEB_PLUGIN.exists(), reason=f"{DICOMWEB_PLUGIN} is not installed")


def of_us(web, session):
    return {"Url": str(web.server.make_url("/dicom-web/")),
            "HttpHeaders": {"Authorization": session.headers["Authorization"]}, "ChunkedTransfers": True}


def two_films():
    first = image(grey_phantom(), modality="CT")
    return [first, image(grey_phantom()[::-1], modality="CT", syntax=JPEGLSLossless, InstanceNumber=2,
                         StudyInstanceUID=first.StudyInstanceUID, SeriesInstanceUID=first.SeriesInstanceUID)]


async def test_orthanc_pushes_a_study_to_us_by_stow(parts, tmp_path):
    films = two_films()
    async with served(parts) as (web, ingest, read):
        def push():
            with orthanc(tmp_path / "orthanc", **with_dicomweb(gateway=of_us(web, ingest))) as peer:
                ids = [peer.post("/instances", part10(ds), content_type="application/dicom")["ID"] for ds in films]
                return peer.post("/dicom-web/servers/gateway/stow", {"Resources": ids, "Synchronous": True})

        answer = await asyncio.to_thread(push)
        assert int(answer["InstancesCount"]) == 2, answer
        for ds in films:
            async with read.get(address(ds), headers={"Accept": "application/dicom"}) as got:
                found = pydicom.dcmread(io.BytesIO(await got.read()))
            assert np.array_equal(found.pixel_array, ds.pixel_array)
            assert found.file_meta.TransferSyntaxUID == ds.file_meta.TransferSyntaxUID


async def test_orthanc_searches_and_fetches_a_study_from_us(parts, tmp_path):
    films = two_films()
    study = films[0].StudyInstanceUID
    async with served(parts) as (web, ingest, read):
        assert (await stow(ingest, *map(part10, films)))[0] == 200

        def fetch():
            with orthanc(tmp_path / "orthanc", **with_dicomweb(gateway=of_us(web, read))) as peer:
                found = peer.post("/dicom-web/servers/gateway/qido", {
                    "Uri": "/studies", "Arguments": {"PatientID": films[0].PatientID}})
                peer.post("/dicom-web/servers/gateway/retrieve", {
                    "Resources": [{"Study": study}], "Synchronous": True})
                kept = [peer.get(f"/instances/{one}/file") for one in peer.get("/instances")]
                return found, kept

        found, kept = await asyncio.to_thread(fetch)
    assert [row["0020000D"]["Value"] for row in found] == [study]
    got = {ds.SOPInstanceUID: ds for ds in (pydicom.dcmread(io.BytesIO(data)) for data in kept)}
    assert got.keys() == {ds.SOPInstanceUID for ds in films}
    for ds in films:
        assert np.array_equal(got[ds.SOPInstanceUID].pixel_array, ds.pixel_array)


async def test_a_client_reads_the_same_here_and_at_orthanc(parts, tmp_path):
    """What two servers say of the same objects by DICOMweb: same instances, same metadata, same pixels."""
    films = two_films()
    study, series = films[0].StudyInstanceUID, films[0].SeriesInstanceUID
    async with served(parts) as (web, ingest, read):
        assert (await stow(ingest, *map(part10, films)))[0] == 200
        ours = requests.Session()
        ours.headers["Authorization"] = read.headers["Authorization"]

        def look(client):
            found = {}
            for row in client.search_for_instances(study, series):
                uid = row["00080018"]["Value"][0]
                metadata = client.retrieve_instance_metadata(study, series, uid)
                (frame,) = client.retrieve_instance_frames(study, series, uid, [1], media_types=(
                    ("application/octet-stream", "1.2.840.10008.1.2.1"),))
                whole = client.retrieve_instance(study, series, uid)
                found[uid] = ({tag: metadata[tag].get("Value") for tag in (
                    "00080060", "0020000D", "00280010", "00280011", "00200013", "00080050")}, bytes(frame),
                    whole.pixel_array.tobytes())
            return found

        def both():
            with orthanc(tmp_path / "orthanc", **with_dicomweb()) as peer:
                theirs = DICOMwebClient(f"http://127.0.0.1:{peer.port}/dicom-web")
                theirs.store_instances([pydicom.dcmread(io.BytesIO(part10(films[0])))])
                return look(DICOMwebClient(str(web.server.make_url("/dicom-web")), session=ours)), look(theirs)

        here, there = await asyncio.to_thread(both)
    assert set(here) == {ds.SOPInstanceUID for ds in films}
    uid = films[0].SOPInstanceUID
    assert here[uid] == there[uid]
