"""Show one study: what came, from where, why it went where it went, and what else is known of the patient.

Opening a study is an access to patient data and is noted (J2, J3).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.errors import NotFound
from gateway.services.explain_study import DecidingVersion, responsible_for
from gateway.services.note_opening import note_opening
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Decision, Device, Instance, Reading, Scope, Series, Site, Study, StudyOrigin
from storage.model.commitments import Evidence
from storage.model.orders import Order


@dataclass(frozen=True, slots=True)
class Told:
    """What one source says the study consists of, and how many of the instances that it names are not here."""

    evidence: Evidence
    missing: int


@dataclass(frozen=True, slots=True)
class ShownStudy:
    study: Study
    site: Site | None
    device: Device | None
    series: list[tuple[Series, list[Instance]]]
    decision: Decision | None
    named_reader: str | None             # display name of the reader that the decision names
    decided_by: DecidingVersion | None   # the version of the rules behind the decision
    related: list[tuple[Study, Reading | None]]
    origin: StudyOrigin | None
    order: Order | None                  # what the clinic asked
    told: list[Told]                     # performed steps, commitments and orders, the oldest first


async def show_study(parts: Parts, scope: Scope, study_id: str, *, actor: str, address: str) -> ShownStudy:
    """Return the study and note who opened it. Raises NotFound, also for a study outside the scope."""
    shown = await parts.database.read(lambda tx: look_up_study(tx, scope, study_id))
    await note_opening(parts, shown.study, actor=actor, address=address)
    return shown


def look_up_study(tx: Transaction, scope: Scope, study_id: str) -> ShownStudy:
    """The same without a trace, for use cases that write their own. Raises NotFound."""
    study = tx.studies.get(study_id, scope)
    if study is None:
        raise NotFound("There is no such study.")
    instances: dict[str, list[Instance]] = {}
    for instance in tx.studies.instances_of(study.id, scope):
        instances.setdefault(instance.series_id, []).append(instance)
    decisions = tx.decisions.of_study(study.id, scope)
    decision = decisions[0] if decisions else None
    related = tx.studies.related(study, scope)
    readings = tx.worklists.readings_of([other.id for other in related], scope)
    names = tx.worklists.names([decision.reader_id] if decision else [])
    return ShownStudy(
        study=study, site=tx.sites.site(study.site_id),
        device=tx.sites.device(study.device_id) if study.device_id else None,
        series=[(series, instances.get(series.id, [])) for series in tx.studies.series_of(study.id, scope)],
        decision=decision, named_reader=names.get(decision.reader_id or "") if decision else None,
        decided_by=responsible_for(tx, decision.rules_version) if decision else None,
        related=[(other, readings.get(other.id)) for other in related], origin=tx.origins.get(study.id),
        order=tx.orders.of_study(study.id, scope), told=_told(tx, study))


def _told(tx: Transaction, study: Study) -> list[Told]:
    """By the study's own site or device alone: anybody may name any Study Instance UID."""
    return [Told(one, len(tx.performed_steps.missing(study.id, one.sop_instance_uids)) if one.sop_instance_uids
                 else max(0, one.instance_count - study.instance_count))
            for one in tx.performed_steps.evidence_of(study.study_instance_uid)
            if one.site_id == study.site_id or (one.device_id is not None and one.device_id == study.device_id)]
