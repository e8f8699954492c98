"""What a reader looks at first is ready before the click: the job make_renditions, run by the real runner (E2).

Renditions can be lost without loss: they are evicted to stay below a limit, and made again when somebody asks.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from gateway.renditions.cache import RenditionCache
from gateway.services import render
from gateway.services.job_runner import JobRunner
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender, receive_part10
from storage.interface import InstanceQuery
from storage.model import EVERYWHERE, ArrivalVia, ObjectRef
from tests.support.image_builders import grey_phantom, image, part10
from tests.support.web import add_site

STUDY = "1.2.826.0.1.3680043.10.79.1"
LONG_AGO_S = 1_000_000_000


def of_series(number: int, pixels: np.ndarray, **fields: Any) -> Dataset:
    """One image in a series of its own of the same study."""
    return image(pixels, StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.{number}",
                 SOPInstanceUID=f"{STUDY}.{number}.1", PatientID="P-RENDITIONS", **fields)


def broken(number: int) -> Dataset:
    """A JPEG 2000 film of which the data ends after its header."""
    ds = of_series(number, grey_phantom(), syntax=JPEG2000Lossless)
    whole = bytes(imagecodecs.jpeg2k_encode(grey_phantom(), codecformat="J2K", reversible=True, level=0))
    ds.PixelData = encapsulate([whole[:120]])
    return ds


async def receive(parts: Parts, *datasets: Dataset) -> list[ObjectRef]:
    """Take the images in and enqueue the job, as completing the study does; returns where their bytes lie."""
    await add_site(parts, "site-a", "演示甲")
    sender = Sender(site_id="site-a", device=None, via=ArrivalVia.STOW, actor="token:test")
    receipts = [await receive_part10(parts, part10(ds), sender) for ds in datasets]
    study_id = receipts[0].study_id
    assert study_id is not None
    await parts.database.write(lambda tx: tx.jobs.enqueue("make_renditions", study_id, due=parts.clock()))
    instances = await parts.database.read(lambda tx: tx.studies.instances_of(study_id, EVERYWHERE))
    found = {i.sop_instance_uid: ObjectRef(i.object_sha256, i.size_bytes) for i in instances}
    return [found[ds.SOPInstanceUID] for ds in datasets]


async def run_jobs(parts: Parts) -> tuple[int, int]:
    """Run what is due of this kind; returns how many jobs are done and how many failed."""
    await JobRunner(parts, {**render.HANDLERS}).run_due()
    counts = await parts.database.read(lambda tx: tx.jobs.counts())
    return counts["done"], counts["failed"]


def cache_of(parts: Parts) -> RenditionCache:
    return RenditionCache(parts.settings.data_dir / "renditions", limit_bytes=parts.settings.renditions_max_bytes)


def is_kept(parts: Parts, ref: ObjectRef, name: str) -> bool:
    return cache_of(parts).get(ref.sha256, name.format(number=1)) is not None


async def all_of(renderings: render.Renderings, ref: ObjectRef) -> list[bytes]:
    return [await renderings.preview(ref, 1), await renderings.thumbnail(ref, 1),
            await renderings.htj2k_frame(ref, 1)]


async def test_preview_thumbnail_and_the_exact_web_copy_exist_before_anybody_asks(parts):
    """A big film gets all three; a small one travels quickly enough as it is."""
    film = np.tile(grey_phantom(100, 100), (11, 11))
    big, small = await receive(parts, of_series(1, film), of_series(2, grey_phantom()))
    assert await run_jobs(parts) == (1, 0)

    preview = cache_of(parts).get(big.sha256, render.PREVIEW.format(number=1))
    assert preview is not None
    assert max(Image.open(io.BytesIO(preview)).size) == 1024
    copy = cache_of(parts).get(big.sha256, render.HTJ2K_FRAME.format(number=1))
    assert copy is not None
    assert np.array_equal(imagecodecs.htj2k_decode(copy), film)
    assert is_kept(parts, small, render.PREVIEW)
    assert is_kept(parts, small, render.THUMBNAIL)
    assert not is_kept(parts, small, render.HTJ2K_FRAME)


async def test_a_broken_image_does_not_stop_the_others(parts):
    first, bad, last = await receive(parts, of_series(1, grey_phantom()), broken(2), of_series(3, grey_phantom()))
    assert await run_jobs(parts) == (1, 0)
    assert is_kept(parts, first, render.PREVIEW)
    assert is_kept(parts, last, render.PREVIEW)
    assert not is_kept(parts, bad, render.PREVIEW)


async def test_beyond_its_limit_the_job_evicts_what_nobody_looked_at_for_longest(parts):
    old, new = await receive(parts, of_series(1, grey_phantom(600, 600)), of_series(2, grey_phantom(600, 601)))
    assert await run_jobs(parts) == (1, 0)
    whole = cache_of(parts).total_bytes()
    folder = parts.settings.data_dir / "renditions"
    for path in folder.glob(f"??/{old.sha256}/*"):
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    tight = replace(parts, settings=replace(parts.settings, renditions_max_bytes=whole * 2 // 3))
    assert await render.Renderings(tight).evict() > 0
    assert cache_of(tight).total_bytes() <= whole * 2 // 3
    assert not is_kept(parts, old, render.PREVIEW)
    assert is_kept(parts, new, render.PREVIEW)


async def test_what_was_evicted_is_made_again_the_same(parts):
    film = np.tile(grey_phantom(100, 100), (11, 11))
    (ref,) = await receive(parts, of_series(1, film))
    assert await run_jobs(parts) == (1, 0)
    renderings = render.Renderings(parts)
    made = await all_of(renderings, ref)
    (stored,) = await parts.database.read(lambda tx: tx.dicomweb.instances(InstanceQuery(), EVERYWHERE))
    line = render.metadata_line(stored.series_instance_uid, stored)
    metadata = [piece async for piece in renderings.metadata([line], codec=None)]

    none = replace(parts, settings=replace(parts.settings, renditions_max_bytes=0))
    await render.Renderings(none).evict()
    assert cache_of(parts).total_bytes() == 0

    again = render.Renderings(parts)
    assert await all_of(again, ref) == made
    assert [piece async for piece in again.metadata([line], codec=None)] == metadata
    assert is_kept(parts, ref, render.HTJ2K_FRAME)
