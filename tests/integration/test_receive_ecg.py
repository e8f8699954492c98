"""An ECG file becomes a study with exact samples, whichever door it comes through (B4, B8)."""

from __future__ import annotations

import hashlib

import pytest

from gateway.core.errors import NotFound, Unreadable
from gateway.services.queue_examination import ROUTE_WITHIN
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from gateway.services.show_ecg import EcgShelf
from storage.model import EVERYWHERE, ArrivalOutcome, ArrivalVia, CompleteBy, Confidence, Scope, StudyState
from tests.support.ecg_builders import (
    RECORDED_AT,
    aecg,
    aecg_measurement,
    dicom_ecg,
    known_samples,
    sha256_nanovolts,
    wfdb_zip,
)

YANGCHANG = Sender(site_id="yangchang", device=None, via=ArrivalVia.ECG_UPLOAD, actor="token:1")
MACHANG = Sender(site_id="machang", device=None, via=ArrivalVia.ECG_UPLOAD, actor="token:2")


async def study_of(parts, received):
    return await parts.database.read(lambda tx: tx.studies.get(received.study_id, EVERYWHERE))


async def arrivals(parts):
    return await parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))


async def actions(parts):
    return [c.entry.action for c in await parts.database.read(lambda tx: list(tx.audit.walk()))]


async def test_one_file_is_a_complete_study_that_waits_to_be_routed(parts, events):
    data = aecg(annotations=aecg_measurement("MDC_ECG_HEART_RATE", 72, "bpm"), statements=("窦性心律",))
    received = await receive_ecg(parts, data, YANGCHANG, file_name="a.xml")
    assert received.outcome is ArrivalOutcome.KEPT
    study = await study_of(parts, received)
    assert (study.modality, study.state, study.complete_by) == ("ECG", StudyState.COMPLETE, CompleteBy.SINGLE_FILE)
    assert (study.patient.name.display, study.patient.patient_id, study.patient.sex) == ("演示甲", "P1", "M")
    assert study.study_at == RECORDED_AT
    assert study.age_years == pytest.approx(65.9, abs=0.1)
    assert (study.instance_count, study.expected_count) == (1, 1)
    facts = await parts.database.read(lambda tx: tx.studies.ecg_of(received.instance_id))
    assert facts.measurements == {"heart_rate_bpm": 72}
    assert facts.statements == ("窦性心律",)
    assert facts.interval_us == 2000
    now = parts.clock()
    jobs = await parts.database.write(lambda tx: tx.jobs.claim("t", now=now, lease_until=now, limit=9))
    assert [(job.kind, job.ref) for job in jobs] == [("examine_ecg", received.instance_id)]
    later = now + ROUTE_WITHIN               # the study is routed once it is examined, and by then in any case
    jobs = await parts.database.write(lambda tx: tx.jobs.claim("t", now=later, lease_until=later, limit=9))
    assert ("route_study", received.study_id) in [(job.kind, job.ref) for job in jobs]
    assert events.kinds() == ["arrival", "study"]
    assert events.job_wakes == 1
    assert await actions(parts) == ["ecg.received", "study.completed"]


@pytest.mark.parametrize("data", [aecg(), dicom_ecg(), wfdb_zip()], ids=["aecg", "dicom", "wfdb"])
async def test_the_bytes_are_kept_as_they_came_and_the_samples_are_exact(parts, data):
    received = await receive_ecg(parts, data, YANGCHANG)
    assert received.sha256 == hashlib.sha256(data).hexdigest()
    assert parts.objects.get(received.sha256) == data
    shelf = EcgShelf(parts)
    shown = await shelf.show(EVERYWHERE, received.instance_id)
    expected = known_samples()
    assert {lead.name: lead.sha256_nanovolts() for lead in shown.record.leads} == {
        name: sha256_nanovolts(samples, 2500) for name, samples in expected.items()}
    samples = await shelf.samples(EVERYWHERE, received.instance_id)
    assert samples == b"".join((v * 2500).astype("<i4").tobytes() for v in expected.values())


async def test_the_same_file_again_is_a_duplicate_and_nothing_is_stored_twice(parts):
    first = await receive_ecg(parts, aecg(), YANGCHANG)
    again = await receive_ecg(parts, aecg(), YANGCHANG)
    assert again.outcome is ArrivalOutcome.DUPLICATE
    assert (again.study_id, again.instance_id) == (first.study_id, first.instance_id)
    assert (await study_of(parts, first)).instance_count == 1


