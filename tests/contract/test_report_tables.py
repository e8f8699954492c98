"""Reports and deliveries on both engines: versions, optimistic saves, scope (F5, G5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage.model import EVERYWHERE, Delivery, DeliveryState, DestinationKind, ReportState, Scope
from tests.support.report_builders import MADE_AT, SITE, a_report, a_study

HERE, ELSEWHERE = Scope(frozenset({SITE.id})), Scope(frozenset({"elsewhere"}))
NOWHERE = Scope(frozenset())


def a_delivery(**more):
    values: dict[str, Any] = {
              "id": "d1", "report_id": "report-1", "study_id": "study-1", "site_id": SITE.id, "destination_id": "x",
              "kind": DestinationKind.DICOM, "state": DeliveryState.QUEUED, "attempts": 0, "queued_at": MADE_AT,
              "next_attempt_at": MADE_AT, "sent_at": None, "accepted_at": None, "opened_at": None,
              "acknowledged_at": None, "acknowledged_by": None, "last_error": ""}
    return Delivery(**(values | more))


@pytest.fixture
async def report(database):
    report = a_report(a_study())
    await database.write(lambda tx: tx.reports.add(report))
    return report


async def test_a_version_comes_back_as_it_went_in(database, report):
    full = replace(report, id="report-2", version=2, state=ReportState.FINAL, written_at=MADE_AT, reviewer_id="r",
                   signed_by="r", signed_at=MADE_AT + timedelta(seconds=1), text_sha256="a", pdf_sha256="b",
                   dicom_sha256="c", sop_instance_uid="2.25.1", text=replace(report.text, is_positive=True))
    await database.write(lambda tx: tx.reports.add(full))
    assert await database.read(lambda tx: tx.reports.get("report-1", HERE)) == report
    assert await database.read(lambda tx: tx.reports.get("report-2", HERE)) == full
    assert await database.read(lambda tx: tx.reports.latest(report.reading_id, HERE)) == full
    assert await database.read(lambda tx: tx.reports.latest_signed(report.study_id, HERE)) == full
    assert await database.read(lambda tx: tx.reports.versions(report.reading_id, HERE)) == [report, full]


async def test_a_draft_is_replaced_only_by_who_saw_its_revision(database, report):
    first = replace(report, text=replace(report.text, findings="甲"))
    assert await database.write(lambda tx: tx.reports.replace(first))
    assert not await database.write(lambda tx: tx.reports.replace(replace(first, template_id="T2")))
    kept = await database.read(lambda tx: tx.reports.get(report.id, EVERYWHERE))
    assert kept == replace(first, revision=report.revision + 1)


async def test_a_signed_version_never_changes_but_for_being_replaced(database, report):
    signed = replace(report, state=ReportState.FINAL)
    assert await database.write(lambda tx: tx.reports.replace(signed))
    signed = replace(signed, revision=2)
    assert not await database.write(lambda tx: tx.reports.replace(replace(signed, template_id="T2")))
    await database.write(lambda tx: tx.reports.mark_replaced(report.id))
    kept = await database.read(lambda tx: tx.reports.get(report.id, EVERYWHERE))
    assert kept == replace(signed, state=ReportState.REPLACED)
    assert await database.read(lambda tx: tx.reports.latest_signed(report.study_id, EVERYWHERE)) is None


async def test_one_version_number_is_given_once(database, report):
    with pytest.raises(sa.exc.IntegrityError):
        await database.write(lambda tx: tx.reports.add(replace(report, id="report-2")))


@pytest.mark.parametrize("scope", [ELSEWHERE, NOWHERE])
async def test_a_report_of_another_site_is_not_there(database, report, scope):
    """J2, promise 5: every query for patient data takes a scope."""
    for ask in (lambda tx: tx.reports.get(report.id, scope), lambda tx: tx.reports.latest(report.reading_id, scope),
                lambda tx: tx.reports.latest_signed(report.study_id, scope)):
        assert await database.read(ask) is None
    assert await database.read(lambda tx: tx.reports.versions(report.reading_id, scope)) == []


async def test_deliveries_come_back_by_report_study_and_queue_within_scope(database):
    page = a_delivery(id="d0", destination_id="page", kind=DestinationKind.CLINIC_PAGE, state=DeliveryState.ACCEPTED)
    node, later = a_delivery(), a_delivery(id="d2", report_id="report-2", queued_at=MADE_AT + timedelta(minutes=1))
    for one in (page, node, later):
        await database.write(lambda tx, one=one: tx.deliveries.add(one))
    assert await database.read(lambda tx: tx.deliveries.of_report("report-1", HERE)) == [page, node]
    assert await database.read(lambda tx: tx.deliveries.of_study("study-1", HERE)) == [later, page, node]
    assert await database.read(lambda tx: tx.deliveries.waiting(HERE)) == [node, later]
    for scope in (ELSEWHERE, NOWHERE):
        assert await database.read(lambda tx, s=scope: tx.deliveries.get("d1", s)) is None
        assert await database.read(lambda tx, s=scope: tx.deliveries.of_study("study-1", s)) == []
        assert await database.read(lambda tx, s=scope: tx.deliveries.of_report("report-1", s)) == []
        assert await database.read(lambda tx, s=scope: tx.deliveries.waiting(s)) == []


async def test_a_delivery_is_replaced_whole_and_exists_once_a_destination(database):
    await database.write(lambda tx: tx.deliveries.add(a_delivery()))
    after = a_delivery(state=DeliveryState.ACKNOWLEDGED, attempts=3, next_attempt_at=None, sent_at=MADE_AT,
                       accepted_at=MADE_AT, opened_at=MADE_AT, acknowledged_at=MADE_AT, acknowledged_by="u",
                       last_error="为什么")
    await database.write(lambda tx: tx.deliveries.replace(after))
    assert await database.read(lambda tx: tx.deliveries.get("d1", HERE)) == after
    with pytest.raises(sa.exc.IntegrityError):
        await database.write(lambda tx: tx.deliveries.add(a_delivery(id="d9")))
