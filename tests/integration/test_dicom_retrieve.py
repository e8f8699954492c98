"""C-GET and C-MOVE on the DICOM port (PS3.4 C.4.2, C.4.3; requirements B2, J3, H1, promise 5)."""

from __future__ import annotations

import asyncio
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from gateway.wire.store_scu import RemoteNode, part10_instance, send_instances
from storage.model import EVERYWHERE, Device, Site, SiteKind
from tests.support.dicom_builders import (
    CT,
    PRIVATE,
    StudyIds,
    ct_slice,
    dataset_of,
    dx_image,
    private_object,
    secondary_capture,
    us_loop,
)
from tests.support.dicom_receiver import MODALITY, OTHER_SITE, open_receiver
from tests.support.peers import free_ports
from tests.support.query_peers import count_of, dataset_bytes, getscu, movescu
from tests.support.receiving_nodes import orthanc, storescp
from tests.support.retrieving_peers import Taker, a_node
from tests.support.waiting import until

STUDY_ROOT_GET, STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.2"
STUDY, SERIES, IMAGE, PATIENT = (f"QueryRetrieveLevel={level}" for level in ("STUDY", "SERIES", "IMAGE", "PATIENT"))
CENTRE = Site("centre", "演示阅片中心", "Demo Centre", SiteKind.CENTRE)


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def send(receiver, files):
    """As they are, each in its own transfer syntax."""
    host, port = receiver.address.split(":")
    node = RemoteNode(host, int(port), "GATEWAY", "MODALITY", 30.0)
    results = await asyncio.to_thread(lambda: list(send_instances([part10_instance(data) for data in files], node)))
    assert [result.status for result in results] == [0] * len(files)


