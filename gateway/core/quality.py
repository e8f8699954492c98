"""How good a picture is: grades, reasons, the marks on a rejected picture, and the life of a retake (D6).

Films are graded 甲 乙 丙 废 and traces 优 良 合格 不合格, as Chinese quality control does; the reasons follow AAPM
TG 305 and, for traces, what the gateway's own quality hints are called. Words and reasons are data (quality.json).

    asked ─seen▶ seen ─will repeat▶ scheduled ─its images came▶ retaken
      └───────────┴── cannot, because… ──▶ declined      who asked takes it back ▶ withdrawn

Pure: the caller passes the time.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from gateway.core.errors import InvalidRequest, NotNow
from storage.model.quality import OPEN_RETAKES, Grade, GradedLevel, QualityGrade, Retake, RetakeState

LONGEST_NOTE = 500                       # characters
LONGEST_LABEL = 60
MOST_MARKS = 40
_MOST_POINTS = 400                       # of one line that is drawn by hand
_SHAPES = {"arrow": 2, "circle": 2, "line": 0, "text": 1}     # how many points; 0: as many as were drawn
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a picture is not good, and what to do about it at the device."""

    code: str
    zh: str
    en: str
    groups: tuple[str, ...]              # of modalities; none: every modality
    advice_zh: str
    advice_en: str


@dataclass(frozen=True, slots=True)
class GradeWords:
    """A grade as people say it, of a film and of a trace."""

    grade: Grade
    film: tuple[str, str]                # zh, en
    trace: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says of a study, a series or an image; `checked` before anything is kept."""

    level: GradedLevel
    target_id: str
    grade: Grade
    frame: int = 0
    reasons: tuple[str, ...] = ()
    note: str = ""
    marks: tuple[Mapping[str, Any], ...] = ()


@cache
def _data() -> Any:
    return json.loads(resources.files("gateway.core").joinpath("quality.json").read_text(encoding="utf-8"))


@cache
def grade_words() -> tuple[GradeWords, ...]:
    """Every grade, the best first."""
    return tuple(GradeWords(Grade(item["grade"]), tuple(item["film"]), tuple(item["trace"]))
                 for item in _data()["grades"])


@cache
def reasons() -> tuple[Reason, ...]:
    """Every reason, in the order of the file."""
    return tuple(Reason(**item | {"groups": tuple(item["groups"])}) for item in _data()["reasons"])


def reasons_for(modality: str) -> list[Reason]:
    """What may be wrong with a study of this modality; of an unknown one, everything but traces."""
    group = next((name for name, codes in _data()["groups"].items() if modality in codes), None)
    if group is None:
        return [reason for reason in reasons() if reason.groups != ("ecg",)]
    return [reason for reason in reasons() if not reason.groups or group in reason.groups]


def reason_of(code: str) -> Reason:
    """The reason with this code; a code that the data has lost stands for itself."""
    return next((reason for reason in reasons() if reason.code == code), Reason(code, code, code, (), "", ""))


def checked(judgement: Judgement, modality: str) -> Judgement:
    """Return it tidy. Raises InvalidRequest ("reason-required", "unknown-reason", "too-long", "marks", "frame")."""
    known = {reason.code for reason in reasons_for(modality)}
    for code in judgement.reasons:
        if code not in known:
            raise InvalidRequest(f"{code} is no reason for {modality or 'this study'}.", reason="unknown-reason")
    note = _tidy(judgement.note, LONGEST_NOTE)
    if judgement.grade is Grade.REJECTED and not judgement.reasons:
        raise InvalidRequest("A picture is rejected only with a reason.", reason="reason-required")
    if _OTHER in judgement.reasons and not note:
        raise InvalidRequest("Say in words what the other reason is.", reason="reason-required")
    if judgement.frame < 0:
        raise InvalidRequest("Frames are counted from 1.", reason="frame")
    return replace(judgement, reasons=tuple(dict.fromkeys(judgement.reasons)), note=note,
                   marks=_checked_marks(judgement.marks))


def words_of(codes: Sequence[str], note: str = "") -> str:
    """The reasons in Chinese, as they stand in the reading and on the modality's worklist."""
    said = [reason_of(code).zh for code in codes if code != _OTHER]
    return "、".join([*said, note] if note else said)


