"""Read from the store what the rules may know of a study, as it is now."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.core.facts import ECG_MODALITY, CalendarDay, FactValues, facts_of
from routing_rules.holidays import kind_of_day
from storage.interface import Transaction
from storage.model import EVERYWHERE, EcgFacts, Study
from storage.model.ecg_analyses import StoredAnalysis
from storage.model.rosters import HolidayKind


def study_facts(tx: Transaction, study: Study, zone: ZoneInfo, *, now: datetime | None = None) -> FactValues:
    """Return the facts of a study; `now` (its completion, if not given) is the moment that load is counted at."""
    device = tx.sites.device(study.device_id) if study.device_id else None
    arrived_local = study.first_arrival_at.astimezone(zone)
    return facts_of(study, tx.sites.site(study.site_id), device, ecgs_of(tx, study), analyses_of(tx, study),
                    arrived_local=arrived_local, order=tx.orders.of_study(study.id, EVERYWHERE),
                    around=tx.circumstances.of_study(study, now=now or study.completed_at or study.last_arrival_at),
                    day=calendar_day(tx, arrived_local.date()))


def calendar_day(tx: Transaction, day: date) -> CalendarDay:
    """What the alliance says of a day, else the public calendar."""
    public = kind_of_day(day)
    own = next(iter(tx.rosters.holidays(day, day)), None)
    if own is None:
        return CalendarDay(public.is_workday, bool(public.holiday), public.holiday)
    is_holiday = own.kind is HolidayKind.HOLIDAY
    return CalendarDay(not is_holiday, is_holiday, public.holiday if is_holiday else "")


def ecgs_of(tx: Transaction, study: Study) -> list[EcgFacts]:
    """What the ECG files of a study say of themselves."""
    return tx.studies.ecgs_of(study.id) if study.modality == ECG_MODALITY else []


def analyses_of(tx: Transaction, study: Study) -> list[StoredAnalysis]:
    """What the gateway measured on them."""
    return tx.ecg_analyses.of_study(study.id) if study.modality == ECG_MODALITY else []
