"""Many senders at once: every object is there afterwards, byte for byte, and one that stalls holds up nobody."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydicom.uid import generate_uid

from storage.model import EVERYWHERE
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import Receiver, open_receiver
from tests.support.raw_association import RawAssociation, store_command, store_message

pytestmark = pytest.mark.usefixtures("wire")

EXPLICIT = build.SYNTAXES["explicit"]
SENDERS, EACH, STALLED = 40, 6, 5


class Outgoing:
    """An object, its message, and the hash of its data set."""

    def __init__(self, ids: build.StudyIds, number: int) -> None:
        self.sop_instance_uid = generate_uid()
        dataset = build.dataset_of(build.ct_slice(number, ids=ids, rows=32 + number % 7, columns=64,
                                                  sop_instance_uid=self.sop_instance_uid))
        self.message = store_message(store_command(build.CT, self.sop_instance_uid), dataset)
        self.digest = hashlib.sha256(dataset).hexdigest()


async def kept_digests(receiver: Receiver, study_instance_uids: list[str]) -> dict[str, str]:
    kept = {}
    for uid in study_instance_uids:
        for instance in await receiver.instances(uid):
            data = build.dataset_of(await receiver.kept_bytes(instance))
            kept[instance.sop_instance_uid] = hashlib.sha256(data).hexdigest()
    return kept


async def test_forty_senders_at_once_lose_nothing_while_others_stall(tmp_path):
    async with open_receiver(tmp_path / "data", max_device_associations=SENDERS + STALLED) as receiver:
        studies = [build.StudyIds() for _ in range(8)]            # five senders share a study
        work = [[Outgoing(studies[sender % 8], sender * EACH + n) for n in range(EACH)] for sender in range(SENDERS)]
        stuck = [Outgoing(build.StudyIds(), n) for n in range(STALLED)]
        all_done, all_stuck = threading.Event(), threading.Barrier(STALLED + 1)

        def stall(one: Outgoing) -> int:
            """Half an object, then nothing until all the others were answered, then the rest."""
            with RawAssociation(receiver.address, [(build.CT, EXPLICIT)]) as peer:
                half = len(one.message) // 2
                peer.send(one.message[:half])
                all_stuck.wait(30)
                assert all_done.wait(120)
                peer.send(one.message[half:])
                return peer.read_status()

        def send(mine: list[Outgoing]) -> list[int]:
            with RawAssociation(receiver.address, [(build.CT, EXPLICIT)], timeout_s=60.0) as peer:
                statuses = []
                for one in mine:
                    peer.send(one.message)
                    statuses.append(peer.read_status())
                peer.release()
                return statuses

        def run() -> tuple[list[list[int]], list[int]]:
            with ThreadPoolExecutor(SENDERS + STALLED) as pool:
                stalled = [pool.submit(stall, one) for one in stuck]
                all_stuck.wait(30)
                try:
                    answered = list(pool.map(send, work))
                finally:
                    all_done.set()
                return answered, [one.result() for one in stalled]

        answered, late = await asyncio.to_thread(run)
        assert answered == [[0] * EACH] * SENDERS
        assert late == [0] * STALLED
        sent = {one.sop_instance_uid: one.digest for mine in [*work] for one in mine}
        assert await kept_digests(receiver, [ids.study for ids in studies]) == sent
        counts = [study.instance_count for ids in studies
                  if (study := await receiver.study(ids.study)) is not None]
        assert counts == [SENDERS * EACH // 8] * 8
        faults = await receiver.parts.database.read(lambda tx: list(tx.objects.unnamed()))
        assert faults == []
        assert await receiver.alarm_kinds() == []
        assert len(await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE, 10_000))) >= len(sent)
