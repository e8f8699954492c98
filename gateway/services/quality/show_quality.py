"""What is known of the quality of a study, and what a clinic is asked to take again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.errors import NotFound
from gateway.services.note_opening import note_opening
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Scope, Study
from storage.model.orders import Order
from storage.model.quality import Grade, QualityGrade, Retake

MOST_REQUESTS = 200
SETTLED_SHOWN = timedelta(days=3)
"""How long an answered request stays in sight of who asked and of the clinic."""


@dataclass(frozen=True, slots=True)
class ShownRetake:
    """A request with whose it is, what was wrong, and the order that asks the device."""

    retake: Retake
    study: Study
    site_name: str
    order: Order | None
    rejections: list[QualityGrade]       # what is rejected in the study today, the newest first


@dataclass(frozen=True, slots=True)
class ShownQuality:
    """Everything about one study."""

    study: Study
    grades: list[QualityGrade]           # the newest first; history included
    retakes: list[ShownRetake]           # asked because of this study
    answers: ShownRetake | None          # the request that this study is the answer to
    names: dict[str, str]


async def show_quality(parts: Parts, scope: Scope, study_id: str) -> ShownQuality:
    """Raises NotFound, also for a study outside the scope."""
    def look_up(tx: Transaction) -> ShownQuality:
        study = tx.studies.get(study_id, scope)
        if study is None:
            raise NotFound("There is no such study.")
        answered = tx.quality.retaken_as(study.id, scope)
        grades = tx.quality.grades_of(study.id, scope)
        retakes = [shown for retake in tx.quality.retakes_of(study.id, scope)
                   if (shown := _shown(tx, retake, scope)) is not None]
        answers = _shown(tx, answered, scope) if answered is not None else None
        people = [grade.graded_by for grade in grades] + _people([*retakes, *([answers] if answers else [])])
        return ShownQuality(study, grades, retakes, answers, tx.worklists.names(people))

    return await parts.database.read(look_up)


async def list_retakes(parts: Parts, scope: Scope, *,
                       is_with_settled: bool) -> tuple[list[ShownRetake], dict[str, str]]:
    """What is asked of the sites of the scope, the longest waiting first, and the names of the people in it."""
    since = parts.clock() - SETTLED_SHOWN

    def look_up(tx: Transaction) -> tuple[list[ShownRetake], dict[str, str]]:
        found = tx.quality.open_retakes(scope, limit=MOST_REQUESTS)
        if is_with_settled:
            found += tx.quality.settled_since(since, scope, limit=MOST_REQUESTS)
        shown = [one for retake in found if (one := _shown(tx, retake, scope)) is not None]
        return shown, tx.worklists.names(_people(shown))

    return await parts.database.read(look_up)


async def show_picture(parts: Parts, scope: Scope, grade_id: str, *, actor: str, address: str) -> bytes:
    """The marked picture of a rejection as a PNG; looking at it is an access to its study. Raises NotFound."""
    def look_up(tx: Transaction) -> tuple[QualityGrade, Study]:
        grade = tx.quality.grade(grade_id, scope)
        study = tx.studies.get(grade.study_id, scope) if grade is not None else None
        if grade is None or study is None or not grade.picture_sha256:
            raise NotFound("There is no such picture.")
        return grade, study

    grade, study = await parts.database.read(look_up)
    await note_opening(parts, study, actor=actor, address=address)
    return await asyncio.to_thread(parts.objects.get, grade.picture_sha256)


def _shown(tx: Transaction, retake: Retake, scope: Scope) -> ShownRetake | None:
    study = tx.studies.get(retake.study_id, scope)
    if study is None:
        return None
    site = tx.sites.site(retake.site_id)
    rejections = [grade for grade in tx.quality.grades_of(study.id, scope)
                  if grade.id == retake.grade_id or (grade.is_current and grade.grade is Grade.REJECTED)]
    return ShownRetake(retake, study, site.name if site else "", tx.orders.get(retake.order_id, scope), rejections)


def _people(shown: list[ShownRetake]) -> list[str | None]:
    return [person for one in shown for person in (
        one.retake.asked_by, one.retake.seen_by, one.retake.settled_by,
        *(grade.graded_by for grade in one.rejections))]
