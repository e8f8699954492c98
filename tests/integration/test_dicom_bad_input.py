"""What goes wrong on a DICOM port: a clear answer each, nothing lost, the next sender served (B2, B4)."""

from __future__ import annotations

import asyncio
import random
import struct
import threading
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE

from gateway.dicom.storage_scp import StorageScp
from storage.errors import StorageFull
from storage.model import ArrivalOutcome
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import open_receiver
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data", network_timeout_s=20.0) as opened:
        yield opened


async def next_sender_is_served(receiver, folder) -> bool:
    ids = build.StudyIds()
    sent = await dcmtk.storescu(receiver.address, build.write_all(folder, [build.ct_slice(ids=ids)]))
    return sent.statuses == [0] and len(await receiver.instances(ids.study)) == 1


def send_raw(address: str, dataset: bytes, *, sop_class: str = build.CT, sop_instance: str = "1.2.3.4",
             syntax: str = build.SYNTAXES["explicit"]) -> int:
    """C-STORE these bytes as they are, whatever they are; returns the status."""
    host, port = address.split(":")
    ae = AE(ae_title="MODALITY")
    ae.add_requested_context(sop_class, syntax)
    association: Any = ae.associate(host, int(port), ae_title="GATEWAY")
    assert association.is_established
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, sop_instance
    request.DataSet = BytesIO(dataset)
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
    _, response = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    association.release()
    return int(response.Status)


async def refused(receiver, dataset: bytes, **more) -> tuple[int, str]:
    status = await asyncio.to_thread(send_raw, receiver.address, dataset, **more)
    (arrival,) = await receiver.quarantine()
    assert arrival.outcome is ArrivalOutcome.QUARANTINED
    assert receiver.parts.objects.get(arrival.object_sha256).endswith(dataset)
    assert await receiver.alarm_kinds() == ["arrival-quarantined"]
    return status, arrival.reason


