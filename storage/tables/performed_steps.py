"""Performed procedure steps, and the evidence of what a study consists of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from storage.model import Scope, StudyState
from storage.model.commitments import Evidence, EvidenceKind, PerformedStep, StepState
from storage.tables.schema import completion_evidence, instance, performed_step, study
from storage.tables.scoping import within
from storage.tables.upserts import add_if_absent, upsert

_PAGE = 500

# Built once: every new study that arrives runs it.
_EVIDENCE_OF_STUDY = sa.select(completion_evidence).where(
    completion_evidence.c.study_instance_uid == sa.bindparam("of_study")).order_by(
    completion_evidence.c.at, completion_evidence.c.kind, completion_evidence.c.ref)


class PerformedSteps:
    """A step is created once by the device, and changed until it is final."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, step: PerformedStep) -> bool:
        """Remember a step. False if its SOP Instance UID is taken."""
        return add_if_absent(self._connection, performed_step, _plain(step))

    def find(self, sop_instance_uid: str, scope: Scope) -> PerformedStep | None:
        """One step by its UID."""
        row = self._connection.execute(
            sa.select(performed_step).where(performed_step.c.sop_instance_uid == sop_instance_uid,
                                            within(scope, performed_step.c.site_id))).first()
        return None if row is None else _step(row)

    def update(self, step: PerformedStep) -> bool:
        """Write all fields, unless the kept step is final. False then: nothing is changed (B7)."""
        done = self._connection.execute(
            sa.update(performed_step).where(performed_step.c.id == step.id,
                                            performed_step.c.state == StepState.IN_PROGRESS.value)
            .values(**_plain(step)))
        return done.rowcount == 1

    def recent(self, scope: Scope, limit: int = 100) -> list[PerformedStep]:
        """Newest first."""
        rows = self._connection.execute(
            sa.select(performed_step).where(within(scope, performed_step.c.site_id))
            .order_by(performed_step.c.created_at.desc(), performed_step.c.id.desc()).limit(limit))
        return [_step(row) for row in rows]

    # --------------------------------------------------------------------------------------------------- evidence
    def note_evidence(self, evidence: Evidence) -> None:
        """Remember what a source says now; it replaces what the same source said before."""
        values = dataclasses.asdict(evidence) | {
            "kind": evidence.kind.value, "sop_instance_uids": list(evidence.sop_instance_uids)}
        insert = upsert(self._connection, completion_evidence).values(**values)
        keys = [column.name for column in completion_evidence.primary_key]
        self._connection.execute(insert.on_conflict_do_update(
            index_elements=keys, set_={name: insert.excluded[name] for name in values if name not in keys}))

    def evidence_of(self, study_instance_uid: str) -> list[Evidence]:
        """All that is known of a study, oldest first; whose it is, the caller compares."""
        rows = self._connection.execute(_EVIDENCE_OF_STUDY, {"of_study": study_instance_uid})
        return [_evidence(row) for row in rows]

    def missing(self, study_id: str, sop_instance_uids: Sequence[str]) -> set[str]:
        """Those of these instances that the study does not have."""
        wanted = set(sop_instance_uids)
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _PAGE):
            wanted -= set(self._connection.execute(
                sa.select(instance.c.sop_instance_uid).where(
                    instance.c.study_id == study_id,
                    instance.c.sop_instance_uid.in_(ordered[start:start + _PAGE]))).scalars())
        return wanted

    def expect(self, study_id: str, *, count: int, by: str) -> None:
        """The study will have so many instances, as this source says. The larger number stays, but an image's word of
        its own acquisition ("acquisition") only until somebody speaks of the whole study."""
        is_more = sa.or_(study.c.expected_count.is_(None), study.c.expected_count < count)
        told_of_less = study.c.expected_by == "acquisition"
        is_better = (sa.and_(is_more, sa.or_(study.c.expected_by.is_(None), told_of_less)) if by == "acquisition"
                     else sa.or_(is_more, told_of_less))
        self._connection.execute(sa.update(study).where(study.c.id == study_id, is_better).values(
            expected_count=count, expected_by=by))

    def note_pause(self, study_id: str, seconds: float) -> None:
        """Its longest pause between two arrivals."""
        self._connection.execute(sa.update(study).where(study.c.id == study_id).values(longest_pause_s=seconds))

    def habits_of(self, device_id: str, modality: str, site_id: str, limit: int) -> list[tuple[int, float]]:
        """(instances, longest pause in seconds) of the device's last complete studies of this modality."""
        rows = self._connection.execute(
            sa.select(study.c.instance_count, study.c.longest_pause_s)
            .where(study.c.site_id == site_id, study.c.device_id == device_id, study.c.modality == modality,
                   study.c.state == StudyState.COMPLETE.value)
            .order_by(study.c.id.desc()).limit(limit))                # ids sort by the time they were made
        return [(int(row.instance_count), float(row.longest_pause_s)) for row in rows]


def _plain(step: PerformedStep) -> dict[str, Any]:
    return dataclasses.asdict(step) | {
        "state": step.state.value, "study_instance_uids": list(step.study_instance_uids),
        "accession_numbers": list(step.accession_numbers)}


def _step(row: sa.Row[Any]) -> PerformedStep:
    values = dict(row._mapping)
    return PerformedStep(**values | {
        "state": StepState(values["state"]), "study_instance_uids": tuple(values["study_instance_uids"]),
        "accession_numbers": tuple(values["accession_numbers"])})


def _evidence(row: sa.Row[Any]) -> Evidence:
    values = dict(row._mapping)
    return Evidence(**values | {"kind": EvidenceKind(values["kind"]),
                                "sop_instance_uids": tuple(values["sop_instance_uids"])})
