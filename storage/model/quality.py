"""How good the pictures are that a site sends: grades, rejections with a marked picture, requests to take one again.

A grade is never changed: who thinks otherwise adds the next one, and the newest of its subject counts (D6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Grade(StrEnum):
    """甲 乙 丙 废 of films; 优 良 合格 不合格 of traces. The words are data: gateway/core/quality.json."""

    EXCELLENT = "excellent"
    GOOD = "good"
    ACCEPTABLE = "acceptable"
    REJECTED = "rejected"


class GradedLevel(StrEnum):
    """What a grade is about."""

    STUDY = "study"
    SERIES = "series"
    IMAGE = "image"                      # one image, one frame or one trace


@dataclass(frozen=True, slots=True)
class QualityGrade:
    """One person's judgement of a study, a series or an image."""

    id: str
    study_id: str
    site_id: str
    level: GradedLevel
    target_id: str                       # id of the study, series or instance
    frame: int                           # 1 is the first; 0: no single frame is meant
    grade: Grade
    reasons: tuple[str, ...]             # codes of gateway/core/quality.json
    note: str
    modality: str
    device_id: str | None                # that took it, as the study named it then
    operator: str                        # who took it: Operators' Name (0008,1070), "" if not said
    graded_by: str
    graded_at: datetime
    revision: int                        # 1 for the first of its subject
    is_current: bool = True
    marks: tuple[dict[str, Any], ...] = ()     # drawn on the picture; core.quality.Mark
    picture_sha256: str = ""             # PNG with the marks in it; "": none
    picture_bytes: int = 0


class RetakeState(StrEnum):
    """asked → seen → scheduled → retaken; declined with a reason by the clinic, withdrawn by who asked."""

    ASKED = "asked"
    SEEN = "seen"
    SCHEDULED = "scheduled"
    RETAKEN = "retaken"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


OPEN_RETAKES = frozenset({RetakeState.ASKED, RetakeState.SEEN, RetakeState.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Retake:
    """A request to the clinic to take an examination again, with the order that asks its devices for it."""

    id: str
    study_id: str                        # what was not good enough
    site_id: str
    reading_id: str | None
    grade_id: str                        # the rejection: its reasons, its marked picture
    order_id: str
    state: RetakeState
    asked_by: str
    asked_at: datetime
    is_sent_back: bool                   # the reading went back to the clinic with it
    seen_by: str | None = None
    seen_at: datetime | None = None
    scheduled_at: datetime | None = None       # when the clinic will do it
    settled_by: str | None = None
    settled_at: datetime | None = None
    reason: str = ""                     # why declined or withdrawn
    new_study_id: str | None = None
    revision: int = 0                    # grows with every change, for optimistic checks
