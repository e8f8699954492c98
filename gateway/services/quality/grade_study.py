"""Grade a study, a series or an image: the newest judgement of each counts, every one is kept (D6)."""

from __future__ import annotations

import asyncio

import structlog

from gateway.core.errors import InvalidRequest, NotFound, NotNow, Unreadable
from gateway.core.quality import Judgement, checked, next_grade
from gateway.formats.operator_name import read_operator_name
from gateway.services.ports import Event, Parts
from gateway.services.read_text_again import source_of
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    AuditEntry,
    Instance,
    InstanceFormat,
    ObjectRef,
    Role,
    Scope,
    Study,
    User,
    new_id,
)
from storage.model.quality import GradedLevel, QualityGrade

_log = structlog.get_logger(__name__)


async def grade_study(parts: Parts, user: User, study_id: str, judgement: Judgement, *, revision: int,
                      address: str) -> QualityGrade:
    """Keep one judgement; `revision` is that of the grade last seen of the same subject, 0 for none.

    Raises NotFound, InvalidRequest (see `checked`; "subject"), NotNow("revision").
    """
    operator = await operator_of(parts, user, study_id)
    grade = await parts.database.write(
        lambda tx: grade_on(tx, parts, user, study_id, judgement, revision=revision, operator=operator, picture=None,
                            address=address))
    parts.events.publish(Event("quality", grade.site_id, grade.study_id))
    return grade


def grade_on(tx: Transaction, parts: Parts, user: User, study_id: str, judgement: Judgement, *, revision: int,
             operator: str, picture: ObjectRef | None, address: str) -> QualityGrade:
    """The same in the caller's write, which announces it."""
    scope = reading_scope(user)
    study = study_of(tx, study_id, scope)
    said = checked(judgement, study.modality)
    _check_subject(tx, study, said)
    before = tx.quality.current_of(said.target_id, said.frame, scope)
    now = parts.clock()
    grade = QualityGrade(
        id=new_id(), study_id=study.id, site_id=study.site_id, level=said.level, target_id=said.target_id,
        frame=said.frame, grade=said.grade, reasons=said.reasons, note=said.note, modality=study.modality,
        device_id=study.device_id, operator=operator, graded_by=user.id, graded_at=now,
        revision=next_grade(before, revision), marks=tuple(dict(mark) for mark in said.marks),
        picture_sha256=picture.sha256 if picture else "", picture_bytes=picture.size_bytes if picture else 0)
    if not tx.quality.add_grade(grade):
        raise NotNow("Somebody graded it meanwhile. Look again.", reason="revision")
    tx.audit.append(AuditEntry(
        now, user.id, "quality.graded", site_id=study.site_id, study_id=study.id, patient_id=study.patient.id,
        address=address, detail={
            "level": grade.level.value, "target": grade.target_id, "frame": grade.frame, "grade": grade.grade.value,
            "was": before.grade.value if before else "", "reasons": list(grade.reasons), "revision": grade.revision,
            "picture": grade.picture_sha256}))
    return grade


def reading_scope(user: User) -> Scope:
    """The sites whose pictures this person may judge."""
    return user.scope(Role.READER, Role.REVIEWER)


def study_of(tx: Transaction, study_id: str, scope: Scope) -> Study:
    """The study, if the scope may see it. Raises NotFound."""
    study = tx.studies.get(study_id, scope)
    if study is None:
        raise NotFound("There is no such study.")
    return study


async def operator_of(parts: Parts, user: User, study_id: str) -> str:
    """Who took the study, as its first DICOM object says; "" where none says it. Raises NotFound."""
    def look_up(tx: Transaction) -> tuple[str | None, Instance | None, str | None]:
        study = study_of(tx, study_id, reading_scope(user))
        known = tx.quality.grades_of(study.id, EVERYWHERE)
        if known:
            return known[0].operator, None, None
        device = tx.sites.device(study.device_id) if study.device_id else None
        first = next((one for one in tx.studies.instances_of(study.id, EVERYWHERE)
                      if one.format is InstanceFormat.DICOM), None)
        return None, first, device.character_set if device else None

    known, first, codec = await parts.database.read(look_up)
    if known is not None or first is None:
        return known or ""
    try:
        return await asyncio.to_thread(read_operator_name, source_of(parts, first), device_codec=codec)
    except (Unreadable, ObjectMissing):
        _log.warning("the operator of a graded study could not be read", study=study_id)
        return ""


def _check_subject(tx: Transaction, study: Study, said: Judgement) -> None:
    if said.level is GradedLevel.STUDY and said.target_id == study.id and not said.frame:
        return
    if said.level is GradedLevel.SERIES and not said.frame \
            and any(series.id == said.target_id for series in tx.studies.series_of(study.id, EVERYWHERE)):
        return
    if said.level is GradedLevel.IMAGE and any(
            one.id == said.target_id and said.frame <= max(one.frame_count, 1)
            for one in tx.studies.instances_of(study.id, EVERYWHERE)):
        return
    raise InvalidRequest("The study has no such part.", reason="subject")