async def test_the_same_file_from_another_site_is_that_sites_own_study(parts):
    """A sender must never be handed the study of another site (J2)."""
    first = await receive_ecg(parts, aecg(), YANGCHANG)
    other = await receive_ecg(parts, aecg(), MACHANG)
    assert other.outcome is ArrivalOutcome.KEPT
    assert other.study_id != first.study_id
    with pytest.raises(NotFound):
        await EcgShelf(parts).show(Scope(frozenset({"machang"})), first.instance_id)


async def test_the_same_person_at_the_same_site_is_one_patient(parts):
    first = await receive_ecg(parts, aecg(head="20260302083000"), YANGCHANG)
    second = await receive_ecg(parts, aecg(head="20260302090000"), YANGCHANG)
    assert (await study_of(parts, first)).patient.id == (await study_of(parts, second)).patient.id


async def test_patient_id_alone_never_joins_two_people(parts):
    """A7: clinics count their patients from 1."""
    first = await receive_ecg(parts, aecg(patient_id="1", name="演示甲", birth="19600405"), YANGCHANG)
    second = await receive_ecg(parts, aecg(patient_id="1", name="演示乙", birth="19910101"), YANGCHANG)
    nameless = await receive_ecg(parts, aecg(patient_id="1", name="", birth=""), YANGCHANG)
    third = await receive_ecg(parts, aecg(patient_id="1", name="", birth="", head="20260302101010"), YANGCHANG)
    people = {(await study_of(parts, r)).patient.id for r in (first, second, nameless, third)}
    assert len(people) == 4


async def test_a_guessed_name_is_marked(parts):
    """C4: GBK bytes under a UTF-8 label."""
    received = await receive_ecg(parts, aecg(name="王小明", encoding="gbk", declared="UTF-8"), YANGCHANG)
    name = (await study_of(parts, received)).patient.name
    assert (name.display, name.confidence, name.encoding) == ("王小明", Confidence.GUESSED, "gb18030")
    assert bytes.fromhex(name.raw_hex).decode("gb18030") == "王小明"


async def test_what_cannot_be_decoded_is_kept_and_the_sender_is_told_why(parts):
    data = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><AnnotatedECG>&b;</AnnotatedECG>'
    with pytest.raises(Unreadable) as refusal:
        await receive_ecg(parts, data, YANGCHANG, file_name="bomb.xml")
    assert refusal.value.reason == "aecg-entity"
    (kept,) = await arrivals(parts)
    assert (kept.outcome, kept.reason, kept.file_name) == (ArrivalOutcome.QUARANTINED, "aecg-entity", "bomb.xml")
    assert parts.objects.get(kept.object_sha256) == data
    assert (await receive_ecg(parts, aecg(), YANGCHANG)).outcome is ArrivalOutcome.KEPT      # the next is served


async def test_nothing_is_said_to_be_nothing_and_noted(parts):
    with pytest.raises(Unreadable) as refusal:
        await receive_ecg(parts, b"", YANGCHANG, file_name="empty.xml")
    assert refusal.value.reason == "empty"
    (entry,) = await parts.database.read(lambda tx: list(tx.audit.walk()))
    assert (entry.entry.action, entry.entry.is_success, entry.entry.detail["reason"]) == ("ecg.received", False,
                                                                                         "empty")


async def test_a_decoded_ecg_stays_on_the_shelf_for_a_while(parts):
    first, second = [await receive_ecg(parts, data, YANGCHANG) for data in (aecg(), wfdb_zip())]
    shelf = EcgShelf(parts, places=1)
    shown = await shelf.show(EVERYWHERE, first.instance_id)
    assert (await shelf.show(EVERYWHERE, first.instance_id)).record is shown.record
    await shelf.show(EVERYWHERE, second.instance_id)
    assert (await shelf.show(EVERYWHERE, first.instance_id)).record is not shown.record


async def test_long_recordings_leave_the_shelf_early(parts, monkeypatch):
    """The shelf is bounded in bytes too: a few long recordings would fill the memory."""
    first, second = [await receive_ecg(parts, data, YANGCHANG) for data in (aecg(), wfdb_zip())]
    shelf = EcgShelf(parts)
    shown = await shelf.show(EVERYWHERE, first.instance_id)
    assert (await shelf.show(EVERYWHERE, first.instance_id)).record is shown.record
    monkeypatch.setattr("gateway.services.show_ecg.SHELF_BYTES", 1)
    kept = await shelf.show(EVERYWHERE, second.instance_id)
    assert (await shelf.show(EVERYWHERE, second.instance_id)).record is kept.record, "the last one stays"
    assert (await shelf.show(EVERYWHERE, first.instance_id)).record is not shown.record