# ---------------------------------------------------------------------------------------------------------- C-GET
@pytest.mark.usefixtures("wire")
async def test_a_study_comes_back_byte_for_byte(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        ids = StudyIds()
        files = [ct_slice(n, ids=ids) for n in (1, 2, 3)] + [ct_slice(4, ids=ids, syntax="implicit")]
        await send(receiver, files)
        got = await getscu(receiver.address, tmp_path / "out", STUDY, f"StudyInstanceUID={ids.study}")
        assert got.final == 0x0000
        # getscu offers one context a class; the slice of the other encoding is turned into that.
        same = set(got.datasets()) & {dataset_of(data) for data in files}
        assert (len(got.files), len(same)) == (4, 3)


@pytest.mark.parametrize(("model", "keys", "count"), [
    ("-S", [SERIES, "SeriesInstanceUID=1.2.826.0.1.3680043.10.56.1.1"], 2),
    ("-S", [IMAGE, "SeriesInstanceUID=1.2.826.0.1.3680043.10.56.1.1",
            "SOPInstanceUID=1.2.826.0.1.3680043.10.56.9"], 1),
    ("-P", [PATIENT, "PatientID=P0001"], 3),
    ("-P", [STUDY, "PatientID=P0001"], 3),
])
async def test_each_level_gives_what_is_below_it(receiver, tmp_path, model, keys, count):
    study = "1.2.826.0.1.3680043.10.56.1"
    ids = StudyIds(study, f"{study}.1")
    await send(receiver, [
        ct_slice(1, ids=ids, sop_instance_uid="1.2.826.0.1.3680043.10.56.9"), ct_slice(2, ids=ids),
        ct_slice(3, ids=StudyIds(study, f"{study}.2"))])
    more = [] if keys[0] == PATIENT else [f"StudyInstanceUID={study}"]
    got = await getscu(receiver.address, tmp_path / "out", *keys, *more, model=model)
    assert (got.final, len(got.files)) == (0x0000, count)


@pytest.mark.parametrize("keys", [[STUDY], [STUDY, "StudyInstanceUID=*"], [SERIES, "StudyInstanceUID=1.2"],
                                  ["StudyInstanceUID=1.2"]])
async def test_a_retrieval_must_say_what_it_wants(receiver, tmp_path, keys):
    got = await getscu(receiver.address, tmp_path / "out", *keys)
    assert got.statuses[-1] in (0xA900, 0x0000)
    assert got.files == []


async def test_an_image_is_decompressed_for_a_peer_that_needs_it_and_never_in_the_store(receiver, tmp_path):
    ids = StudyIds()
    stored = ct_slice(1, ids=ids, syntax="jpeg 2000")
    await send(receiver, [stored])
    plain = await getscu(receiver.address, tmp_path / "plain", STUDY, f"StudyInstanceUID={ids.study}")
    [copy] = [dcmread(path) for path in plain.files]
    assert plain.final == 0x0000
    assert copy.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(copy.pixel_array, dcmread(BytesIO(stored)).pixel_array)
    taken = await getscu(receiver.address, tmp_path / "taken", STUDY, f"StudyInstanceUID={ids.study}",
                         options=("+xv",))
    assert taken.datasets() == [dataset_of(stored)]
    [instance] = await receiver.instances(ids.study)
    assert dataset_of(await receiver.kept_bytes(instance)) == dataset_of(stored)


async def test_a_lossy_image_stays_marked_as_lossy(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [lossy_capture(ids)])
    got = await getscu(receiver.address, tmp_path / "out", STUDY, f"StudyInstanceUID={ids.study}")
    [copy] = [dcmread(path) for path in got.files]
    assert (copy.file_meta.TransferSyntaxUID, copy.LossyImageCompression) == (ExplicitVRLittleEndian, "01")
    assert (copy.PhotometricInterpretation, copy.PlanarConfiguration) == ("RGB", 0)
    assert copy.pixel_array.shape == (32, 32, 3)


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big endian", "deflated", "rle", "jpeg 2000", "htj2k"])
@pytest.mark.parametrize("wanted", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
async def test_whatever_is_stored_a_peer_of_one_uncompressed_syntax_gets_the_same_pixels_and_words(
        receiver, tmp_path, syntax, wanted):
    ids = StudyIds()
    stored = ct_slice(1, ids=ids, syntax=syntax, PatientComments="keep me")
    await send(receiver, [stored])
    taker = Taker({CT: [wanted]})
    statuses = await taker.get(receiver, STUDY_ROOT_GET, ids.study)
    assert statuses[-1] == 0x0000
    [copy] = taker.datasets
    original = dcmread(BytesIO(stored))
    assert np.array_equal(copy.pixel_array, dcmread(BytesIO(ct_slice(1))).pixel_array)
    for element in original:
        if element.tag.group != 0x7FE0:
            assert copy[element.tag].value == element.value, element


async def test_objects_that_the_peer_cannot_take_are_counted_and_named(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(1, ids=ids), private_object(ids=ids, sop_instance_uid="1.2.3.99")])
    taker = Taker({CT: [ExplicitVRLittleEndian]})
    statuses = await taker.get(receiver, STUDY_ROOT_GET, ids.study)
    assert statuses[-1] == 0xB000
    assert taker.last.FailedSOPInstanceUIDList == "1.2.3.99"
    assert taker.counts == (1, 1, 0)
    alone = Taker({PRIVATE + ".7": [ExplicitVRLittleEndian]})
    assert (await alone.get(receiver, STUDY_ROOT_GET, ids.study))[-1] == 0xA702
    assert len(alone.last.FailedSOPInstanceUIDList) == 2


async def test_each_answer_of_the_peer_is_counted_for_what_it_says(receiver, tmp_path):
    """2.M: a warning is no failure, and the last status does not win."""
    ids = StudyIds()
    await send(receiver, [ct_slice(n, ids=ids) for n in (1, 2, 3, 4)])
    taker = Taker({CT: [ExplicitVRLittleEndian]}, says=[0x0000, 0xB007, 0xA700, 0x0000])
    statuses = await taker.get(receiver, STUDY_ROOT_GET, ids.study)
    assert (statuses, taker.counts) == ([0xFF00, 0xFF00, 0xFF00, 0xB000], (2, 1, 1))


async def test_a_cancelled_c_get_stops_and_says_what_remains(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(n, ids=ids) for n in range(1, 21)])
    taker = Taker({CT: [ExplicitVRLittleEndian]}, cancels_after=3)
    statuses = await taker.get(receiver, STUDY_ROOT_GET, ids.study)
    assert statuses[-1] == 0xFE00
    assert taker.remaining == 20 - taker.counts[0]
    assert 3 <= taker.counts[0] < 20


