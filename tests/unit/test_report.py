"""The one canonical text: the same words on screen, in the hash, on paper and in DICOM (F1, F3, F6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.core.report import age_text, canonical_text, derived_uid, request_facts, text_sha256
from gateway.core.report_templates import templates_for
from gateway.core.retry import backoff_s
from storage.model import PatientName, ReportState
from tests.support.report_builders import MADE_AT, SITE, a_sheet, a_study, a_text


def test_the_text_names_patient_site_study_words_people_and_times_to_the_minute():
    text = canonical_text(a_sheet())
    words = a_text()
    for said in ("王小明", "男", "56岁", "MZ20260302001", "DR20260302001", SITE.name, "演示县远程阅片中心",
                 "2026-03-02 08:40", words.technique, words.findings, words.impression, "演示阅片医师 主治医师",
                 "2026-03-02 08:46", "演示审核医师 副主任医师", "第1版", "正式报告", a_study().study_instance_uid):
        assert said in text


def test_the_same_report_always_has_the_same_hash_and_any_change_another():
    whole = text_sha256(canonical_text(a_sheet()))
    assert whole == text_sha256(canonical_text(a_sheet()))
    study = a_study()
    others = [
        a_sheet(text=replace(a_text(), impression="左侧气胸。")), a_sheet(version=2), a_sheet(reviewer=None),
        a_sheet(state=ReportState.PRELIMINARY), a_sheet(text=replace(a_text(), is_critical=True)),
        a_sheet(study=replace(study, patient=replace(study.patient, name=PatientName("王小朋")))),
        a_sheet(study=replace(study, study_at=MADE_AT + timedelta(minutes=1))),
        replace(a_sheet(), evidence="2 个原始对象"),
    ]
    assert whole not in {text_sha256(canonical_text(sheet)) for sheet in others}
    assert len({text_sha256(canonical_text(sheet)) for sheet in others}) == len(others)


def test_an_unsigned_text_says_draft_and_an_emergency_says_that_review_is_owed():
    assert "草稿" in canonical_text(a_sheet(state=ReportState.DRAFT, reviewer=None))
    assert "急诊临时报告" in canonical_text(a_sheet(state=ReportState.PRELIMINARY, reviewer=None))
    assert "草稿" not in canonical_text(a_sheet())


def test_ecg_and_ultrasound_reports_use_their_own_headings():
    assert [heading for heading, _ in a_sheet(study=a_study(modality="ECG")).sections] == [
        "采集条件与测量", "心电图所见", "诊断意见"]
    assert a_sheet(study=a_study(modality="US")).sections[2][0] == "超声提示"


@pytest.mark.parametrize(("years", "said"), [(56.9, "56岁"), (1.0, "1岁"), (0.75, "9个月"), (10 / 365.2425, "10天"),
                                             (None, "未提供"), (-1.0, "未提供")])
def test_an_age_is_said_in_years_months_or_days(years, said):
    assert age_text(years, None, None) == said


def test_an_age_that_was_not_sent_is_counted_from_the_birth_date():
    assert age_text(None, date(1969, 5, 4), MADE_AT) == "56岁"


def test_what_came_with_the_images_about_the_request_is_printed():
    facts = request_facts({"00080090": {"vr": "PN", "Value": [{"Alphabetic": "Li^Si", "Ideographic": "李^四"}]},
                           "00081080": {"vr": "LO", "Value": ["胸痛待查"]}, "00321033": {"vr": "LO"}})
    assert (facts.referring_physician, facts.clinical_diagnosis, facts.department) == ("李 四", "胸痛待查", "")


def test_a_derived_uid_is_valid_short_enough_and_always_the_same():
    uid = derived_uid("report", "r1")
    assert uid == derived_uid("report", "r1") != derived_uid("report", "r2")
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    assert not uid.removeprefix("2.25.").startswith("0")


@pytest.mark.parametrize(("modality", "body_part", "kind", "first"), [
    ("DX", "CHEST", "image", "T1"), ("CR", "LEFT KNEE", "image", "T2"), ("DX", "右踝关节", "image", "T2"),
    ("CT", "HEAD", "image", "T3"), ("CT", "CHEST", "image", "T4"), ("US", "ABDOMEN", "image", "T5"),
    ("ECG", "", "ecg", "T6"), ("OT", "", "ecg", "T6"), ("DX", "TSPINE", "image", "T2")])
def test_the_template_that_fits_modality_and_body_part_comes_first(modality, body_part, kind, first):
    assert templates_for(modality, body_part, kind)[0].id == first


def test_no_template_is_offered_for_a_modality_that_none_speaks_of():
    assert templates_for("MR", "HEAD", "image") == []


def test_pauses_grow_to_the_cap_and_are_spread_by_the_jitter():
    pauses = [backoff_s(attempt, base_s=5, cap_s=900, jitter=0.999999) for attempt in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(5, rel=1e-3)
    assert pauses[-1] == pytest.approx(900, rel=1e-3)
    assert backoff_s(4, base_s=5, cap_s=900, jitter=0.0) == 20
    assert backoff_s(10_000, base_s=5, cap_s=900, jitter=0.0) == 450
