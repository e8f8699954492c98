"""Look up what a workitem is about, and say it as DICOM JSON."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gateway.core.workitem_record import Json, Subject, record_of
from gateway.reports.encapsulated_pdf import report_series_uid
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, Instance, Report, ReportState, Series
from storage.model.workitems import UpsState, Workitem


def show(tx: Transaction, parts: Parts, item: Workitem, *, with_objects: bool, base_url: str = "") -> Json | None:
    """All attributes of a workitem whose scope was checked; None if its study is gone.

    Parameters
    ----------
    with_objects
        Whether Input Information names each object, or only the study.
    base_url
        Where DICOMweb is reached, as the caller reached us; "" by DIMSE.
    """
    study = tx.studies.get(item.study_id, EVERYWHERE)
    if study is None:
        return None
    reading = tx.readings.get(item.reading_id, EVERYWHERE) if item.reading_id else None
    site = tx.sites.site(study.site_id)
    is_final = item.state is UpsState.COMPLETED and reading is not None
    report = tx.reports.latest_signed(study.id, EVERYWHERE) if is_final else None
    return record_of(Subject(
        item, study, reading, tx.orders.of_study(study.id, EVERYWHERE), site.name if site else "",
        report if report is not None and report.state is not ReportState.PRELIMINARY else None,
        report_series_uid(reading.id) if reading else "", _signers(tx, report), parts.settings.ae_title, base_url,
        _series(tx, study.id) if with_objects else None), zone_of(parts))


def zone_of(parts: Parts) -> ZoneInfo:
    """The alliance's time zone."""
    return ZoneInfo(parts.settings.time_zone)


def _signers(tx: Transaction, report: Report | None) -> tuple[str, ...]:
    if report is None:
        return ()
    people = [tx.users.get(user_id) for user_id in (report.writer_id, report.reviewer_id) if user_id]
    return tuple(dict.fromkeys(one.display_name for one in people if one is not None))


def _series(tx: Transaction, study_id: str) -> list[tuple[Series, list[Instance]]]:
    instances: dict[str, list[Instance]] = {}
    for one in tx.studies.instances_of(study_id, EVERYWHERE):
        instances.setdefault(one.series_id, []).append(one)
    return [(series, instances.get(series.id, [])) for series in tx.studies.series_of(study_id, EVERYWHERE)]
