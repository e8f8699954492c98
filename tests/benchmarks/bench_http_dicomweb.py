"""DICOMweb against Debian's Orthanc with its plug-in, in one run: searching, frames, metadata, a study as ZIP.

Both hold the same 5,000 instances (4,400 small studies, three CT of 200) and a CT of 200 slices with pixels. One
client, one connection kept open, requests taken in turns. Ours is the web edge over real SQLite in a process of its
own, with login, scope and audit on; Orthanc runs without login and with TCP_NODELAY. The same searches are measured
on a million instances, and with READING_GATEWAY_BENCH_LARGE=1 on ten millions: rows written straight into the tables.
READING_GATEWAY_BENCH_ARCHIVES names a folder in which filled databases are kept for the next run (3 GB a million).
Ratios are of medians: how many times as fast as Orthanc we are; for the large ones, how many times as slow as at
5,000, measured in turns.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from gateway.services.ports import Parts
from storage.model import Role
from tests.benchmarks import archive
from tests.benchmarks.row import Row
from tests.support.image_builders import image, part10
from tests.support.receiving_nodes import DICOMWEB_PLUGIN, Orthanc, orthanc, with_dicomweb
from tests.support.stores import open_parts
from tests.support.web import PASSWORD, add_person, add_site, add_token, serving

SMALL, LARGE, LARGEST = 5_000, 1_000_000, 10_000_000
_ROUNDS, _WARM_UP = 60, 10
_CT = "1.2.826.0.1.3680043.10.91"
_SLICES = 200
_KEY_GOAL, _PAGE_GOAL = "p95 <= 10 ms", "p95 <= 25 ms"
Get = Callable[[str, str], bytes]


def measure() -> Iterable[Row]:
    with _gateway(SMALL) as (get, put):
        yield from _against_orthanc(get, put)
        for count in (LARGE, LARGEST) if os.environ.get("READING_GATEWAY_BENCH_LARGE") else (LARGE,):
            yield from _grown(get, count)


def _against_orthanc(get: Get, put: Callable[[list[bytes]], None]) -> Iterable[Row]:
    with _peer() as theirs:
        slices = _ct_slices()
        put(slices)
        peer = None if theirs is None else _filled(theirs, slices)
        for name, path, goal in _searches(SMALL):
            own, other = _in_turns((path, get), (path, peer))
            peer_text = f"Orthanc {_p95(other) * 1000:.1f} ms" if other else ""
            yield Row(f"QIDO-RS {name}, {SMALL} instances", _p95(own) * 1000, "ms p95", f"{goal}, >= 3 x Orthanc",
                      peer_text, median(other) / median(own) if other else None)
        yield from _retrieving(get, peer, theirs)


def _grown(get_small: Get, count: int) -> Iterable[Row]:
    with _gateway(count) as (get, _):
        for (name, path, goal), (_, small_path, _) in zip(_searches(count), _searches(SMALL), strict=True):
            own, small = _in_turns((path, get), (small_path, get_small))
            yield Row(f"QIDO-RS {name}, {count} instances", _p95(own) * 1000, "ms p95",
                      f"{goal}, <= 1.3 x of {SMALL}", f"{SMALL}: {_p95(small) * 1000:.1f} ms",
                      median(own) / median(small))


def _searches(instance_count: int) -> list[tuple[str, str, str]]:
    """(name, path, goal); what is asked has as many answers in a large archive as in a small one, or fills a page."""
    shape = archive.plan(instance_count)
    last, before = shape.last_day, shape.last_day - timedelta(days=1)
    ct = archive.study_uid((shape.study_count // shape.ct_count) * (shape.ct_count - 1))
    middle = shape.study_count // 2
    studies = "/dicom-web/studies?"
    return [
        ("study by UID", f"{studies}StudyInstanceUID={archive.study_uid(middle)}", _KEY_GOAL),
        ("studies of a patient", f"{studies}PatientID={archive.patient_id(middle - middle % 6)}", _KEY_GOAL),
        ("study by accession number", f"{studies}AccessionNumber=A{middle:08}", _KEY_GOAL),
        ("date range, page of 50", f"{studies}StudyDate={before:%Y%m%d}-{last:%Y%m%d}&limit=50", _PAGE_GOAL),
        ("name prefix, page of 50", f"{studies}PatientName=Wang*&limit=50", _PAGE_GOAL),
        ("modality, page of 50", f"{studies}ModalitiesInStudy=MG&limit=50", _PAGE_GOAL),
        ("page of 50 at offset 2000", f"{studies}limit=50&offset=2000", _PAGE_GOAL),
        ("200 instances of a series", f"/dicom-web/studies/{ct}/series/{ct}.1/instances", _PAGE_GOAL),
    ]


def _retrieving(get: Get, peer: Get | None, theirs: Orthanc | None) -> Iterator[Row]:
    series = f"/dicom-web/studies/{_CT}/series/{_CT}.1"
    cold_s = _timed(lambda: get(f"{series}/metadata", "application/dicom+json"))
    yield Row("WADO-RS metadata of 200 slices, nothing kept ahead", cold_s * 1000, "ms")

    def frames(ask: Get) -> None:
        for n in range(_SLICES):
            data = ask(f"{series}/instances/{_CT}.1.{n + 1}/frames/1",
                       'multipart/related; type="application/octet-stream"')
            assert len(data) > 512 * 512 * 2

    own, other = _medians(lambda: frames(get), None if peer is None else lambda: frames(peer), times=5)
    yield _faster("WADO-RS frames of a CT series, 512 x 512, one after another", _SLICES / own, "frames/s",
                  None if other is None else _SLICES / other, ">= 3 x Orthanc")
    accept = "application/dicom+json"
    own, other = _medians(lambda: get(f"{series}/metadata", accept),
                          None if peer is None else lambda: peer(f"{series}/metadata", accept), times=20)
    yield _compared("WADO-RS metadata of 200 slices", own, other, "<= 30 ms")
    zip_path = ""
    if theirs is not None:
        found = theirs.post("/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": _CT}})
        zip_path = f"/studies/{found[0]}/archive"
    own, other = _medians(lambda: get(f"/dicom-web/studies/{_CT}", "application/zip"),
                          None if peer is None else lambda: peer(zip_path, "*/*"), times=3)
    yield _compared("WADO-RS study of 105 MB as ZIP", own, other, "<= 1500 ms")


# ---------------------------------------------------------------------------------------------------- measuring
def _in_turns(ours: tuple[str, Get], theirs: tuple[str, Get | None]) -> tuple[list[float], list[float]]:
    """Seconds of each request, ours and theirs."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS + _WARM_UP):
        for (path, ask), times in zip((ours, theirs), taken, strict=True):
            if ask is not None:
                times.append(_timed(partial(ask, path, "application/dicom+json")))
    return taken[0][_WARM_UP:], taken[1][_WARM_UP:]


