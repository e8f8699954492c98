"""Answer what DICOMweb clients ask of the index: which studies, series and instances there are.

Queries carry the caller's scope down to the statement. Dates are the device's own days, read in the gateway's zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotFound
from gateway.services.ports import Parts
from storage.interface import AttributeKey as AttributeKey
from storage.interface import InstanceQuery as InstanceQuery
from storage.interface import SeriesQuery as SeriesQuery
from storage.interface import StoredInstance as StoredInstance
from storage.interface import StoredSeries as StoredSeries
from storage.interface import StoredStudy as StoredStudy
from storage.interface import StudyQuery as StudyQuery
from storage.interface import Transaction
from storage.model import AuditEntry, Scope

MAX_PAGE = 1000
"""More rows than this are never given at once; the client pages on."""
MOST_ROWS_LOOKED_AT = 200_000
"""Keys without an index are compared row by row up to so many studies, a second of work."""


def version_of(object_sha256: str) -> str:
    """What stands in a viewer's addresses, so that two objects under one SOP Instance UID are never taken for one."""
    return object_sha256[:16]


async def find_studies(parts: Parts, query: StudyQuery, scope: Scope, *, limit: int, offset: int = 0,
                       after: str = "") -> list[StoredStudy]:
    """One page of studies within scope, in an order that pages keep. Raises InvalidRequest ("too-broad")."""
    def look(tx: Transaction) -> list[StoredStudy]:
        _refuse_too_broad(tx, query, scope)
        return tx.dicomweb.studies(query, scope, limit=limit, offset=offset, after=after)

    return await parts.database.read(look)


async def find_series(parts: Parts, query: SeriesQuery, scope: Scope, *, limit: int, offset: int = 0,
                      after: str = "") -> list[StoredSeries]:
    """One page of series within scope. Raises InvalidRequest ("too-broad")."""
    def look(tx: Transaction) -> list[StoredSeries]:
        _refuse_too_broad(tx, query.study, scope)
        return tx.dicomweb.series(query, scope, limit=limit, offset=offset, after=after)

    return await parts.database.read(look)


async def find_instances(parts: Parts, query: InstanceQuery, scope: Scope, *, limit: int | None, offset: int = 0,
                         after: str = "", has_attributes: bool = True, has_counts: bool = True
                         ) -> list[StoredInstance]:
    """One page of DICOM instances within scope; no limit: all, for retrieval. Raises InvalidRequest ("too-broad")."""
    def look(tx: Transaction) -> list[StoredInstance]:
        _refuse_too_broad(tx, query.series.study, scope)
        return tx.dicomweb.instances(query, scope, limit=limit, offset=offset, after=after,
                                     has_attributes=has_attributes, has_counts=has_counts)

    return await parts.database.read(look)


async def instances_below(parts: Parts, scope: Scope, *, study_instance_uid: str, series_instance_uid: str = "",
                          sop_instance_uid: str = "", has_attributes: bool = False) -> list[StoredInstance]:
    """All DICOM instances below an address. Raises NotFound where there is none the caller may see."""
    query = InstanceQuery(
        SeriesQuery(StudyQuery(study_instance_uids=(study_instance_uid,)),
                    series_instance_uids=(series_instance_uid,) if series_instance_uid else ()),
        sop_instance_uids=(sop_instance_uid,) if sop_instance_uid else ())
    found = await find_instances(parts, query, scope, limit=None, has_attributes=has_attributes, has_counts=False)
    if not found:
        raise NotFound("There is no such study, series or instance.")
    return found


async def instance_at(parts: Parts, scope: Scope, *, study_instance_uid: str, series_instance_uid: str,
                      sop_instance_uid: str) -> StoredInstance:
    """The DICOM instance at an address. Raises NotFound where there is none the caller may see."""
    found = await parts.database.read(lambda tx: tx.dicomweb.instance(
        study_instance_uid, series_instance_uid, sop_instance_uid, scope))
    if found is None:
        raise NotFound("There is no such instance.")
    return found


def _refuse_too_broad(tx: Transaction, query: StudyQuery, scope: Scope) -> None:
    if tx.dicomweb.is_too_broad(query, scope, at_most=MOST_ROWS_LOOKED_AT):
        raise InvalidRequest("This would compare every study of the archive: name a patient, a number or dates as "
                             "well.", reason="too-broad")


async def note_retrievals(parts: Parts, entries: list[AuditEntry]) -> None:
    """Add who fetches what to the audit trail, before any byte leaves. Raises StorageUnavailable."""
    def append(tx: Transaction) -> None:
        for entry in entries:
            tx.audit.append(entry)

    await parts.database.write(append)


def day_range(parts: Parts, text: str) -> tuple[datetime | None, datetime | None]:
    """Read a DICOM date or date range ("20260301", "20260301-20260331", "-20260331") as [from, before).

    Raises InvalidRequest.
    """
    first, dash, last = text.strip().partition("-")
    if not first and not last:
        raise InvalidRequest(f"StudyDate={text}: write YYYYMMDD or a range.", reason="study-date")
    zone = ZoneInfo(parts.settings.time_zone)
    begins = _midnight(_day(first, text), zone) if first else None
    end_day = _day(last, text) if last else _day(first, text) if not dash else None
    return begins, None if end_day is None else _midnight(end_day + timedelta(days=1), zone)


def _day(text: str, whole: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError as exc:
        raise InvalidRequest(f"StudyDate={whole}: write YYYYMMDD or a range.", reason="study-date") from exc


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
