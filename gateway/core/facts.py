"""What the rules may know of a study: records in, the facts declared in routing_rules/facts.py out.

A fact that is not known is left out; the rules then say "not known" instead of guessing. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model import Confidence, Device, EcgFacts, Site, SiteKind, Study
from storage.model.circumstances import Circumstances
from storage.model.ecg_analyses import StoredAnalysis
from storage.model.orders import Order

ECG_MODALITY = "ECG"

FactValues = dict[str, str | int | float | bool | list[str] | dict[str, int]]

TIER_OF_KIND = {SiteKind.VILLAGE: 1, SiteKind.TOWNSHIP: 2, SiteKind.HOSPITAL: 3, SiteKind.CENTRE: 3}
"""Where the site's record names no tier of its own."""

_MEASUREMENTS = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms")


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """The day of the first arrival, as the alliance or the public calendar has it."""

    is_workday: bool
    is_holiday: bool
    holiday: str = ""                    # name of a public holiday


def study_kind(modality: str) -> str:
    """ "ecg" or "image": the two halves of the worklist."""
    return "ecg" if modality == ECG_MODALITY else "image"


def facts_of(study: Study, site: Site | None, device: Device | None, ecgs: Sequence[EcgFacts],
             analyses: Sequence[StoredAnalysis] = (), *, arrived_local: datetime, order: Order | None = None,
             around: Circumstances | None = None, day: CalendarDay | None = None) -> FactValues:
    """Return the facts of a study.

    `arrived_local` is the first arrival in the gateway's time zone. With more than one ECG in the study the newest
    recording's measurements count, and the statements of all of them. Where the cart has not measured, the gateway's
    number stands in, and `ecg.measured_by_gateway` names it.
    """
    facts: FactValues = {
        "site.id": study.site_id,
        "study.modality": study.modality,
        "study.kind": study_kind(study.modality),
        "study.urgency": study.urgency,
        "study.instance_count": study.instance_count,
        "arrival.hour": arrived_local.hour,
        "arrival.minute": arrived_local.minute,
        "arrival.weekday": arrived_local.isoweekday(),
        "arrival.date": arrived_local.date().isoformat(),
    }
    facts |= _of_site(site, device)
    if study.body_part:
        facts["study.body_part"] = study.body_part.upper()
    if study.description:
        facts["study.description"] = study.description
    if study.age_years is not None:
        facts["patient.age_years"] = float(study.age_years)
    if study.patient.sex in ("M", "F", "O"):
        facts["patient.sex"] = study.patient.sex
    if day is not None:
        facts |= {"arrival.is_holiday": day.is_holiday, "arrival.is_workday": day.is_workday}
        if day.holiday:
            facts["arrival.holiday"] = day.holiday
    facts |= _of_order(order)
    if around is not None:
        facts |= _around(study, around, order)
    if ecgs:
        newest = max(ecgs, key=lambda ecg: ecg.recorded_at.timestamp() if ecg.recorded_at else 0.0)
        facts |= _of_ecgs(ecgs, newest)
        facts |= _measured(newest, next((a for a in analyses if a.instance_id == newest.instance_id), None))
        if newest.device_model:
            facts["device.model"] = newest.device_model
    return facts


def _of_site(site: Site | None, device: Device | None) -> FactValues:
    found: FactValues = {}
    if site is not None:
        found["site.kind"] = site.kind.value
        tier = site.tier or TIER_OF_KIND.get(site.kind)
        if tier is not None:
            found["site.tier"] = tier
        if site.distance_km is not None:
            found["site.distance_km"] = float(site.distance_km)
        if site.link_class:
            found["site.link"] = site.link_class
    if device is not None:
        found |= {"device.id": device.id, "device.ae_title": device.ae_title}
    return found


def _of_order(order: Order | None) -> FactValues:
    if order is None:
        return {}
    said = {"study.procedure_code": order.procedure_code, "order.urgency": order.urgency,
            "order.clinical_question": order.purpose, "order.clinical_diagnosis": order.clinical_diagnosis,
            "order.department": order.department, "order.patient_class": order.patient_class}
    return {name: value for name, value in said.items() if value}


def _around(study: Study, around: Circumstances, order: Order | None) -> FactValues:
    hints = {"incomplete": study.expected_count is not None and study.instance_count < study.expected_count,
             "name_guessed": study.patient.name.confidence is Confidence.GUESSED, "no_order": order is None,
             "origin_uncertain": not around.is_origin_settled}
    found: FactValues = {
        "study.series_count": around.series_count, "study.size_mb": around.size_bytes / 1_000_000,
        "study.quality": [name for name, holds in hints.items() if holds],
        "prior.count": around.prior_count, "prior.same_modality_count": around.prior_same_modality_count,
        "load.waiting": dict(around.waiting), "presence.away": list(around.away),
    }
    if around.device_model:
        found["device.model"] = around.device_model
    if around.last_prior_at is not None:
        found["prior.days_since"] = (study.first_arrival_at - around.last_prior_at).total_seconds() / 86_400
    if around.last_reader:
        found["prior.last_reader"] = around.last_reader
    return found


def _of_ecgs(ecgs: Sequence[EcgFacts], newest: EcgFacts) -> FactValues:
    return {
        "ecg.count": len(ecgs),
        "ecg.lead_count": len(newest.lead_names),
        "ecg.duration_s": newest.sample_count * newest.interval_us / 1e6,
        "ecg.statements": list(dict.fromkeys(s for ecg in ecgs for s in ecg.statements)),
        "ecg.critical_statements": list(dict.fromkeys(s for ecg in ecgs for s in ecg.critical_statements)),
    }


def _measured(ecg: EcgFacts, analysis: StoredAnalysis | None) -> FactValues:
    content = analysis.content if analysis is not None else {}
    own = dict(content.get("measurements", {}))
    if "qtc_fridericia_ms" in own:
        own["qtc_ms"] = own["qtc_fridericia_ms"]
    found: FactValues = {f"ecg.{name}": float(ecg.measurements[name]) for name in _MEASUREMENTS
                         if name in ecg.measurements}
    by_gateway = [name for name in _MEASUREMENTS if name in own and name not in ecg.measurements]
    found |= {f"ecg.{name}": float(own[name]) for name in by_gateway}
    if analysis is not None:
        found["ecg.measured_by_gateway"] = list(by_gateway)
        found["ecg.quality"] = [hint["kind"] for hint in analysis.hints]
        found["ecg.repeat_advised"] = [hint["kind"] for hint in analysis.hints if hint["is_repeat_advised"]]
    if content.get("rr_ms"):
        found["ecg.longest_rr_ms"], found["ecg.shortest_rr_ms"] = max(content["rr_ms"]), min(content["rr_ms"])
    return found
