"""Records of quality as the bodies of the API, and the figures as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.quality import Reason, grade_words, reason_of, reasons, reasons_for
from gateway.core.quality_figures import Line, Per
from gateway.http.messages import quality as m
from gateway.http.spreadsheet import as_csv
from gateway.http.views import patient_view
from gateway.services.quality.count_quality import Figures
from gateway.services.quality.show_quality import ShownQuality, ShownRetake
from storage.model.quality import Grade, QualityGrade

_ECG = "ECG"
_PER_WORDS = {Per.DEVICE: "设备", Per.OPERATOR: "操作者", Per.SITE: "机构", Per.MODALITY: "检查类型",
              Per.GRADER: "评价人"}


def quality_view(shown: ShownQuality) -> m.QualityView:
    """Everything about one study."""
    is_trace = shown.study.modality == _ECG
    return m.QualityView(
        study_id=shown.study.id, grades=[grade_view(grade, shown.names) for grade in shown.grades],
        retakes=[retake_view(one, shown.names) for one in shown.retakes],
        answers=retake_view(shown.answers, shown.names) if shown.answers else None,
        grade_choices=[m.GradeChoice(words.grade, *(words.trace if is_trace else words.film))
                       for words in grade_words()],
        reason_choices=[_reason(one) for one in reasons_for(shown.study.modality)])


def grade_view(grade: QualityGrade, names: Mapping[str, str]) -> m.GradeView:
    """One judgement."""
    return m.GradeView(
        id=grade.id, level=grade.level, target_id=grade.target_id, frame=grade.frame, grade=grade.grade,
        reasons=list(grade.reasons), note=grade.note, operator=grade.operator, graded_by=grade.graded_by,
        graded_by_name=names.get(grade.graded_by, ""), graded_at=grade.graded_at, revision=grade.revision,
        is_current=grade.is_current, has_picture=bool(grade.picture_sha256),
        marks=[m.MarkView(mark["shape"], mark["points"], mark["text"]) for mark in grade.marks])


def retake_view(shown: ShownRetake, names: Mapping[str, str]) -> m.RetakeView:
    """One request with whose it is and what was wrong."""
    retake, study = shown.retake, shown.study

    def name(person: str | None) -> str:
        return names.get(person, "") if person else ""

    codes = dict.fromkeys(code for grade in shown.rejections for code in grade.reasons)
    return m.RetakeView(
        id=retake.id, state=retake.state, study_id=study.id, reading_id=retake.reading_id,
        new_study_id=retake.new_study_id, site_id=retake.site_id, site_name=shown.site_name,
        patient=patient_view(study.patient), sex=study.patient.sex, age_years=study.age_years,
        modality=study.modality, body_part=study.body_part, description=study.description, study_at=study.study_at,
        accession_number=shown.order.accession_number if shown.order else "", order_id=retake.order_id,
        asked_by_name=name(retake.asked_by), asked_at=retake.asked_at, is_sent_back=retake.is_sent_back,
        seen_by_name=name(retake.seen_by), seen_at=retake.seen_at, scheduled_at=retake.scheduled_at,
        settled_by_name=name(retake.settled_by), settled_at=retake.settled_at, reason=retake.reason,
        rejections=[grade_view(grade, names) for grade in shown.rejections],
        reasons=[_reason(reason_of(code)) for code in codes])


def figures_view(per: Per, figures: Figures) -> m.QualityFigures:
    """The figures for the page."""
    return m.QualityFigures(per=per, months=figures.months, lines=[_line(one, figures) for one in figures.lines],
                            reasons=[_reason(one) for one in reasons()])


def figures_csv(per: Per, figures: Figures) -> bytes:
    """The same for a spreadsheet."""
    used = [one for one in reasons() if any(line.reasons[one.code] for line in figures.lines)]
    header = ["月份", "机构", _PER_WORDS[per], "检查数", "已评价", "甲/优", "乙/良", "丙/合格", "废/不合格", "废片率",
              "要求重做", "已重做", "无法重做", *(one.zh for one in used)]
    rows = []
    for line in figures.lines:
        view = _line(line, figures)
        rate = "" if view.rejection_rate is None else f"{view.rejection_rate:.4f}"
        rows.append([view.month, view.site_name, view.name or view.key, view.studies, view.graded, view.excellent,
                     view.good, view.acceptable, view.rejected, rate, view.retakes, view.retaken, view.declined,
                     *(line.reasons[one.code] for one in used)])
    return as_csv(header, rows)


def _line(line: Line, figures: Figures) -> m.FigureLine:
    site_id, key = line.subject
    names = figures.names
    return m.FigureLine(
        site_id=site_id, site_name=figures.site_names.get(site_id, site_id), key=key, name=names.get(key, key),
        month=line.month, studies=line.studies, graded=line.graded, excellent=line.grades[Grade.EXCELLENT.value],
        good=line.grades[Grade.GOOD.value], acceptable=line.grades[Grade.ACCEPTABLE.value],
        rejected=line.grades[Grade.REJECTED.value], rejection_rate=line.rejection_rate, retakes=line.retakes,
        retaken=line.retaken, declined=line.declined, reasons=dict(line.reasons))


def _reason(reason: Reason) -> m.ReasonChoice:
    return m.ReasonChoice(reason.code, reason.zh, reason.en, reason.advice_zh, reason.advice_en)
