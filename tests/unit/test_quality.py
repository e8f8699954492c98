"""Grades, reasons, marks and the life of a retake, without storage (D6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import InvalidRequest, NotNow
from gateway.core.quality import (
    Judgement,
    checked,
    declined,
    grade_words,
    next_grade,
    not_retaken,
    reason_of,
    reasons,
    reasons_for,
    retaken,
    scheduled,
    seen,
    withdrawn,
    words_of,
)
from gateway.core.quality_figures import Per, lines_of, month_bounds, one_a_study
from gateway.http.quality_views import figures_csv
from gateway.services.quality.count_quality import Figures
from storage.model.quality import Grade, GradedLevel, QualityGrade, Retake, RetakeState

AT = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)          # 23:59 in Shanghai: still November
ZONE = ZoneInfo("Asia/Shanghai")
ASKED = Retake("r", "s", "a", "reading", "g", "o", RetakeState.ASKED, "reader", AT, False)
SAID = Judgement(GradedLevel.IMAGE, "i", Grade.REJECTED, reasons=("position",))


def a_grade(study: str = "s", **more) -> QualityGrade:
    grade = QualityGrade("g", study, "a", GradedLevel.STUDY, study, 0, Grade.GOOD, (), "", "DX", "dr", "王技师",
                         "doc", AT, 1)
    return replace(grade, **more)


def test_every_grade_and_reason_has_words_in_both_languages_and_every_reason_but_other_says_what_to_do():
    assert [words.grade for words in grade_words()] == list(Grade)
    assert len({reason.code for reason in reasons()}) == len(reasons())
    for reason in reasons():
        assert reason.zh
        assert reason.en
        assert bool(reason.advice_zh and reason.advice_en) is (reason.code != "other")


@pytest.mark.parametrize(("modality", "has", "has_not"), [
    ("DX", {"position", "exposure-low", "foreign-body", "cut-off", "wrong-side"}, {"lead-off", "gain"}),
    ("ECG", {"lead-off", "lead-reversal", "mains-hum", "baseline", "wrong-patient"}, {"position", "exposure-low"}),
    ("US", {"gain", "contact", "artefact"}, {"exposure-high", "lead-off"}),
    ("ZZ", {"position", "gain", "other"}, {"lead-off"})])
def test_a_modality_is_offered_the_reasons_that_it_can_have(modality, has, has_not):
    codes = {reason.code for reason in reasons_for(modality)}
    assert has <= codes
    assert not has_not & codes


def test_a_code_that_the_data_lost_stands_for_itself():
    assert reason_of("of-last-year").zh == "of-last-year"


def test_the_reasons_in_words_leave_other_to_the_note():
    assert words_of(["position", "other"], "衣领") == "摆位不正、衣领"


@pytest.mark.parametrize(("change", "reason"), [
    ({"reasons": ()}, "reason-required"), ({"reasons": ("other",)}, "reason-required"),
    ({"reasons": ("lead-off",)}, "unknown-reason"), ({"note": "x" * 501}, "too-long"), ({"frame": -1}, "frame"),
    ({"marks": ({"shape": "heart", "points": [[0, 0]]},)}, "marks"),
    ({"marks": ({"shape": "arrow", "points": [[0, 0]]},)}, "marks"),
    ({"marks": ({"shape": "circle", "points": [[0, 0], [2, 2]]},)}, "marks"),
    ({"marks": ({"shape": "text", "points": [["x", 0]]},)}, "marks"),
    ({"marks": ({"shape": "line", "points": [[float("nan"), 0]]},)}, "marks"),
    ({"marks": tuple({"shape": "text", "points": [[0, 0]], "text": "x"} for _ in range(41))}, "marks")])
def test_a_rejection_that_means_nothing_is_refused_by_name(change, reason):
    with pytest.raises(InvalidRequest) as refused:
        checked(replace(SAID, **change), "DX")
    assert refused.value.reason == reason


def test_a_judgement_is_kept_tidy():
    said = checked(replace(SAID, reasons=("position", "position"), note=" 左侧\u200b \r\n", marks=(
        {"shape": "text", "points": [(0.123456, 1)], "text": "这里\x07"},)), "DX")
    assert (said.reasons, said.note) == (("position",), "左侧")
    assert said.marks == ({"shape": "text", "points": [[0.1235, 1.0]], "text": "这里"},)


def test_who_grades_must_have_seen_the_newest_grade():
    assert next_grade(None, 0) == 1
    assert next_grade(a_grade(revision=3), 3) == 4
    for before, saw in ((None, 1), (a_grade(), 0), (a_grade(revision=3), 2)):
        with pytest.raises(NotNow):
            next_grade(before, saw)


def test_a_retake_is_seen_scheduled_and_retaken():
    read = seen(ASKED, by="nurse", at=AT)
    planned = scheduled(read, by="nurse", at=AT, on=AT + timedelta(days=1))
    done = retaken(planned, "new", at=AT)
    assert [one.state for one in (read, planned, done)] == [
        RetakeState.SEEN, RetakeState.SCHEDULED, RetakeState.RETAKEN]
    assert (done.seen_by, done.scheduled_at, done.new_study_id) == ("nurse", AT + timedelta(days=1), "new")
    assert seen(planned, by="other", at=AT) is planned
    assert not_retaken(done).state is RetakeState.SCHEDULED
    assert not_retaken(retaken(ASKED, "new", at=AT)) == ASKED


def test_an_answer_without_having_looked_is_a_look_too():
    assert scheduled(ASKED, by="nurse", at=AT, on=AT).seen_by == "nurse"
    assert declined(ASKED, "患者已离开", by="nurse", at=AT).seen_by == "nurse"


@pytest.mark.parametrize("act", [
    lambda retake: seen(retake, by="x", at=AT), lambda retake: scheduled(retake, by="x", at=AT, on=AT),
    lambda retake: declined(retake, "y", by="x", at=AT), lambda retake: withdrawn(retake, "y", by="x", at=AT),
    lambda retake: retaken(retake, "n", at=AT)])
@pytest.mark.parametrize("state", [RetakeState.RETAKEN, RetakeState.DECLINED, RetakeState.WITHDRAWN])
def test_what_is_settled_stays_settled(act, state):
    with pytest.raises(NotNow) as refused:
        act(replace(ASKED, state=state))
    assert refused.value.reason == state.value


@pytest.mark.parametrize("say_no", [declined, withdrawn])
def test_a_no_needs_a_reason(say_no):
    with pytest.raises(InvalidRequest):
        say_no(ASKED, " \u200b ", by="x", at=AT)


def test_a_study_counts_once_by_its_own_grade_or_the_worst_of_its_images():
    images = [a_grade("s1", id="1", level=GradedLevel.IMAGE, grade=Grade.EXCELLENT, reasons=("motion",)),
              a_grade("s1", id="2", level=GradedLevel.IMAGE, grade=Grade.ACCEPTABLE, reasons=("position",))]
    [(standing, codes)] = one_a_study(images)
    assert (standing.grade, codes) == (Grade.ACCEPTABLE, {"motion", "position"})
    whole = a_grade("s1", grade=Grade.EXCELLENT)
    [(standing, _)] = one_a_study([*images, whole])
    assert standing.grade is Grade.EXCELLENT
    for minutes, stands in ((1, Grade.REJECTED), (-1, Grade.EXCELLENT)):
        rejected = replace(images[0], grade=Grade.REJECTED, graded_at=AT + timedelta(minutes=minutes))
        [(standing, _)] = one_a_study([rejected, images[1], whole])
        assert standing.grade is stands, "what was rejected after the whole was graded is rejected"


def test_figures_are_summed_by_month_of_the_alliance_s_clock_and_by_subject():
    grades = [a_grade("1", grade=Grade.REJECTED, reasons=("position",)), a_grade("2"),
              a_grade("3", graded_at=AT + timedelta(minutes=1)), a_grade("4", site_id="b")]
    retakes = [(replace(ASKED, state=RetakeState.RETAKEN), grades[0]), (ASKED, grades[0])]
    arrived = [("2026-11", "a", "dr", "DX", 20), ("2026-11", "a", "dr", "CT", 1)]
    lines = lines_of(Per.DEVICE, ZONE, grades, retakes, arrived)
    assert [(line.subject, line.month, line.studies, line.graded) for line in lines] == [
        (("a", "dr"), "2026-11", 21, 2), (("a", "dr"), "2026-12", 0, 1), (("b", "dr"), "2026-11", 0, 1)]
    assert lines[0].rejection_rate == 0.5
    assert (lines[0].retakes, lines[0].retaken, lines[0].reasons["position"]) == (2, 1, 1)
    [first, *_] = lines_of(Per.OPERATOR, ZONE, grades, [], [("2026-11", "a", "dr", "DX", 20)])
    assert (first.subject, first.studies) == (("a", "王技师"), 0)


def test_months_are_those_of_the_zone_and_nonsense_is_refused():
    bounds = month_bounds("2025-12", "2026-01", ZONE)
    assert [month for month, _ in bounds] == ["2025-12", "2026-01", "2026-02"]
    assert bounds[0][1].astimezone(UTC) == datetime(2025, 11, 30, 16, tzinfo=UTC)
    for first, last in (("2026-13", "2026-13"), ("26-01", "26-02"), ("2026-02", "2026-01"), ("2020-01", "2026-01"),
                        ("²026-01", "2026-01")):
        with pytest.raises(InvalidRequest):
            month_bounds(first, last, ZONE)


def test_a_name_from_a_device_does_not_run_in_a_spreadsheet():
    rejected = a_grade(operator="=cmd|calc", grade=Grade.REJECTED, reasons=("motion",))
    lines = lines_of(Per.OPERATOR, ZONE, [rejected], [], [])
    text = figures_csv(Per.OPERATOR, Figures(lines, ["2026-11"], {"a": "演示镇"}, {}))
    assert text.startswith(b"\xef\xbb\xbf")
    [head, row] = text.decode("utf-8-sig").splitlines()
    assert head.split(",")[:4] == ["月份", "机构", "操作者", "检查数"]
    assert row == "2026-11,演示镇,'=cmd|calc,0,1,0,0,0,1,1.0000,0,0,0,1"
    assert head.endswith(",运动模糊")