def _medians(ours: Callable[[], object], theirs: Callable[[], object] | None, *, times: int
             ) -> tuple[float, float | None]:
    own, other = [], []
    for _ in range(times + 1):
        own.append(_timed(ours))
        if theirs is not None:
            other.append(_timed(theirs))
    return median(own[1:]), median(other[1:]) if other else None


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def _compared(name: str, own_s: float, other_s: float | None, goal: str, *, unit: str = "ms") -> Row:
    """A time; the ratio says how many times as fast we are."""
    return Row(name, own_s * 1000, unit, goal, "" if other_s is None else f"Orthanc {other_s * 1000:.1f} ms",
               None if other_s is None else other_s / own_s)


def _faster(name: str, own: float, unit: str, other: float | None, goal: str) -> Row:
    return Row(name, own, unit, goal, "" if other is None else f"Orthanc {other:.0f} {unit}",
               None if other is None else own / other)


# ---------------------------------------------------------------------------------------------------- both sides
def _getter(host: str, port: int, headers: dict[str, str]) -> Get:
    connection = http.client.HTTPConnection(host, port, timeout=120)

    def get(path: str, accept: str) -> bytes:
        try:
            connection.request("GET", path, headers={**headers, "Accept": accept})
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):      # it was idle for too long: begin anew
            connection.close()
            connection.request("GET", path, headers={**headers, "Accept": accept})
            answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (path, answer.status, data[:300])
        return data

    return get


