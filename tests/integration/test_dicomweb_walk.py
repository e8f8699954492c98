"""Scrolling through a series by WADO-RS: quick for who may see it, and over within a second for who no longer may."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pydicom
from PIL import Image
from pydicom.uid import generate_uid

from gateway.services.administer_sites import By
from gateway.services.log_in import sha256_of
from gateway.services.settle_quarantine import decide
from storage.model import EVERYWHERE, QuarantineChoice
from tests.support.dicomweb import address, parts_of, served, stow
from tests.support.image_builders import image, part10
from tests.support.web import add_token

FRAME = {"Accept": 'multipart/related; type="application/octet-stream"'}


def series(count: int) -> list[pydicom.Dataset]:
    made = [image(np.full((32, 24), number, np.uint16)) for number in range(count)]
    for ds in made:
        ds.StudyInstanceUID, ds.SeriesInstanceUID = made[0].StudyInstanceUID, made[0].SeriesInstanceUID
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return made


async def frame(session, ds, query: str = "") -> tuple[int, bytes]:
    async with session.get(f"{address(ds)}/frames/1{query}", headers=FRAME) as answer:
        if answer.status != 200:
            return answer.status, b""
        ((head, data),) = await parts_of(answer)
        assert head["Content-Location"].endswith(f"{address(ds)}/frames/1")
        return answer.status, data


async def test_each_frame_of_a_walk_is_the_right_one(parts):
    slices = series(12)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, *map(part10, slices)))[0] == 200
        for ds in [*slices, *reversed(slices)]:
            assert await frame(read, ds) == (200, ds.PixelData)


async def test_a_slice_that_came_during_the_walk_is_found_at_once(parts):
    slices = series(4)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, *map(part10, slices[:3])))[0] == 200
        for ds in slices[:3]:
            assert (await frame(read, ds))[0] == 200
        assert (await stow(ingest, part10(slices[3])))[0] == 200
        assert await frame(read, slices[3]) == (200, slices[3].PixelData)


async def test_a_walk_of_one_site_opens_nothing_for_another(parts):
    """What one caller looked up is not lent to the next."""
    slices = series(3)
    async with served(parts) as (web, ingest, read):
        assert (await stow(ingest, *map(part10, slices)))[0] == 200
        other = web.stranger(token=await add_token(parts, "site-b", "read"))
        for ds in slices:
            assert ((await frame(read, ds))[0], (await frame(other, ds))[0]) == (200, 404)


async def test_a_token_that_is_switched_off_is_refused_a_second_later(parts, clock):
    slices = series(2)
    async with served(parts) as (web, ingest, _):
        assert (await stow(ingest, *map(part10, slices)))[0] == 200
        token = await add_token(parts, "site-a", "read")
        reader = web.stranger(token=token)
        assert (await frame(reader, slices[0]))[0] == 200
        found = await parts.database.read(lambda tx: tx.users.find_token(sha256_of(token)))
        await parts.database.write(lambda tx: tx.users.disable_token(found[0]))
        clock.advance(1.0)
        assert (await frame(reader, slices[1]))[0] == 401


async def test_a_viewer_that_names_the_second_object_is_not_given_the_first_from_memory(parts):
    """B4: the event that another object was put in its place reaches the viewer before the walk is forgotten."""
    [ds] = series(1)
    first = bytes(ds.PixelData)
    async with served(parts) as (_, ingest, read):
        assert (await stow(ingest, part10(ds)))[0] == 200
        assert [await frame(read, ds) for _ in range(3)] == [(200, first)] * 3
        ds.PixelData = second = np.full((32, 24), 77, np.uint16).tobytes()
        conflict = part10(ds)
        await stow(ingest, conflict)
        [waiting] = await parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
        await decide(parts, waiting.id, QuarantineChoice.USE_SECOND, reason="技师重发", by=By("boss", "", EVERYWHERE))
        version = hashlib.sha256(conflict).hexdigest()[:16]
        assert await frame(read, ds, f"?version={version}") == (200, second)
        async with read.get(f"{address(ds)}/frames/1/rendered?viewport=1024,1024&version={version}") as answer:
            picture = np.asarray(Image.open(io.BytesIO(await answer.read())))
        assert answer.status == 200
        assert len(np.unique(picture)) == 1
