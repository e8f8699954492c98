"""What the rules may know of a study: records in, the facts declared in routing_rules/facts.py out.

A fact that is not known is left out; the rules then say "not known" instead of guessing. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from storage.model import Device, EcgFacts, Site, Study
from storage.model.ecg_analyses import StoredAnalysis

ECG_MODALITY = "ECG"

FactValues = dict[str, str | int | float | list[str]]

_MEASUREMENTS = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms")


def study_kind(modality: str) -> str:
    """ "ecg" or "image": the two halves of the worklist."""
    return "ecg" if modality == ECG_MODALITY else "image"


def facts_of(study: Study, site: Site | None, device: Device | None, ecgs: Sequence[EcgFacts],
             analyses: Sequence[StoredAnalysis] = (), *, arrived_local: datetime) -> FactValues:
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
        "arrival.weekday": arrived_local.isoweekday(),
    }
    if site is not None:
        facts["site.kind"] = site.kind.value
    if device is not None:
        facts["device.ae_title"] = device.ae_title
    if study.body_part:
        facts["study.body_part"] = study.body_part.upper()
    if study.description:
        facts["study.description"] = study.description
    if study.age_years is not None:
        facts["patient.age_years"] = float(study.age_years)
    if study.patient.sex in ("M", "F", "O"):
        facts["patient.sex"] = study.patient.sex
    if ecgs:
        facts["ecg.statements"] = list(dict.fromkeys(s for ecg in ecgs for s in ecg.statements))
        facts["ecg.critical_statements"] = list(dict.fromkeys(s for ecg in ecgs for s in ecg.critical_statements))
        newest = max(ecgs, key=lambda ecg: ecg.recorded_at.timestamp() if ecg.recorded_at else 0.0)
        facts |= _measured(newest, next((a for a in analyses if a.instance_id == newest.instance_id), None))
    return facts


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
