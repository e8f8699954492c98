"""Bodies of the quality of pictures: grades, rejections, retakes, figures."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.http.messages import PatientView


class GradeChoice(msgspec.Struct, frozen=True):
    """A grade as people say it of this kind of study."""

    grade: str
    zh: str
    en: str


class ReasonChoice(msgspec.Struct, frozen=True):
    code: str
    zh: str
    en: str
    advice_zh: str                       # what to do at the device
    advice_en: str


class MarkView(msgspec.Struct, frozen=True):
    """A shape on the picture; points in parts of its width and height, 0 to 1."""

    shape: str                           # "arrow", "circle", "line", "text"
    points: list[list[float]]
    text: str


class GradeView(msgspec.Struct, frozen=True):
    id: str
    level: str                           # "study", "series", "image"
    target_id: str
    frame: int                           # 1 is the first; 0: none is meant
    grade: str
    reasons: list[str]
    note: str
    operator: str
    graded_by: str
    graded_by_name: str
    graded_at: datetime
    revision: int
    is_current: bool
    marks: list[MarkView]
    has_picture: bool


class RetakeView(msgspec.Struct, frozen=True):
    """A request to take an examination again, as the clinic and the reader see it."""

    id: str
    state: str                           # "asked", "seen", "scheduled", "retaken", "declined", "withdrawn"
    study_id: str
    reading_id: str | None
    new_study_id: str | None
    site_id: str
    site_name: str
    patient: PatientView
    sex: str
    age_years: float | None
    modality: str
    body_part: str
    description: str
    study_at: datetime | None
    accession_number: str                # of the new order; "" once it is gone
    order_id: str
    asked_by_name: str
    asked_at: datetime
    is_sent_back: bool
    seen_by_name: str
    seen_at: datetime | None
    scheduled_at: datetime | None
    settled_by_name: str
    settled_at: datetime | None
    reason: str
    rejections: list[GradeView]          # with their marked pictures, the newest first
    reasons: list[ReasonChoice]          # the words of every reason in them


class RetakeList(msgspec.Struct, frozen=True):
    items: list[RetakeView]


class QualityView(msgspec.Struct, frozen=True):
    """What is known of a study's quality, and what may be said of it."""

    study_id: str
    grades: list[GradeView]              # the newest first, history included
    retakes: list[RetakeView]
    answers: RetakeView | None           # the request that this study is the answer to
    grade_choices: list[GradeChoice]
    reason_choices: list[ReasonChoice]


class MarkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shape: str
    points: list[list[float]]
    text: str = ""


class GradeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: str                           # "study", "series", "image"
    target_id: str
    grade: str                           # "excellent", "good", "acceptable", "rejected"
    revision: int                        # of the grade last seen of the same subject; 0: none
    frame: int = 0
    reasons: list[str] = []
    note: str = ""


class RejectionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: str                           # "study", "series", "image"
    target_id: str
    revision: int
    reasons: list[str]
    frame: int = 0
    note: str = ""
    marks: list[MarkRequest] = []
    picture: str = ""                    # data:image/png;base64,…
    is_sent_back: bool = False
    asks_retake: bool = True


class RejectionView(msgspec.Struct, frozen=True):
    grade: GradeView
    retake_id: str | None
    accession_number: str                # of the order that asks the device; "": none was placed


class AskedView(msgspec.Struct, frozen=True):
    retake_id: str
    state: str = "asked"


class ScheduleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    on: datetime | None = None           # None: now


class FigureLine(msgspec.Struct, frozen=True):
    """One device, person, site, modality or grader in one month."""

    site_id: str
    site_name: str
    key: str
    name: str                            # "" where it is not known
    month: str
    studies: int
    graded: int
    excellent: int
    good: int
    acceptable: int
    rejected: int
    rejection_rate: float | None         # rejected ÷ graded
    retakes: int
    retaken: int
    declined: int
    reasons: dict[str, int]


class QualityFigures(msgspec.Struct, frozen=True):
    per: str
    months: list[str]
    lines: list[FigureLine]
    reasons: list[ReasonChoice]