def next_grade(before: QualityGrade | None, seen_revision: int) -> int:
    """The revision of the grade that follows. Raises NotNow("revision") if another one came meanwhile."""
    now = before.revision if before is not None else 0
    if seen_revision != now:
        raise NotNow("Somebody graded it meanwhile. Look again.", reason="revision")
    return now + 1


def seen(retake: Retake, *, by: str, at: datetime) -> Retake:
    """The clinic has read it. Seeing it once more changes nothing."""
    _must_be_open(retake)
    if retake.state is not RetakeState.ASKED:
        return retake
    return replace(retake, state=RetakeState.SEEN, seen_by=by, seen_at=at)


def scheduled(retake: Retake, *, by: str, at: datetime, on: datetime) -> Retake:
    """The clinic will repeat it at `on`; said again, it moves."""
    _must_be_open(retake)
    return replace(seen(retake, by=by, at=at), state=RetakeState.SCHEDULED, scheduled_at=on)


def declined(retake: Retake, reason: str, *, by: str, at: datetime) -> Retake:
    """The clinic cannot, and says why."""
    return _settled(seen(retake, by=by, at=at), RetakeState.DECLINED, _required(reason), by=by, at=at)


def withdrawn(retake: Retake, reason: str, *, by: str, at: datetime) -> Retake:
    """Who asked needs it no longer, and says why."""
    return _settled(retake, RetakeState.WITHDRAWN, _required(reason), by=by, at=at)


def retaken(retake: Retake, new_study_id: str, *, at: datetime) -> Retake:
    """Its images came."""
    return replace(_settled(retake, RetakeState.RETAKEN, "", by="gateway", at=at), new_study_id=new_study_id)


def not_retaken(retake: Retake) -> Retake:
    """The images were another order's after all: it waits again."""
    before = RetakeState.SEEN if retake.seen_at else RetakeState.ASKED
    state = RetakeState.SCHEDULED if retake.scheduled_at else before
    return replace(retake, state=state, settled_by=None, settled_at=None, new_study_id=None)


def _settled(retake: Retake, state: RetakeState, reason: str, *, by: str, at: datetime) -> Retake:
    _must_be_open(retake)
    return replace(retake, state=state, reason=reason, settled_by=by, settled_at=at)


def _must_be_open(retake: Retake) -> None:
    if retake.state not in OPEN_RETAKES:
        raise NotNow("It is settled already.", reason=retake.state.value)


def _required(reason: str) -> str:
    why = _tidy(reason, LONGEST_NOTE)
    if not why:
        raise InvalidRequest("Say why.", reason="reason-required")
    return why


def _checked_marks(marks: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Shapes in parts of the picture's width and height (0 to 1), as the browser drew them."""
    if len(marks) > MOST_MARKS:
        raise InvalidRequest(f"At most {MOST_MARKS} marks.", reason="marks")
    return tuple(_checked_mark(mark) for mark in marks)


def _checked_mark(mark: Mapping[str, Any]) -> dict[str, Any]:
    shape, points = mark.get("shape"), mark.get("points")
    if shape not in _SHAPES or not isinstance(points, list | tuple) or not 1 <= len(points) <= _MOST_POINTS \
            or _SHAPES[shape] not in (0, len(points)):
        raise InvalidRequest("A mark is an arrow, a circle, a line or a text with its points.", reason="marks")
    placed = []
    for point in points:
        if not isinstance(point, list | tuple) or len(point) != 2 \
                or not all(isinstance(part, int | float) and -0.01 <= part <= 1.01 for part in point):
            raise InvalidRequest("A point lies inside the picture: two numbers from 0 to 1.", reason="marks")
        placed.append([round(float(part), 4) for part in point])
    return {"shape": shape, "points": placed, "text": _tidy(str(mark.get("text", "")), LONGEST_LABEL)}


def _tidy(text: str, longest: int) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs")).strip()
    if len(text) > longest:
        raise InvalidRequest(f"At most {longest} characters.", reason="too-long")
    return text
