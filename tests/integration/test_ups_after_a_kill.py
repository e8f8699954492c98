"""The shipped program: a study becomes a workitem, and who follows it is told what happened across a kill -9 (D5)."""

from __future__ import annotations

import asyncio
from io import BytesIO

from pydicom import dcmread
from pynetdicom import AE

from tests.support import dicom_builders as build
from tests.support.running_gateway import RunningGateway
from tests.support.ups_peer import GLOBAL, PULL, WATCH, UpsPeer
from tests.support.waiting import until

LOCK = "1.2.826.0.1.999"


def store(gateway: RunningGateway, film: bytes) -> None:
    ae = AE(ae_title="MODALITY")
    ae.add_requested_context(build.DX, "1.2.840.10008.1.2.1")
    association = ae.associate(gateway.host, gateway.port, ae_title="GATEWAY")
    assert association.is_established
    assert int(association.send_c_store(dcmread(BytesIO(film))).Status) == 0
    association.release()


async def test_what_a_watcher_missed_is_told_after_the_gateway_was_killed(tmp_path):
    listener = UpsPeer("VIEWER")
    gateway = RunningGateway(tmp_path / "var", {"READING_GATEWAY_QUIET_PERIOD_S": "0.5"})
    with listener.listening() as port:
        await asyncio.to_thread(gateway.start)
        gateway.command("site", "add", "centre", "--name", "演示中心", "--kind", "centre")
        for title, more in (("MODALITY", ()), ("READER", ()), ("VIEWER", ("--address", "127.0.0.1", "--port",
                                                                         str(port)))):
            gateway.command("device", "add", title, "--site", "centre", "--name", f"演示{title}", *more)
        reader = UpsPeer("READER")
        await asyncio.to_thread(reader.associate, f"{gateway.host}:{gateway.port}", WATCH, PULL)
        assert await reader.act(3, GLOBAL, WATCH, ReceivingAE="VIEWER", DeletionLock="FALSE") == 0x0000
        await asyncio.to_thread(store, gateway, build.dx_image())
        await until(lambda: [one.state for one in listener.told] == ["SCHEDULED"], timeout_s=30)
    uid = listener.told[0].uid
    assert await reader.state(uid, "IN PROGRESS", LOCK) == 0x0000      # nobody listens now
    gateway.kill()
    try:
        with listener.listening(port):
            await asyncio.to_thread(gateway.start)
            await until(lambda: [one.kind for one in listener.told] == [1, 1, 4], timeout_s=60)
            assert listener.told[1].state == "IN PROGRESS", "what came first is told first"
            assert listener.told[2].information.SCPStatus == "RESTARTED"
            reader = UpsPeer("READER")
            await asyncio.to_thread(reader.associate, f"{gateway.host}:{gateway.port}", PULL)
            assert await reader.state(uid, "IN PROGRESS", LOCK) == 0xC302, "the lock is still its own"
            assert await reader.state(uid, "CANCELED", LOCK) == 0x0000
            await until(lambda: [one.state for one in listener.told][-2:] == ["CANCELED", "SCHEDULED"], timeout_s=30)
            reader.release()
    finally:
        gateway.stop()
