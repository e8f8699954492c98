"""What a request for storage commitment is answered with, reason by reason, and across restarts (2.M, B5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.services.reach_second_copy import prepare_second_copy
from gateway.services.second_copy import copy_waiting
from storage.model import EVERYWHERE
from storage.model.commitments import CommitmentState
from storage.opening import open_second_copy
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.commitment_user import CommitmentUser, references_of
from tests.support.committing import (
    MISSING,
    ask,
    listen_at,
    opened,
    receiver,
    run_jobs,
    state_of,
    user,
)
from tests.support.dicom_receiver import open_receiver

__all__ = ["receiver", "user"]

pytestmark = pytest.mark.usefixtures("wire")


async def test_damaged_bytes_are_not_committed(receiver, user):
    """Reason 0110: the hash on disk is looked at, not the index."""
    sound, damaged = build.ct_slice(1), build.ct_slice(2)
    await opened(user, receiver, sound, damaged)
    uid = references_of(damaged)[0][1]
    kept = await receiver.parts.database.read(lambda tx: tx.studies.find_instance(uid))
    [path] = (receiver.parts.settings.data_dir / "objects").rglob(f"*{kept.object_sha256[4:]}*")
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    await ask(user, references_of(sound, damaged))
    await run_jobs(receiver)
    assert (user.reports[0].event_type, user.reports[0].failed) == (2, {uid: 0x0110})


async def test_a_disputed_instance_is_not_committed(receiver, user):
    """Reason 0110: other bytes came under its UID, and the device may mean those."""
    first = build.ct_slice(1)
    uid = references_of(first)[0][1]
    await opened(user, receiver, first, build.ct_slice(2, sop_instance_uid=uid))
    await ask(user, references_of(first))
    await run_jobs(receiver)
    assert user.reports[0].failed == {uid: 0x0110}


async def test_a_class_that_is_not_stored_here_is_named_as_that(receiver, user):
    """Reason 0122."""
    await opened(user, receiver)
    await ask(user, [("1.2.840.10008.3.1.2.3.3", MISSING), ("1.2.826.0.1.99", MISSING + ".1")])
    await run_jobs(receiver)
    assert user.reports[0].failed == {MISSING: 0x0122, MISSING + ".1": 0x0112}


async def test_storage_that_does_not_answer_is_waited_for_and_then_named(receiver, user):
    """Reason 0213: the objects' folder cannot be read, and may be again later."""
    data = build.ct_slice(1)
    await opened(user, receiver, data)
    uid = references_of(data)[0][1]
    kept = await receiver.parts.database.read(lambda tx: tx.studies.find_instance(uid))
    [path] = (receiver.parts.settings.data_dir / "objects").rglob(f"*{kept.object_sha256[4:]}*")
    moved = path.rename(path.with_name("moved"))
    path.mkdir()                                         # reading a folder is an error of the system
    _, transaction_uid = await ask(user, references_of(data))
    await run_jobs(receiver)
    assert await state_of(receiver, transaction_uid) is CommitmentState.WAITING
    receiver.clock.advance(receiver.parts.settings.commitment_wait_s + 1)
    await run_jobs(receiver)
    assert user.reports[0].failed == {uid: 0x0213}
    path.rmdir()
    moved.rename(path)
    _, transaction_uid = await ask(user, references_of(data))
    await run_jobs(receiver)
    assert user.reports[1].event_type == 1


async def test_a_request_waits_for_what_its_device_is_still_sending_on_another_association(receiver, user):
    here, coming = build.ct_slice(1), build.ct_slice(2)
    sender = CommitmentUser()
    await opened(sender, receiver, here)
    await opened(user, receiver)
    _, uid = await ask(user, references_of(here, coming))
    await run_jobs(receiver)
    assert await state_of(receiver, uid) is CommitmentState.WAITING
    assert await asyncio.to_thread(sender.store, coming) == [0]
    receiver.clock.advance(1)
    await run_jobs(receiver)
    assert user.reports[0].event_type == 1
    await asyncio.to_thread(sender.release)


@pytest.mark.parametrize(("references", "more", "status"), [
    ([], {}, 0x0115), ([("", MISSING)], {}, 0x0115), ([(build.CT, "not a uid!")], {}, 0x0115),
    ([(build.CT, MISSING)], {"action": 2}, 0x0123), ([(build.CT, MISSING)], {"instance": "1.2.3"}, 0x0112),
])
async def test_a_request_that_cannot_be_understood_is_refused(receiver, user, references, more, status):
    await opened(user, receiver)
    assert (await ask(user, references, **more))[0] == status
    assert await receiver.parts.database.read(lambda tx: tx.commitments.recent(EVERYWHERE)) == []


async def test_a_request_survives_a_restart_and_is_reported_by_the_next_process(tmp_path, user):
    data = build.ct_slice(1)
    with user.listening() as port:
        async with open_receiver(tmp_path / "data") as receiver:
            await listen_at(receiver, port)
            await opened(user, receiver, data)
            status, uid = await ask(user, references_of(data))
            assert status == 0
            await asyncio.to_thread(user.release)
        assert user.reports == []
        async with open_receiver(tmp_path / "data", is_empty=False) as receiver:
            await run_jobs(receiver)
            assert [r.event_type for r in user.reports] == [1]
            assert await state_of(receiver, uid) is CommitmentState.REPORTED


async def test_a_report_that_nobody_takes_for_days_is_given_to_a_person(receiver, user):
    data = build.ct_slice(1)
    await opened(user, receiver, data)
    _, uid = await ask(user, references_of(data))
    await asyncio.to_thread(user.release)
    await run_jobs(receiver)
    receiver.clock.advance(receiver.parts.settings.commitment_days * 86400)
    await run_jobs(receiver)
    assert await state_of(receiver, uid) is CommitmentState.GIVEN_UP
    assert "commitment-given-up" in await receiver.alarm_kinds()


async def test_dcmtk_can_still_echo_and_store_beside_the_service(receiver, tmp_path):
    assert (await dcmtk.echoscu(receiver.address)).is_success
    paths = build.write_all(tmp_path / "in", [build.ct_slice(1)])
    assert (await dcmtk.storescu(receiver.address, paths)).statuses == [0]


async def test_where_a_second_copy_is_set_up_only_what_is_there_too_is_committed(receiver, user, tmp_path):
    """B5: on two independent media. Waits for the copy, and names 0213 if it does not come."""
    receiver.parts = replace(receiver.parts, second_copy=open_second_copy(
        data_dir=receiver.parts.settings.data_dir, folder=str(tmp_path / "second")))
    await prepare_second_copy(receiver.parts)
    first, second = build.ct_slice(1), build.ct_slice(2)
    await opened(user, receiver, first)
    _, uid = await ask(user, references_of(first))
    await run_jobs(receiver)
    assert await state_of(receiver, uid) is CommitmentState.WAITING
    assert await copy_waiting(receiver.parts) == 1
    receiver.clock.advance(6)
    await run_jobs(receiver)
    assert user.reports[0].event_type == 1
    assert await asyncio.to_thread(user.store, second) == [0]
    await ask(user, references_of(second))
    await run_jobs(receiver)
    receiver.clock.advance(receiver.parts.settings.commitment_wait_s + 1)
    await run_jobs(receiver)
    assert user.reports[1].failed == {references_of(second)[0][1]: 0x0213}