async def test_a_truncated_data_set_is_answered_c000_and_kept_in_quarantine(receiver, tmp_path):
    whole = build.dataset_of(build.ct_slice())
    assert await refused(receiver, whole[:len(whole) // 2]) == (0xC000, "truncated")
    assert await next_sender_is_served(receiver, tmp_path / "next")


async def test_random_bytes_as_a_data_set_are_answered_c000_and_kept(receiver, tmp_path):
    noise = random.Random(7).randbytes(5000)
    assert await refused(receiver, noise) == (0xC000, "not-dicom")
    assert await next_sender_is_served(receiver, tmp_path / "next")


async def test_a_data_set_without_a_study_uid_is_answered_c000_and_kept(receiver):
    ds = dcmread(BytesIO(build.ct_slice(sop_instance_uid="1.2.3.4")))
    del ds.StudyInstanceUID
    out = BytesIO()
    ds.save_as(out)
    assert await refused(receiver, build.dataset_of(out.getvalue())) == (0xC000, "missing-uid")


async def test_a_data_set_of_another_class_than_the_command_says_is_answered_a900_and_kept(receiver):
    dx = build.dataset_of(build.dx_image(sop_instance_uid="1.2.3.4"))
    assert await refused(receiver, dx) == (0xA900, "sop-class-mismatch")


async def test_a_data_set_of_another_instance_than_the_command_says_is_answered_a900_and_kept(receiver):
    assert await refused(receiver, build.dataset_of(build.ct_slice())) == (0xA900, "sop-instance-mismatch")


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["1..2.3", "1.2.03", "1." + "23" * 31])
async def test_a_uid_that_breaks_the_rules_is_taken_all_the_same(receiver, uid):
    """B1: devices send them, and it is the only name that the object has."""
    ds = build.ct_slice(sop_instance_uid="1.2.3.4")
    part10 = build.with_text(ds, 0x00080018, uid.encode())
    status = await asyncio.to_thread(send_raw, receiver.address, build.dataset_of(part10), sop_instance=uid)
    assert status == 0
    found = await receiver.parts.database.read(lambda tx: tx.studies.find_instance(uid))
    assert found is not None


async def test_full_storage_refuses_the_instance_and_keeps_nothing(tmp_path):
    """B2: A700, so that the modality sends it again later."""
    async with open_receiver(tmp_path / "data", reserve_bytes=1 << 60) as receiver:
        paths = build.write_all(tmp_path / "in", [build.ct_slice()])
        assert (await dcmtk.storescu(receiver.address, paths)).statuses == [0xA700]
        assert receiver.parts.objects.names() == []
        assert await receiver.quarantine() == []
        assert await receiver.parts.database.read(lambda tx: tx.objects.total()) == (0, 0)


class DiskFillsUp:
    """An object store whose disk fills up after so many bytes: what we cannot own."""

    def __init__(self, real, after_bytes: int) -> None:
        self._real, self._left = real, after_bytes

    def begin(self):
        writer, outer = self._real.begin(), self

        class Writer:
            def write(self, data) -> None:
                outer._left -= len(data)
                if outer._left < 0:
                    raise StorageFull("the disk is full")
                writer.write(data)

            def __getattr__(self, name):
                return getattr(writer, name)

        return Writer()

    def __getattr__(self, name):
        return getattr(self._real, name)


async def test_a_disk_that_fills_up_inside_an_object_leaves_nothing_of_it(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        full = replace(receiver.parts, objects=DiskFillsUp(receiver.parts.objects, 100_000))
        scp = StorageScp(full)
        address = await scp.start()
        try:
            paths = build.write_all(tmp_path / "in", [build.ct_slice(rows=512, columns=512)])
            assert (await dcmtk.storescu(address, paths)).statuses == [0xA700]
            assert receiver.parts.objects.names() == []
            assert list((tmp_path / "data/objects/parts").iterdir()) == []
            assert (await dcmtk.echoscu(address)).is_success
        finally:
            await scp.stop()


async def test_random_bytes_on_the_port_disturb_nobody(receiver, tmp_path):
    rng = random.Random(11)
    host, port = receiver.address.split(":")
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(rng.randbytes(rng.randrange(1, 4000)))
        await writer.drain()
        writer.close()
    assert await next_sender_is_served(receiver, tmp_path / "next")


async def test_a_pdu_that_claims_four_gigabytes_takes_no_memory_and_is_cut_off(receiver, tmp_path):
    host, port = receiver.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(struct.pack(">BBL", 1, 0, 0xFFFFFFF0) + bytes(1000))
    await writer.drain()
    async with asyncio.timeout(5):
        await reader.read()                          # closed by the gateway
    writer.close()
    assert await next_sender_is_served(receiver, tmp_path / "next")


async def test_a_port_scan_leaves_no_thread_behind(receiver, tmp_path):
    host, port = receiver.address.split(":")
    for _ in range(50):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
    assert await next_sender_is_served(receiver, tmp_path / "next")
    await until(lambda: not [t for t in threading.enumerate() if t.name.startswith(("AcceptorThread", "dicom-dul"))])


async def test_a_sender_that_vanishes_inside_an_object_leaves_nothing_and_the_next_is_served(receiver, tmp_path):
    """A cable is pulled in the middle of a data set."""
    part10 = build.ct_slice(rows=512, columns=512)
    await asyncio.to_thread(_send_half_and_vanish, receiver.address, part10)
    parts_folder = tmp_path / "data/objects/parts"
    await until(lambda: list(parts_folder.iterdir()) == [])
    assert receiver.parts.objects.names() == []
    assert await next_sender_is_served(receiver, tmp_path / "next")


async def test_the_rest_of_an_association_is_served_after_an_object_that_was_refused(receiver, tmp_path):
    ids = build.StudyIds()
    whole = build.ct_slice(1, ids=ids)
    broken = bytearray(build.ct_slice(2, ids=ids))
    at = broken.rindex(b"\xe0\x7f\x10\x00OW")
    broken[at + 8:at + 12] = struct.pack("<L", 0x7FFFFFF0)
    paths = build.write_all(tmp_path / "in", [whole, bytes(broken), build.ct_slice(3, ids=ids)])
    await dcmtk.storescu(receiver.address, paths)
    assert [i.number for i in await receiver.instances(ids.study)] == [1, 3]


def _send_half_and_vanish(address: str, part10: bytes) -> None:
    ds = dcmread(BytesIO(part10))
    host, port = address.split(":")
    ae = AE(ae_title="MODALITY")
    ae.add_requested_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)
    association: Any = ae.associate(host, int(port), ae_title="GATEWAY")
    assert association.is_established
    connection, sent = association.dul.socket, []

    def cut(data: bytes) -> None:
        sent.append(len(data))
        if sum(sent) > 100_000:
            connection.socket.close()
        else:
            type(connection).send(connection, data)

    connection.send = cut
    thread = threading.Thread(target=lambda: association.send_c_store(ds), daemon=True)
    thread.start()
    thread.join(5)
