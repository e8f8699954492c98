"""An ECG is the same to the nanovolt whichever way it comes in: POST, watched folder, C-STORE, HL7 result (B8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from pydicom.uid import UID

from gateway.core.waveform import EcgRecord
from gateway.ecg.watched_folder import WatchedFolders
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.ecg import read_ecg
from gateway.formats.part10 import read_file_meta
from gateway.services.ports import Parts
from gateway.services.show_ecg import EcgShelf
from gateway.wire.store_scu import OutgoingInstance, RemoteNode, send_instances
from storage.model import EVERYWHERE
from tests.support.dicom_receiver import open_receiver
from tests.support.ecg_builders import dicom_ecg, known_samples, needs_testdata, sha256_nanovolts
from tests.support.ecg_of_every_format import SHANGHAI, every_format
from tests.support.hl7_results import ed, oru
from tests.support.mllp import code_of, listening
from tests.support.reference_ecgs import bytes_of, wrong_leads
from tests.support.waiting import until
from tests.support.web import add_site, add_token, serving

Send = Callable[[bytes], Awaitable[Parts]]
Way = Callable[[Parts, Path], AbstractAsyncContextManager[Send]]
REFERENCES = ("scp/ecgtoolkit_example.scp", "scp/syn_refbeat.scp", "aecg/ecgtoolkit_example.xml",
              "muse/guangxi_teaching_sinus_rhythm.xml", "cardiosoft/cardiosoft_example.xml",
              "philips/3191723_v104.xml", "mfer/syn_12lead_le.mwf", "edf/syn_js20012.edf", "contec/0000053.ECG",
              "wfdb/cinc2021/JS20000.hea")
DICOM_REFERENCES = ("dicom/ecgtoolkit_example.dcm", "dicom/mortara_anonymous_ecg.dcm",
                    "dicom/guangxi_sinus_general_ecg.dcm")
ONE_ECG_IN_THREE = ("scp/ecgtoolkit_example.scp", "dicom/ecgtoolkit_example.dcm", "aecg/ecgtoolkit_example.xml")
MADE = ("dicom", "scp", "aecg", "muse", "cardiosoft", "sierra", "mfer", "edf", "contec", "wfdb")


@cache
def made(name: str) -> bytes:
    return every_format()[name].whole


@asynccontextmanager
async def by_post(parts: Parts, tmp_path: Path) -> AsyncIterator[Send]:
    await add_site(parts, "yangchang", "演示")
    async with serving(parts) as web:
        cart = web.stranger(token=await add_token(parts, "yangchang", "ingest"))

        async def send(data: bytes) -> Parts:
            async with cart.post("/api/ecg", data=data) as answer:
                assert answer.status == 201, await answer.text()
            return parts

        yield send


@asynccontextmanager
async def by_folder(parts: Parts, tmp_path: Path) -> AsyncIterator[Send]:
    folder = tmp_path / "drop"
    watched = replace(parts, settings=replace(parts.settings, ecg_folders=(f"yangchang={folder}",)))
    folders = WatchedFolders(watched, settle_s=0.05, poll_s=0.1)
    await folders.start()

    async def send(data: bytes) -> Parts:
        (folder / "some.file").write_bytes(data)
        await until(lambda: (folder / "done" / "some.file").exists())
        return parts

    yield send
    await folders.stop()


@asynccontextmanager
async def by_hl7(parts: Parts, tmp_path: Path) -> AsyncIterator[Send]:
    async with listening(tmp_path / "hl7") as gateway:
        async def send(data: bytes) -> Parts:
            assert code_of(await gateway.send(oru(ed(data)))) == "AA"
            kept: Parts = gateway.parts
            return kept

        yield send


@asynccontextmanager
async def by_c_store(parts: Parts, tmp_path: Path) -> AsyncIterator[Send]:
    async with open_receiver(tmp_path / "dicom") as receiver:
        async def send(data: bytes) -> Parts:
            meta = read_file_meta(ByteSource(data))
            host, port = receiver.address.split(":")
            outgoing = OutgoingInstance(meta.sop_class_uid, meta.sop_instance_uid, (meta.transfer_syntax_uid,),
                                        lambda _: data[meta.dataset_start:])
            node = RemoteNode(host, int(port), "GATEWAY", "MODALITY", 30.0)
            [result] = await asyncio.to_thread(list, send_instances([outgoing], node))
            assert result.status == 0x0000
            return receiver.parts

        yield send


WAYS: dict[str, Way] = {"post": by_post, "folder": by_folder, "hl7": by_hl7, "c-store": by_c_store}


def cases(names: Sequence[str], dicom: Sequence[str]) -> list[tuple[str, str]]:
    """Every way with every file, C-STORE with DICOM objects alone."""
    return [(way, name) for way in WAYS for name in names if way != "c-store" or name in dicom]


async def received(parts: Parts) -> EcgRecord:
    """What is shown of the one ECG in the store."""
    def work(tx):
        ids = {entry.entry.study_id for entry in tx.audit.walk() if entry.entry.study_id}
        return [tx.studies.instances_of(study_id, EVERYWHERE)[0] for study_id in ids]

    (instance,) = await parts.database.read(work)
    return (await EcgShelf(parts).show(EVERYWHERE, instance.id)).record


@pytest.mark.parametrize(("way", "name"), cases(MADE, ["dicom"]))
async def test_a_made_file_of_every_format_is_shown_as_it_was_written(way, name, parts, tmp_path):
    async with WAYS[way](parts, tmp_path) as send:
        shown = await received(await send(made(name)))
    expected = read_ecg(made(name), time_zone=SHANGHAI)
    assert len(expected.leads) >= 8
    assert {lead.name: lead.sha256_nanovolts() for lead in expected.leads}.items() <= {
        lead.name: lead.sha256_nanovolts() for lead in shown.leads}.items()


@needs_testdata
@pytest.mark.parametrize(("way", "name"), cases((*REFERENCES, *DICOM_REFERENCES), DICOM_REFERENCES))
async def test_a_reference_ecg_is_shown_as_independent_decoders_read_it(way, name, parts, tmp_path):
    async with WAYS[way](parts, tmp_path) as send:
        shown = await received(await send(bytes_of(name)))
    recorded = read_ecg(bytes_of(name), time_zone=SHANGHAI)
    own = tuple(lead for lead in shown.leads if lead.name in {lead.name for lead in recorded.leads})
    assert wrong_leads(name, replace(shown, leads=own)) == []


@needs_testdata
async def test_one_ecg_in_three_formats_gives_the_page_the_same_samples(parts):
    await add_site(parts, "yangchang", "演示")
    drawn = []
    async with serving(parts) as web:
        cart = web.stranger(token=await add_token(parts, "yangchang", "ingest"))
        reader = web.stranger(token=await add_token(parts, "yangchang", "read"))
        for name in ONE_ECG_IN_THREE:
            async with cart.post("/api/ecg", data=bytes_of(name)) as answer:
                receipt = await answer.json()
            drawn.append(await _drawn(reader, receipt["id"]))
    assert len(drawn[0]) == 12
    assert drawn[0] == drawn[1] == drawn[2]


async def _drawn(reader: aiohttp.ClientSession, instance_id: str) -> dict[str, bytes]:
    """Lead by lead, what the page draws."""
    async with reader.get(f"/api/ecg/{instance_id}") as answer:
        header = await answer.json()
    async with reader.get(f"/api/ecg/{instance_id}/samples") as answer:
        samples = np.frombuffer(await answer.read(), dtype="<i4")
    out, at = {}, 0
    for lead in header["leads"]:
        out[lead["name"]] = samples[at:at + lead["sample_count"]].tobytes()
        at += lead["sample_count"]
    assert at == len(samples)
    return out


@pytest.mark.parametrize("way", ["post", "c-store"])
async def test_ecg_leads_in_a_hemodynamic_object_are_shown_too(way, parts, tmp_path):
    """Catheter laboratories send their ECG so; the object keeps its own modality."""
    samples = known_samples(count=500)
    data = dicom_ecg(samples, sop_class_uid=UID("1.2.840.10008.5.1.4.1.1.9.2.1"), elements={"Modality": "HD"})
    async with WAYS[way](parts, tmp_path) as send:
        shown = await received(await send(data))
    assert {lead.name: lead.sha256_nanovolts() for lead in shown.leads} == {
        name: sha256_nanovolts(values, 2500) for name, values in samples.items()}