@contextmanager
def _gateway(instance_count: int) -> Iterator[tuple[Get, Callable[[list[bytes]], None]]]:
    with _folder(instance_count) as folder:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, instance_count, theirs))
        server.start()
        theirs.close()                   # a server that dies is the end of the pipe, not an endless wait
        try:
            host, port, token = ours.recv()
            connection = http.client.HTTPConnection(host, port)
            connection.request("POST", "/api/session", json.dumps({"login": "reader", "password": PASSWORD}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            cookie = str(answer.headers["Set-Cookie"]).split(";")[0]

            def put(files: list[bytes]) -> None:
                for file in files:
                    poster = http.client.HTTPConnection(host, port)
                    poster.request("POST", "/dicom-web/studies", file, {
                        "Content-Type": "application/dicom", "Authorization": f"Bearer {token}"})
                    assert poster.getresponse().status == 200

            yield _getter(host, port, {"Cookie": cookie}), put
        finally:
            ours.send("stop")
            server.join(30)


@contextmanager
def _folder(instance_count: int) -> Iterator[Path]:
    """A new one; for a large archive the kept one, where there is a place for it."""
    base = os.environ.get("READING_GATEWAY_BENCH_ARCHIVES")
    if base and instance_count > SMALL:
        folder = Path(base) / str(instance_count)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="rg-bench-", dir=os.environ.get("READING_GATEWAY_BENCH_FOLDER")) as name:
        yield Path(name)


def _serve(folder: Path, instance_count: int, pipe: Connection) -> None:
    asyncio.run(_serve_until_told(folder, instance_count, pipe))


async def _serve_until_told(folder: Path, instance_count: int, pipe: Connection) -> None:
    async with open_parts(folder / "data") as parts:
        filled, token = folder / "filled", ""
        if not filled.exists():
            for site_id in archive.SITE_IDS:
                await add_site(parts, site_id, f"演示{site_id}")
            await add_person(parts, "reader", (Role.READER, None))
            await _fill(parts, archive.plan(instance_count))
            token = await add_token(parts, archive.SITE_IDS[0], "ingest")
            filled.touch()
        async with serving(parts) as web:
            gc.collect()                 # as the shipped program does once it is ready
            gc.freeze()
            pipe.send((web.server.host, web.server.port, token))
            await asyncio.to_thread(pipe.recv)


async def _fill(parts: Parts, shape: archive.Archive) -> None:
    done = 0
    for some in archive.batches(shape):
        await parts.database.write(lambda tx, some=some: archive.write(tx.connection, some))  # type: ignore[misc]
        done += len(some)
        if done % 100_000 == 0:
            print(f"  {done} of {shape.study_count} studies", file=sys.stderr, flush=True)


@contextmanager
def _peer() -> Iterator[Orthanc | None]:
    if not DICOMWEB_PLUGIN.exists():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="rg-bench-") as folder, \
            orthanc(Path(folder), **with_dicomweb(), KeepAlive=True) as peer:
        yield peer


def _filled(peer: Orthanc, slices: list[bytes]) -> Get:
    """Give it the same studies as files without pixels, and the same slices."""
    connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=60)
    for file in [*_small_files(archive.plan(SMALL)), *slices]:
        connection.request("POST", "/instances", file, {"Content-Type": "application/dicom"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    return _getter("127.0.0.1", peer.port, {})


def _small_files(shape: archive.Archive) -> Iterator[bytes]:
    for rows in archive.studies(shape):
        study, series = rows["study"][0], rows["series"][0]
        patient = archive.patient_of(study["patient_key"])
        for instance in rows["instance"]:
            meta = FileMetaDataset()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds = FileDataset("", Dataset.from_json(instance["attributes"]), file_meta=meta, preamble=bytes(128))
            ds.SpecificCharacterSet, ds.SOPClassUID = "ISO_IR 192", CTImageStorage
            ds.SOPInstanceUID = instance["sop_instance_uid"]
            ds.StudyInstanceUID, ds.SeriesInstanceUID = study["study_instance_uid"], series["series_instance_uid"]
            ds.PatientID, ds.PatientName = patient["patient_id"], patient["name_alphabetic"].replace(" ", "^")
            ds.PatientSex, ds.AccessionNumber = patient["sex"], study["accession_number"]
            ds.StudyDate, ds.StudyTime = f"{study['study_at']:%Y%m%d}", f"{study['study_at']:%H%M%S}"
            ds.StudyDescription, ds.Modality = study["description"], series["modality"]
            buffer = io.BytesIO()
            ds.save_as(buffer, enforce_file_format=True)
            yield buffer.getvalue()


def _ct_slices() -> list[bytes]:
    noise = np.random.default_rng(1).integers(0, 2000, (512, 512)).astype(np.int16)
    return [part10(image(noise + n, modality="CT", StudyInstanceUID=_CT, SeriesInstanceUID=f"{_CT}.1",
                         SOPInstanceUID=f"{_CT}.1.{n + 1}", InstanceNumber=n + 1, PatientID="CT1",
                         AccessionNumber="CT1")) for n in range(_SLICES)]