async def test_a_peer_that_aborts_in_the_middle_leaves_the_port_well(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(n, ids=ids) for n in range(1, 6)])
    taker = Taker({CT: [ExplicitVRLittleEndian]}, aborts_after=2)
    await taker.get(receiver, STUDY_ROOT_GET, ids.study)
    again = await getscu(receiver.address, tmp_path / "out", STUDY, f"StudyInstanceUID={ids.study}")
    assert (again.final, len(again.files)) == (0x0000, 5)


async def test_a_device_retrieves_nothing_of_another_site(receiver, tmp_path):
    """Promise 5."""
    ids = StudyIds()
    await send(receiver, [ct_slice(1, ids=ids)])
    await receiver.add_device(Device("dr-2", OTHER_SITE.id, "DR 2", "OTHER", None, "DX"))
    got = await getscu(receiver.address, tmp_path / "out", STUDY, f"StudyInstanceUID={ids.study}", calling="OTHER")
    assert (got.final, got.files) == (0x0000, [])


async def test_a_retrieval_is_written_down_for_each_study_before_anything_leaves(receiver, tmp_path):
    """J3: one patient a transfer record (110104)."""
    one, two = StudyIds(), StudyIds()
    await send(receiver, [ct_slice(1, ids=one), ct_slice(2, ids=one), ct_slice(1, ids=two)])
    await getscu(receiver.address, tmp_path / "out", STUDY, f"StudyInstanceUID={one.study}\\{two.study}")
    entries = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE, 100))
    entries = [one.entry for one in entries if one.entry.action == "study.retrieved"]
    assert sorted(entry.detail["instances"] for entry in entries) == [1, 2]
    assert {entry.actor for entry in entries} == {"device:MODALITY"}
    assert all(entry.patient_id and entry.detail["what"] == "C-GET" for entry in entries)


# --------------------------------------------------------------------------------------------------------- C-MOVE
async def register(receiver, port, *, ae_title="CLINIC", site_id=MODALITY.site_id, address="127.0.0.1"):
    await receiver.add_device(Device(f"to-{ae_title}-{site_id}", site_id, ae_title, ae_title, address, "", port=port))


@pytest.mark.usefixtures("wire")
async def test_a_study_is_moved_to_a_registered_device_byte_for_byte(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        ids = StudyIds()
        files = [ct_slice(n, ids=ids) for n in (1, 2, 3)]
        await send(receiver, files)
        with storescp(tmp_path / "clinic", "+xa") as node:
            await register(receiver, node.port)
            moved = await movescu(receiver.address, "CLINIC", STUDY, f"StudyInstanceUID={ids.study}")
            assert moved.statuses == [0xFF00, 0xFF00, 0x0000]
            assert count_of(moved.output, "Completed Suboperations") == 3
            assert sorted(dataset_bytes(path) for path in node.files()) == sorted(map(dataset_of, files))


async def test_the_receiver_of_a_move_is_told_who_asked(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(1, ids=ids)])
    with a_node() as node:
        await register(receiver, node.port, ae_title="NODE")
        moved = await movescu(receiver.address, "NODE", STUDY, f"StudyInstanceUID={ids.study}")
    assert moved.final == 0x0000
    [request] = node.requests
    assert str(request.MoveOriginatorApplicationEntityTitle).strip() == "MODALITY"
    assert request.MoveOriginatorMessageID == 1


async def test_objects_that_the_destination_refuses_are_counted_and_named(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(n, ids=ids, sop_instance_uid=f"1.2.3.{n}") for n in (1, 2, 3)])
    with a_node(says=[0x0000, 0xA700, 0xB000]) as node:
        await register(receiver, node.port, ae_title="NODE")
        moved = await movescu(receiver.address, "NODE", STUDY, f"StudyInstanceUID={ids.study}")
    assert moved.final == 0xB000
    counts = [count_of(moved.output, f"{word} Suboperations") for word in ("Completed", "Failed", "Warning")]
    assert counts == [1, 1, 1]
    assert "[1.2.3.2]" in moved.output


