"""Storage commitment as the provider, over the real port with pynetdicom's user on the other side (2.M, B5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from storage.model import EVERYWHERE, Device
from storage.model.commitments import CommitmentState
from tests.support import dicom_builders as build
from tests.support.commitment_user import CommitmentUser, references_of
from tests.support.committing import (
    MISSING,
    ask,
    has_reports,
    listen_at,
    opened,
    receiver,
    run_jobs,
    run_until_told,
    state_of,
    transaction,
    user,
)
from tests.support.dicom_receiver import MODALITY, OTHER_SITE
from tests.support.peers import free_ports
from tests.support.waiting import until

__all__ = ["receiver", "user"]

pytestmark = pytest.mark.usefixtures("wire")


async def test_the_report_lists_the_complete_set_with_a_reason_for_each_failure(receiver, user):
    """3 good, 1 missing, 1 of the wrong class: the row of 2.M."""
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids) for n in (1, 2, 3, 4)]
    await opened(user, receiver, *files)
    good, fourth = references_of(*files[:3]), references_of(files[3])[0][1]
    status, uid = await ask(user, [*good, (build.CT, MISSING), (build.DX, fourth)])
    assert status == 0x0000
    await run_jobs(receiver)
    [report] = user.reports
    assert (report.event_type, report.information.TransactionUID, report.is_on_own_association) == (2, uid, True)
    assert report.committed == {instance for _, instance in good}
    assert report.failed == {MISSING: 0x0112, fourth: 0x0119}
    classes = {i.ReferencedSOPInstanceUID: i.ReferencedSOPClassUID
               for i in [*report.information.ReferencedSOPSequence, *report.information.FailedSOPSequence]}
    assert classes == dict((i, c) for c, i in [*good, (build.CT, MISSING), (build.DX, fourth)])
    assert await state_of(receiver, uid) is CommitmentState.REPORTED
    assert "commitment-failed" in await receiver.alarm_kinds()


async def test_all_committed_is_event_type_one(receiver, user):
    files = [build.ct_slice(n) for n in (1, 2)]
    await opened(user, receiver, *files)
    _, uid = await ask(user, references_of(*files))
    await run_jobs(receiver)
    [report] = user.reports
    assert (report.event_type, report.failed, "FailedSOPSequence" in report.information) == (1, {}, False)
    assert report.committed == {instance for _, instance in references_of(*files)}
    assert report.information.RetrieveAETitle == "GATEWAY"
    trail = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    found = [(t.entry.action, t.entry.is_success) for t in trail if t.entry.detail.get("transaction_uid") == uid]
    assert sorted(found) == [("commitment.judged", True), ("commitment.reported", True),
                             ("commitment.requested", True)]


async def test_nothing_is_reported_before_the_request_is_answered(receiver, user):
    """The job may be faster than the answer; 20 requests, each answered before it is reported."""
    data = build.ct_slice(1)
    await opened(user, receiver, data)
    stop = asyncio.Event()

    async def run_until_stopped():
        while not stop.is_set():
            await run_jobs(receiver)
            await asyncio.sleep(0)

    running = asyncio.create_task(run_until_stopped())
    user.received.clear()
    for number in range(1, 21):
        status, _ = await ask(user, references_of(data))
        assert status == 0
        await until(partial(has_reports, user, number))
    stop.set()
    await running
    assert user.received == ["N_ACTION_RSP", "N_EVENT_REPORT_RQ"] * 20


async def test_objects_and_echoes_sent_while_a_report_is_on_its_way_are_all_answered(receiver, user):
    """A report must not swallow what the peer sends next, on neither path of the data."""
    first, *others = [build.ct_slice(n) for n in range(1, 30)]
    await opened(user, receiver, first)
    await ask(user, references_of(first))
    running = asyncio.create_task(run_jobs(receiver))
    assert set(await asyncio.to_thread(user.store, *others)) == {0}
    await running
    assert len(user.reports) == 1
    for _, uid in references_of(*others):
        assert await receiver.parts.database.read(lambda tx, uid=uid: tx.studies.find_instance(uid)) is not None


async def test_a_device_that_released_gets_the_report_on_an_association_of_ours(receiver, user):
    data = build.ct_slice(1)
    with user.listening() as port:
        await listen_at(receiver, port)
        await opened(user, receiver, data)
        _, uid = await ask(user, references_of(data))
        await asyncio.to_thread(user.release)
        await run_jobs(receiver)
        [report] = user.reports
        assert (report.is_on_own_association, report.peer_proposed_scp, report.event_type) == (False, True, 1)
        assert await state_of(receiver, uid) is CommitmentState.REPORTED


async def test_a_closed_port_is_tried_again_until_it_is_open(receiver, user):
    data = build.ct_slice(1)
    [port] = free_ports(1)
    await listen_at(receiver, port)
    await opened(user, receiver, data)
    _, uid = await ask(user, references_of(data))
    await asyncio.to_thread(user.release)
    await run_jobs(receiver)
    waiting = await transaction(receiver, uid)
    assert (waiting.state, waiting.attempts, user.reports) == (CommitmentState.JUDGED, 1, [])
    assert f"127.0.0.1:{port}" in waiting.last_error
    assert waiting.next_attempt_at > receiver.clock()
    await run_jobs(receiver)                             # not due yet
    assert (await transaction(receiver, uid)).attempts == 1
    with user.listening(port):
        receiver.clock.advance(20)
        await run_jobs(receiver)
    assert [r.event_type for r in user.reports] == [1]
    assert await state_of(receiver, uid) is CommitmentState.REPORTED


async def test_a_device_that_answers_0110_is_told_again(receiver, user):
    data = build.ct_slice(1)
    user.statuses = [0x0110]
    with user.listening() as port:
        await listen_at(receiver, port)
        await opened(user, receiver, data)
        _, uid = await ask(user, references_of(data))
        await run_jobs(receiver)
        waiting = await transaction(receiver, uid)
        assert (waiting.state, "0110" in waiting.last_error) == (CommitmentState.JUDGED, True)
        receiver.clock.advance(20)
        await run_jobs(receiver)
    assert [r.event_type for r in user.reports] == [1, 1]
    assert await state_of(receiver, uid) is CommitmentState.REPORTED


async def test_a_transaction_uid_that_comes_again_is_refused_as_a_duplicate(receiver, user):
    """Replay: 0115, whatever it asks for now, also after the report; never a second transaction."""
    first, second = build.ct_slice(1), build.ct_slice(2)
    await opened(user, receiver, first, second)
    _, uid = await ask(user, references_of(first))
    assert (await ask(user, references_of(first), transaction_uid=uid))[0] == 0x0115
    await run_jobs(receiver)
    assert (await ask(user, references_of(second), transaction_uid=uid))[0] == 0x0115
    await run_jobs(receiver)
    assert [r.committed for r in user.reports] == [{references_of(first)[0][1]}]
    assert len(await receiver.parts.database.read(lambda tx: tx.commitments.recent(EVERYWHERE))) == 1


async def test_a_device_that_only_calls_gets_the_report_when_it_calls_next(receiver, user):
    data = build.ct_slice(1)
    await opened(user, receiver, data)
    _, uid = await ask(user, references_of(data))
    await asyncio.to_thread(user.release)
    await run_jobs(receiver)
    assert (await transaction(receiver, uid)).last_error == "设备没有登记接收端口，等它下次连接时告知。"
    await asyncio.to_thread(user.associate, receiver.address, with_storage=False)
    await run_until_told(receiver, user)                 # due at once, because it called
    assert [(r.event_type, r.is_on_own_association) for r in user.reports] == [(1, True)]
    assert await state_of(receiver, uid) is CommitmentState.REPORTED


async def test_a_device_learns_nothing_of_another_sites_instances(receiver, user):
    await receiver.add_device(Device("dr-2", OTHER_SITE.id, "DR 2", "ELSEWHERE", None, "CT"))
    data = build.ct_slice(1)
    stranger = CommitmentUser("ELSEWHERE")
    await opened(stranger, receiver, data)
    await opened(user, receiver)
    await ask(user, references_of(data))
    await run_jobs(receiver)
    assert user.reports[0].failed == {references_of(data)[0][1]: 0x0112}
    await ask(stranger, references_of(data))
    await run_jobs(receiver)
    assert stranger.reports[0].event_type == 1
    await asyncio.to_thread(stranger.release)


async def test_a_device_of_the_same_title_at_another_site_gets_no_report_that_is_not_its_own(receiver, user):
    """AE titles are not unique in an alliance: what tells devices apart is their address, here 127.0.0.2."""
    await receiver.parts.database.write(lambda tx: tx.sites.update_device(replace(MODALITY, address="127.0.0.1")))
    await receiver.add_device(Device("ct-9", OTHER_SITE.id, "CT 9", "MODALITY", "127.0.0.2", "CT"))
    data, other = build.ct_slice(1), CommitmentUser()
    await opened(user, receiver, data)
    _, uid = await ask(user, references_of(data))
    await asyncio.to_thread(user.release)
    await asyncio.to_thread(lambda: other.associate(receiver.address, bind_address="127.0.0.2"))
    await run_jobs(receiver)
    receiver.clock.advance(60)
    await run_jobs(receiver)
    assert other.reports == []
    assert await state_of(receiver, uid) is CommitmentState.JUDGED
    await asyncio.to_thread(user.associate, receiver.address)
    await run_until_told(receiver, user)
    assert [r.event_type for r in user.reports] == [1]
    assert other.reports == []
    await asyncio.to_thread(other.release)
