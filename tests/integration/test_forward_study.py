"""A study goes on, whole and once, to the destinations that rules name (D1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom import dcmread

from gateway.delivery.study_forwarding import forward_channels
from gateway.services import complete_study, forward_study, route_study
from gateway.services.job_runner import JobRunner
from storage.model import EVERYWHERE, Destination, DestinationKind
from storage.model.forwards import ForwardState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import SITE, open_receiver
from tests.support.peers import free_ports
from tests.support.receiving_nodes import orthanc, rejecting_node, storescp
from tests.support.waiting import until

RULES = """\
format: 1
title: 转发
groups: {imaging: {name: 影像}}
fallback: {group: imaging}
rules:
  - name: CT 送上级中心
    when: ['study.modality == "CT"']
    then: {group: imaging, forwards: [city]}
"""


class Sending:
    """A receiving gateway whose rules send CT on, and its jobs."""

    def __init__(self, receiver, folder):
        self.receiver, self.parts, self.folder = receiver, receiver.parts, folder
        channels = forward_channels(replace(self.parts.settings, network_timeout_s=5.0))
        handlers = {**complete_study.HANDLERS, **route_study.HANDLERS,
                    **forward_study.handlers(channels, jitter=lambda: 0.5)}
        self.runner = JobRunner(self.parts, handlers, only=frozenset(handlers), workers=1)
        self.rounds = 0

    async def to(self, kind, port, **more):
        node = Destination("city", SITE.id, kind, "演示市中心", "CLINIC", "127.0.0.1", port, **more)
        await self.parts.database.write(lambda tx: tx.sites.add_destination(node))
        await self.parts.database.write(
            lambda tx: tx.decisions.add_rule_set(RULES, by="test", at=self.parts.clock()))

    async def receive(self, ids, *numbers):
        """Take these slices over the port, and run what is due once the study is complete."""
        self.rounds += 1
        files = build.write_all(self.folder / f"in-{self.rounds}", [build.ct_slice(n, ids=ids) for n in numbers])
        assert (await dcmtk.storescu(self.receiver.address, files)).is_success
        study = await self.receiver.study(ids.study)
        await until(lambda: not self.receiver.scp.is_sending(study.id))
        self.receiver.clock.advance(self.parts.settings.quiet_period_s)
        await self.runner.run_due()
        return study

    async def forward(self, study):
        [found] = await self.parts.database.read(lambda tx: tx.forwards.of_study(study.id, EVERYWHERE))
        return found

    async def story(self, study):
        entries = await self.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
        return [e.entry for e in entries if e.entry.action.startswith("study.forward")]


@pytest.fixture
async def sending(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        yield Sending(receiver, tmp_path)


async def test_a_study_that_a_rule_sends_on_arrives_whole_and_its_late_slice_alone_follows(sending, tmp_path):
    ids = build.StudyIds()
    with storescp(tmp_path / "node") as node:
        await sending.to(DestinationKind.DICOM, node.port)
        study = await sending.receive(ids, 1, 2, 3)
        forward = await sending.forward(study)
        assert (forward.state, len(forward.kept_uids), forward.attempts) == (ForwardState.SENT, 3, 1)
        assert {dcmread(path).SOPInstanceUID for path in node.files()} == set(forward.kept_uids)
        for path in node.files():
            path.unlink()                # what comes from now on was not there before
        await sending.receive(ids, 4)    # reopens the study
        again = await sending.forward(study)
        assert (again.id, again.state, len(again.kept_uids)) == (forward.id, ForwardState.SENT, 4)
        [late] = node.files()
        assert dcmread(late).SOPInstanceUID not in forward.kept_uids
        await route_study.route_study(sending.parts, study.id)       # routed once more, nothing new
        await sending.runner.run_due()
        assert len(node.files()) == 1
    assert [(entry.action, entry.detail["instances"]) for entry in await sending.story(study)] == [
        ("study.forwarded", 3), ("study.forwarded", 1)]
    assert {entry.detail["destination"] for entry in await sending.story(study)} == {"city"}


async def test_a_node_that_is_down_gets_the_study_when_it_is_back(sending, tmp_path):
    [port] = free_ports(1)
    await sending.to(DestinationKind.DICOM, port)
    study = await sending.receive(build.StudyIds(), 1, 2)
    waiting = await sending.forward(study)
    assert (waiting.state, waiting.attempts) == (ForwardState.WAITING, 1)
    assert "连不上" in waiting.last_error
    assert waiting.next_attempt_at > sending.receiver.clock()
    with storescp(tmp_path / "node", port=port) as node:
        sending.receiver.clock.advance(60)
        await sending.runner.run_due()
        assert len(node.files()) == 2
    assert (await sending.forward(study)).state is ForwardState.SENT


async def test_a_node_that_says_no_is_not_asked_again_and_somebody_is_told(sending):
    with rejecting_node(1, 1, 3) as port:        # permanent: calling AE title not recognised
        await sending.to(DestinationKind.DICOM, port)
        study = await sending.receive(build.StudyIds(), 1)
    refused = await sending.forward(study)
    assert (refused.state, refused.next_attempt_at) == (ForwardState.REFUSED, None)
    assert "forward-refused" in await sending.receiver.alarm_kinds()
    assert [entry.is_success for entry in await sending.story(study)] == [False]


async def test_a_node_that_stays_away_is_given_up_after_days(sending):
    await sending.to(DestinationKind.DICOM, free_ports(1)[0])
    study = await sending.receive(build.StudyIds(), 1)
    sending.receiver.clock.advance(sending.parts.settings.delivery_days * 86_400 + 1)
    await sending.runner.run_due()
    assert (await sending.forward(study)).state is ForwardState.REFUSED
    assert "forward-given-up" in await sending.receiver.alarm_kinds()


async def test_an_orthanc_gets_the_files_as_they_were_received(sending, tmp_path):
    with orthanc(tmp_path / "orthanc") as node:
        await sending.to(DestinationKind.ORTHANC, node.port)
        study = await sending.receive(build.StudyIds(), 1, 2)
        assert (await sending.forward(study)).state is ForwardState.SENT
        assert len(node.get("/instances")) == 2


@pytest.mark.parametrize(("kind", "enabled", "state"), [
    (DestinationKind.PULL, True, ForwardState.REFUSED), (DestinationKind.DICOM, False, ForwardState.WAITING)])
async def test_a_destination_that_takes_no_images_or_is_switched_off_says_so(sending, kind, enabled, state):
    await sending.to(kind, 1, is_enabled=enabled)
    forward = await sending.forward(await sending.receive(build.StudyIds(), 1))
    assert forward.state is state
    assert forward.last_error


async def test_a_rule_that_names_a_destination_that_is_gone_is_told(sending):
    await sending.parts.database.write(
        lambda tx: tx.decisions.add_rule_set(RULES, by="test", at=sending.parts.clock()))
    forward = await sending.forward(await sending.receive(build.StudyIds(), 1))
    assert (forward.state, "不存在" in forward.last_error) == (ForwardState.REFUSED, True)