async def test_an_image_is_decompressed_for_a_destination_that_needs_it(receiver, tmp_path):
    ids = StudyIds()
    stored = us_loop(ids=ids, syntax="rle")
    await send(receiver, [stored])
    with storescp(tmp_path / "clinic", "+xi") as node:
        await register(receiver, node.port)
        moved = await movescu(receiver.address, "CLINIC", STUDY, f"StudyInstanceUID={ids.study}")
        assert moved.final == 0x0000
        [copy] = [dcmread(path) for path in node.files()]
    assert copy.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert np.array_equal(copy.pixel_array, dcmread(BytesIO(stored)).pixel_array)


async def test_an_unknown_destination_is_said_to_be_unknown(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(1, ids=ids)])
    await register(receiver, 0, ae_title="ONLYCALLS")
    for title in ("NOBODY", "ONLYCALLS", "MODALITY"):
        moved = await movescu(receiver.address, title, STUDY, f"StudyInstanceUID={ids.study}")
        assert moved.statuses == [0xA801], title


async def test_nothing_is_moved_to_a_clinic_that_may_not_see_it(receiver, tmp_path):
    """Promise 5: a device of one clinic cannot have its studies sent to another clinic, only up to the centre."""
    ids = StudyIds()
    await send(receiver, [ct_slice(1, ids=ids)])
    await receiver.parts.database.write(lambda tx: tx.sites.add_site(CENTRE))
    with a_node() as node:
        await register(receiver, node.port, ae_title="THEIRS", site_id=OTHER_SITE.id)
        moved = await movescu(receiver.address, "THEIRS", STUDY, f"StudyInstanceUID={ids.study}")
        assert (moved.statuses, node.requests) == ([0xA801], [])
        await register(receiver, node.port, ae_title="CENTRE", site_id=CENTRE.id)
        moved = await movescu(receiver.address, "CENTRE", STUDY, f"StudyInstanceUID={ids.study}")
        assert (moved.final, len(node.requests)) == (0x0000, 1)


async def test_a_destination_that_does_not_answer_fails_every_object(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(n, ids=ids) for n in (1, 2)])
    [port] = free_ports(1)
    await register(receiver, port)
    moved = await movescu(receiver.address, "CLINIC", STUDY, f"StudyInstanceUID={ids.study}")
    assert moved.final == 0xA702
    assert count_of(moved.output, "Failed Suboperations") == 2


async def test_a_cancelled_c_move_stops(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(n, ids=ids) for n in range(1, 31)])
    with a_node(pause_s=0.02) as node:
        await register(receiver, node.port, ae_title="NODE")
        moved = await movescu(receiver.address, "NODE", STUDY, f"StudyInstanceUID={ids.study}",
                              options=("--cancel", "2"))
        assert moved.final == 0xFE00
        assert 2 <= len(node.requests) < 30


async def test_orthanc_as_a_destination_keeps_every_object(receiver, tmp_path):
    ids = StudyIds()
    await send(receiver, [ct_slice(1, ids=ids), ct_slice(2, ids=ids, syntax="jpeg 2000"),
                                           dx_image(ids=ids, series_uid="1.2.826.0.1.3680043.10.56.7")])
    with orthanc(tmp_path / "orthanc") as node:
        await register(receiver, node.dicom_port, ae_title="ORTHANC")
        moved = await movescu(receiver.address, "ORTHANC", STUDY, f"StudyInstanceUID={ids.study}")
        assert moved.final == 0x0000
        assert len(await until(lambda: node.get("/instances"))) == 3


# ------------------------------------------------------------------------------------------------------- helpers
def lossy_capture(ids):
    """A colour photograph in JPEG baseline whose data set does not say that it is lossy."""
    ds = dcmread(BytesIO(secondary_capture(1, ids=ids)))
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16] = (200, 30, 60)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "YBR_FULL_422", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = encapsulate([bytes(imagecodecs.jpeg8_encode(pixels, level=90))])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


