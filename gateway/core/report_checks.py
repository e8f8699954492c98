"""What is looked at before a report may be signed (F7), as data: the screen shows each finding, some of them block.

These are checks of words against words and against the record. None of them reads an image or names a disease (K1).
Blocking are faults that the writer can mend in the text; what may be a fault of the record (a wrong sex in the
registration, a late image) is shown and left to the doctor. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.core.ecg_report_text import has_unconfirmed
from gateway.core.report_templates import ReportTemplate
from storage.model import Confidence, Reading, ReportText, Study

PLACEHOLDER = re.compile(r"【[^】]*】?")
_FIELDS = ("technique", "findings", "impression")
_FIELD_WORDS = {"technique": "检查方法", "findings": "所见", "impression": "诊断意见"}
_MALE_ONLY = ("前列腺", "精囊", "睾丸", "附睾", "阴茎", "阴囊", "精索")
_FEMALE_ONLY = ("子宫", "卵巢", "输卵管", "阴道", "宫颈", "胎儿", "胎盘", "胎心", "妊娠", "孕囊", "羊水")
_SIDED = ("气胸", "液气胸", "积液", "骨折", "脱位", "结节", "肿块", "实变", "渗出", "肺不张", "占位", "结石", "积水",
          "囊肿", "出血", "血肿", "梗死", "束支", "分支阻滞", "肥大", "压缩", "肿胀", "撕裂", "狭窄", "扩张")
_NEGATION = re.compile(r"未见|未发现|未探及|无明显|无确切|不伴|除外|排除|否认|没有")
_NOT_A_SIDE = re.compile(r"\d\s*(?:%|mm|cm|ml|次/分)?\s*左右|左右(?:对称|两侧|径)|大小左右")
_SENTENCE = re.compile(r"[。;\uff1b\n]")
_CLAUSE = re.compile(r"[,\uff0c、]")


@dataclass(frozen=True, slots=True)
class SignCheck:
    """One thing that was found. `field` is technique, findings, impression, or "" for the whole report."""

    code: str
    field: str
    detail: str
    is_blocking: bool


def sign_checks(text: ReportText, *, study: Study, reading: Reading, template: ReportTemplate | None,
                seen_instances: int, unprintable: str = "") -> list[SignCheck]:
    """Return what was found, blocking ones first.

    Parameters
    ----------
    template
        The one that the text was begun from, if any.
    seen_instances
        How many instances the draft rests on; fewer than the study has means that images came after it was written.
    unprintable
        Characters that no font here can print.
    """
    found = [
        *_placeholders(text), *_empty(text), *_laterality(text, study), *_sex(text, study.patient.sex),
        *_unedited(text, template), *_late(study, reading, seen_instances), *_conclusion(text),
        *_identity(study), *_unprintable(unprintable), *_unconfirmed(text),
    ]
    return sorted(found, key=lambda check: not check.is_blocking)


def _placeholders(text: ReportText) -> list[SignCheck]:
    return [SignCheck("placeholder", field, f"{_FIELD_WORDS[field]}还有未填写的 {hit}", True)
            for field in _FIELDS for hit in PLACEHOLDER.findall(getattr(text, field))]


def _empty(text: ReportText) -> list[SignCheck]:
    return [SignCheck(f"empty-{field}", field, f"{_FIELD_WORDS[field]}是空的", field != "technique")
            for field in _FIELDS if not getattr(text, field).strip()]


def _laterality(text: ReportText, study: Study) -> list[SignCheck]:
    found = []
    in_findings, in_impression = sides_by_term(text.findings), sides_by_term(text.impression)
    for term in sorted(in_findings.keys() & in_impression.keys()):
        here, there = in_findings[term], in_impression[term]
        if here and there and not here & there:
            found.append(SignCheck("laterality", "impression", f"“{term}”：所见写{_names(here)}，诊断意见写"
                                   f"{_names(there)}", True))
    all_findings, all_impression = _sides(text.findings), _sides(text.impression)
    if not found and len(all_impression) == 1 and len(all_findings) == 1 and all_findings != all_impression:
        found.append(SignCheck("laterality", "impression", f"所见只提到{_names(all_findings)}，诊断意见只提到"
                               f"{_names(all_impression)}", True))
    ordered = _sides(f"{study.description}。{study.body_part}")
    if len(ordered) == 1 and len(all_impression) == 1 and ordered != all_impression:
        found.append(SignCheck("laterality-order", "impression", f"检查项目是{_names(ordered)}，诊断意见写"
                               f"{_names(all_impression)}", False))
    return found


def sides_by_term(text: str) -> dict[str, frozenset[str]]:
    """For each word that has a side and is not denied, the sides it is said of: 左, 右 or both."""
    found: dict[str, set[str]] = {}
    for sentence in _SENTENCE.split(text):
        side: frozenset[str] = frozenset()
        for clause in _CLAUSE.split(sentence):
            side = _sides(clause) or side            # "右侧胸腔…,肺组织压缩" keeps the side of its sentence
            denied = _NEGATION.search(clause)
            for term in _SIDED:
                at = clause.find(term)
                if at >= 0 and not (denied and denied.start() < at):
                    found.setdefault(term, set()).update(side)
    return {term: frozenset(sides) for term, sides in found.items()}


def _sides(text: str) -> frozenset[str]:
    text = _NOT_A_SIDE.sub("", text)
    if re.search(r"[双两]侧|[双两](?:肺|肾|膝|踝|手|足|髋|肩)", text):
        return frozenset("左右")
    upper = {"L": "左", "R": "右", "LEFT": "左", "RIGHT": "右"}
    latin = {upper[word] for word in re.findall(r"[A-Z]+", text.upper()) if word in upper and len(word) > 1}
    return frozenset({side for side in "左右" if side in text} | latin)


def _names(sides: frozenset[str]) -> str:
    return "双侧" if len(sides) == 2 else "".join(sides) + "侧"


def _sex(text: ReportText, sex: str) -> list[SignCheck]:
    words, patient = {"F": (_MALE_ONLY, "女"), "M": (_FEMALE_ONLY, "男")}.get(sex, ((), ""))
    return [SignCheck("sex-organ", field, f"登记性别为{patient}，报告写了“{word}”", False)
            for field in _FIELDS for word in words if word in getattr(text, field)]


def _unedited(text: ReportText, template: ReportTemplate | None) -> list[SignCheck]:
    if template is None:
        return []
    return [SignCheck("template-unedited", field, f"{_FIELD_WORDS[field]}与模板“{template.name}”完全相同", False)
            for field in ("findings", "impression")
            if _is_template(getattr(text, field), getattr(template, field))]


def _is_template(text: str, template: str) -> bool:
    pattern = ".{0,60}?".join(re.escape(part) for part in PLACEHOLDER.split(template.strip()))
    return re.fullmatch(pattern, text.strip(), re.DOTALL) is not None


def _late(study: Study, reading: Reading, seen_instances: int) -> list[SignCheck]:
    late = max(reading.late_instances, study.instance_count - seen_instances)
    return [SignCheck("late-images", "", f"书写之后又到了 {late} 幅图像，请先看完", False)] if late > 0 else []


def _conclusion(text: ReportText) -> list[SignCheck]:
    found = []
    if text.is_critical and "危急" not in text.impression + text.findings:
        found.append(SignCheck("critical-not-mentioned", "impression", "已标记危急值，报告正文没有写明", False))
    if not text.is_critical and "危急值" in text.impression:
        found.append(SignCheck("critical-not-marked", "impression", "诊断意见写了危急值，但没有标记", False))
    if text.is_positive and re.fullmatch(r"[^。]*未见(?:明确|明显)?异常。?", text.impression.strip()):
        found.append(SignCheck("positive-but-normal", "impression", "标记为阳性，诊断意见却是未见异常", False))
    return found


def _identity(study: Study) -> list[SignCheck]:
    name = study.patient.name
    if not name.display.strip():
        return [SignCheck("patient-nameless", "", "没有患者姓名，请核对患者身份", False)]
    if name.confidence is Confidence.GUESSED:
        return [SignCheck("patient-name-guessed", "", f"患者姓名“{name.display}”的字符集是推断的，请核对", False)]
    return []


def _unconfirmed(text: ReportText) -> list[SignCheck]:
    """What is still called unconfirmed cannot be signed by a physician, in brackets or out of them (K2)."""
    words = "里还有标为“未经医师确认”的内容，请核对后再改"
    return [SignCheck("unconfirmed", field, _FIELD_WORDS[field] + words, True)
            for field in _FIELDS if has_unconfirmed(getattr(text, field))]


def _unprintable(characters: str) -> list[SignCheck]:
    if not characters:
        return []
    codes = " ".join(f"U+{ord(character):04X}" for character in characters)
    return [SignCheck("missing-glyph", "", f"本机字体没有这些字，打印为编码：{characters}({codes})", False)]
