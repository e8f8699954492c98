"""What is looked at before signing (F7): words against words, words against the record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.report_checks import sides_by_term, sign_checks
from gateway.core.report_templates import all_templates, find_template
from storage.model import Confidence, ReportText
from tests.support.report_builders import a_reading, a_study, a_text


def codes(text: ReportText, *, study=None, reading=None, template=None, seen=1, unprintable=""):
    study = study or a_study()
    found = sign_checks(text, study=study, reading=reading or a_reading(study), template=template,
                        seen_instances=seen, unprintable=unprintable)
    return {check.code: check.is_blocking for check in found}


def test_a_finished_report_passes_every_check():
    assert codes(a_text()) == {}


@pytest.mark.parametrize("field", ["technique", "findings", "impression"])
def test_an_open_placeholder_blocks_in_every_field(field):
    changed: Any = {field: "两肺清晰，心胸比约【0.】。"}
    assert codes(replace(a_text(), **changed))["placeholder"] is True


def test_a_placeholder_that_was_never_closed_blocks_too():
    assert codes(replace(a_text(), findings="右侧气胸，与【日期片比较。"))["placeholder"] is True


@pytest.mark.parametrize("template", all_templates(), ids=lambda template: template.id)
def test_no_template_can_be_signed_as_it_is(template):
    text = ReportText(template.technique, template.findings, template.impression)
    found = codes(text, template=template)
    assert found["placeholder"] is True
    assert found["template-unedited"] is False


def test_a_template_with_only_its_placeholders_filled_is_flagged_as_unedited():
    template = find_template("T6")
    assert template is not None
    text = ReportText("12导联同步。", template.findings, "1.窦性心律。\n2.正常范围心电图。")
    assert codes(text, template=template) == {"template-unedited": False}


def test_empty_findings_or_impression_block_and_an_empty_technique_is_shown():
    assert codes(ReportText("", " \n", "")) == {
        "empty-findings": True, "empty-impression": True, "empty-technique": False}


@pytest.mark.parametrize(("findings", "impression"), [
    ("右侧胸腔见无肺纹理区，右肺受压约60%。", "左侧气胸。"),
    ("右侧气胸，肺组织压缩约60%;左肺纹理清晰。", "左侧气胸，肺压缩约60%。"),
    ("左侧第5肋骨骨折，右侧肋骨未见骨折。", "右侧第5肋骨骨折。"),
])
def test_a_side_that_contradicts_the_findings_blocks(findings, impression):
    assert codes(ReportText("正位", findings, impression))["laterality"] is True


@pytest.mark.parametrize(("findings", "impression"), [
    ("右侧气胸，肺组织压缩约60%;左肺未见实变。", "右侧气胸。"),
    ("两侧胸腔积液。", "双侧胸腔积液。"),
    ("左肺上叶结节，大小约5mm左右。", "左肺上叶结节。"),
    ("左侧胸腔未见积液，右侧胸腔积液。", "右侧胸腔积液。"),
    ("双肺纹理增粗。", "右肺较著。"),
])
def test_matching_sides_are_left_alone(findings, impression):
    assert "laterality" not in codes(ReportText("正位", findings, impression))


def test_the_side_of_a_sentence_holds_until_another_is_named():
    assert sides_by_term("右侧胸腔见无肺纹理区，肺组织压缩约60%") == {"压缩": frozenset("右")}


def test_a_side_that_was_not_ordered_is_shown():
    study = replace(a_study(), description="左膝关节正侧位")
    assert codes(ReportText("正侧位", "右膝髌骨骨折。", "右膝髌骨骨折。"), study=study) == {"laterality-order": False}


@pytest.mark.parametrize(("sex", "word", "is_flagged"), [
    ("F", "前列腺增大。", True), ("M", "子宫肌瘤。", True), ("M", "前列腺增大。", False), ("", "子宫肌瘤。", False)])
def test_an_organ_of_the_other_sex_is_shown(sex, word, is_flagged):
    study = a_study()
    study = replace(study, patient=replace(study.patient, sex=sex))
    assert ("sex-organ" in codes(ReportText("盆腔", word, "见上。"), study=study)) is is_flagged


def test_images_that_came_after_the_draft_are_shown():
    study = replace(a_study(), instance_count=3)
    assert codes(a_text(), study=study, seen=2) == {"late-images": False}
    assert codes(a_text(), reading=replace(a_reading(a_study()), late_instances=1)) == {"late-images": False}


def test_a_critical_mark_and_the_words_must_agree():
    text = a_text()
    assert codes(replace(text, is_critical=True)) == {"critical-not-mentioned": False}
    said = replace(text, impression=text.impression + "属危急值，已电话通知。")
    assert codes(said) == {"critical-not-marked": False}
    assert codes(replace(text, is_critical=True, impression=text.impression + "属危急值。")) == {}


def test_a_positive_mark_with_a_normal_impression_is_shown():
    assert codes(ReportText("正位", "心肺膈未见异常。", "胸部正位片未见明确异常。", is_positive=True)) == {
        "positive-but-normal": False}


def test_a_guessed_or_missing_name_is_shown():
    study = a_study()
    patient = study.patient
    guessed = replace(patient, name=replace(patient.name, confidence=Confidence.GUESSED))
    nameless = replace(patient, name=replace(patient.name, display=""))
    assert codes(a_text(), study=replace(study, patient=guessed)) == {"patient-name-guessed": False}
    assert codes(a_text(), study=replace(study, patient=nameless)) == {"patient-nameless": False}


def test_a_character_that_no_font_prints_is_named_with_its_code():
    study = a_study()
    [check] = sign_checks(a_text(), study=study, reading=a_reading(study), template=None, seen_instances=1,
                          unprintable="\U0002CB2E")
    assert check.code == "missing-glyph"
    assert "U+2CB2E" in check.detail
