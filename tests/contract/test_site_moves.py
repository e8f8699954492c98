"""Every row that names the site of a study follows it out of the inbox, on both engines (A7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from gateway.services.ports import Parts
from gateway.settings import Settings
from storage.model import INBOX_SITE_ID, DeliveryState, ReportState, Scope
from storage.model.ecg_intake import EcgIdentity, IdentityState
from storage.objects.files import FileObjectStore
from storage.tables.schema import metadata
from tests.contract.test_arrivals_alarms_objects import arrival
from tests.contract.test_worklists_table import _delivery, _report
from tests.support.stores import START, ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

SITE = "yangchang"
NOT_OF_A_STUDY = {"site", "device", "knock", "user_grant", "api_token", "destination", "audit"}
"""Tables with a site whose rows no study has, and the audit trail, which says what was."""


@pytest.fixture
async def exam(database, tmp_path):
    """A study of the inbox with everything that can hang on one."""
    objects = FileObjectStore(tmp_path, reserve_bytes=0)
    parts = Parts(Settings(data_dir=tmp_path), database, objects, ManualClock(), RecordingEvents(), "node-a")
    exam, _ = build_exam(parts, INBOX_SITE_ID)
    report = _report(exam, 1, ReportState.FINAL)
    sent = arrival("a1", site_id=INBOX_SITE_ID, device_id=None, study_id=exam.study.id)
    also = replace(sent, id="a2", calling_ae_title="PC", address="10.0.0.6")
    stray = replace(sent, id="a3", study_id=None)

    def add(tx):
        put_exam(tx, exam)
        tx.reports.add(report)
        tx.deliveries.add(_delivery(report, DeliveryState.QUEUED))
        for one in (sent, also, stray):
            tx.arrivals.add(one)
        for ref in (exam.study.id, exam.instance.id, "a1", "a3"):
            tx.alarms.raise_alarm("look", site_id=INBOX_SITE_ID, ref=ref, detail="", at=START)

    await database.write(add)
    return exam


async def sites_of(database):
    """(table, site) of every row that has one."""
    def look(tx):
        return {(table.name, site) for table in metadata.sorted_tables if "site_id" in table.c
                for site in tx.connection.execute(sa.select(table.c.site_id)).scalars()}

    return {found for found in await database.read(look) if found[0] not in NOT_OF_A_STUDY}


async def test_callers_and_counts_are_told_apart_by_title_and_address(database, exam):
    def look(tx):
        moves = tx.site_moves
        return (moves.inbox_studies_of("DR1"), moves.inbox_studies_of("NOBODY"), moves.callers_of(exam.study.id),
                moves.stray_callers_of("DR1"), moves.stray_callers_of("PC"), moves.inbox_counts())

    dr, pc = ("DR1", "10.0.0.5"), ("PC", "10.0.0.6")
    assert await database.read(look) == ([exam.study.id], [], [dr, pc], [dr], [], {dr: 1, pc: 1})


async def test_nothing_of_a_moved_study_is_left_in_the_inbox(database, exam):
    assert {table for table, _ in await sites_of(database)} == {
        "alarm", "arrival", "delivery", "patient", "reading", "report", "study"}

    def move(tx):
        for caller, study_id in ((("DR1", "10.0.0.5"), exam.study.id), (("PC", "10.0.0.6"), exam.study.id),
                                 (("DR1", "10.0.0.5"), None)):
            tx.site_moves.move_arrivals(caller, study_id=study_id, site_id=SITE, device_id="device-9")
        tx.site_moves.move_study(exam.study.id, site_id=SITE, device_id="device-9",
                                 patient_key=exam.study.patient.id)
        tx.site_moves.move_patient(exam.study.patient.id, site_id=SITE)
        return tx.readings.replace(exam.reading)

    assert await database.write(move) is False, "who held the reading before the move must look again"
    assert {site for _, site in await sites_of(database)} == {SITE}
    study = await database.read(lambda tx: tx.studies.get(exam.study.id, Scope(frozenset({SITE}))))
    assert (study.device_id, study.patient.site_id) == ("device-9", SITE)


async def test_moving_one_study_leaves_the_others_where_they_are(database, exam):
    def move(tx):
        tx.site_moves.move_arrivals(("DR1", "10.0.0.5"), study_id="another", site_id=SITE, device_id="device-9")
        tx.site_moves.move_study("another", site_id=SITE, device_id="device-9", patient_key="nobody")

    await database.write(move)
    assert {site for _, site in await sites_of(database)} == {INBOX_SITE_ID}


@pytest.mark.parametrize("state", [IdentityState.WAITING, IdentityState.FROM_PERSON])
async def test_an_ecg_without_identity_can_be_nobodys_again_at_the_site_that_it_was_moved_to(database, exam, state):
    """A7: moving must not turn the name that somebody gave it into the one that it came with."""
    own = exam.study.patient
    nobody = own if state is IdentityState.WAITING else replace(own, id="empty", patient_id="")

    def move(tx):
        if nobody is not own:
            tx.studies.add_patient(nobody)
        tx.ecg_identities.add(EcgIdentity(exam.study.id, START, state, nobody.id))
        tx.site_moves.move_patient(own.id, site_id=SITE)
        tx.site_moves.move_study(exam.study.id, site_id=SITE, device_id=None, patient_key=own.id)
        return tx.ecg_identities.of_study(exam.study.id).former_patient_key

    assert await database.write(move) == nobody.id
    assert {site for table, site in await sites_of(database) if table == "patient"} == {SITE}
