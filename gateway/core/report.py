"""The one canonical text of a report: what is shown before signing, hashed, printed, and sent (F1, F3, F6).

A `ReportSheet` holds every word of the paper as display text. `canonical_text` puts them in one fixed order, and
the SHA-256 of that text is what a doctor signs: the PDF prints the same sheet, so none of its words can differ. The
moment of signing is not part of it (nobody knows it while reading); it stands in the signature. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from storage.model import Report, ReportState, Site, Study, User

UNKNOWN = "未提供"
_SEX = {"M": "男", "F": "女", "O": "其他"}
_KIND_TITLE = {"ECG": "心电图诊断报告单", "US": "超声诊断报告单", "CT": "CT诊断报告单", "MR": "磁共振诊断报告单"}
_SECTIONS = {"ECG": ("采集条件与测量", "心电图所见", "诊断意见"), "US": ("检查方法", "超声所见", "超声提示")}
_BODY_PART = {
    "CHEST": "胸部", "ABDOMEN": "腹部", "HEAD": "头部", "BRAIN": "颅脑", "SKULL": "颅骨", "NECK": "颈部",
    "PELVIS": "骨盆", "SPINE": "脊柱", "CSPINE": "颈椎", "TSPINE": "胸椎", "LSPINE": "腰椎", "SHOULDER": "肩部",
    "ELBOW": "肘部", "WRIST": "腕部", "HAND": "手部", "HIP": "髋部", "KNEE": "膝部", "ANKLE": "踝部", "FOOT": "足部",
    "HEART": "心脏", "LIVER": "肝脏", "KIDNEY": "肾脏", "BREAST": "乳腺",
}
_STATE = {
    ReportState.DRAFT: "草稿（未签发）", ReportState.SUBMITTED: "草稿（待审核，未签发）",
    ReportState.PRELIMINARY: "急诊临时报告（单签，待审核）", ReportState.FINAL: "正式报告",
    ReportState.REPLACED: "已被新版本替代",
}


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the ordering side said, in its order or, without one, with the images."""

    department: str = ""
    referring_physician: str = ""
    clinical_diagnosis: str = ""
    visit_number: str = ""                   # 门诊/住院号; without an order the Patient ID stands in


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """Every word of one printed version, ready to print."""

    centre_name: str
    site_name: str
    site_phone: str
    title: str
    state: ReportState                       # DRAFT and SUBMITTED print the watermark 草稿 (K5)
    version: int
    identity: tuple[tuple[str, str], ...]    # (label, value): who and which examination
    sections: tuple[tuple[str, str], ...]    # (heading, text): technique, findings, impression
    positive: str                            # 阳性 阴性 or 未标记
    is_critical: bool
    writer: str                              # name and title
    written_at: str                          # to the minute (F3)
    reviewer: str
    study_instance_uid: str
    evidence: str                            # how many objects the opinion rests on, and their joint hash


def make_sheet(*, report: Report, state: ReportState, version: int, study: Study, site: Site, centre_name: str,
               writer: User | None, written_at: datetime | None, reviewer: User | None, zone: tzinfo,
               read_from: tuple[str, ...], request: RequestFacts = RequestFacts()) -> ReportSheet:
    """Put together what one version says.

    Parameters
    ----------
    state, version
        What the sheet becomes: a reviewer is shown the text as FINAL before it is.
    reviewer
        None: nobody has reviewed it (draft, emergency).
    """
    text = report.text
    patient = study.patient
    headings = _SECTIONS.get(study.modality, ("检查方法", "影像所见", "诊断意见"))
    identity = (
        ("姓名", patient.name.display or UNKNOWN), ("性别", _SEX.get(patient.sex, UNKNOWN)),
        ("年龄", age_text(study.age_years, patient.birth_date, study.study_at)),
        ("门诊/住院号", request.visit_number or patient.patient_id or UNKNOWN),
        ("检查号", study.accession_number or UNKNOWN),
        ("科别", request.department or UNKNOWN),
        ("申请机构", site.name), ("申请医师", request.referring_physician or UNKNOWN),
        ("临床诊断", request.clinical_diagnosis or UNKNOWN),
        ("检查项目", study.description or UNKNOWN),
        ("检查部位", _BODY_PART.get(study.body_part.upper(), study.body_part) or UNKNOWN),
        ("检查时间", to_the_minute(study.study_at, zone)),
    )
    return ReportSheet(
        centre_name=centre_name, site_name=site.name, site_phone=site.phone,
        title=_KIND_TITLE.get(study.modality, "影像诊断报告单"), state=state, version=version, identity=identity,
        sections=tuple((heading, words.strip() or "(空)") for heading, words in
                       zip(headings, (text.technique, text.findings, text.impression), strict=True)),
        positive={True: "阳性", False: "阴性", None: "未标记"}[text.is_positive], is_critical=text.is_critical,
        writer=signatory(writer), written_at=to_the_minute(written_at, zone), reviewer=signatory(reviewer),
        study_instance_uid=study.study_instance_uid,
        evidence=f"{len(read_from)} 个原始对象，联合校验 {evidence_sha256(read_from)[:16]}",
    )


def canonical_text(sheet: ReportSheet) -> str:
    """Return the text that is shown and signed: fixed order, one line feed a line, no line for what cannot differ."""
    lines = [
        sheet.centre_name, sheet.title,
        f"{state_words(sheet.state)} 第{sheet.version}版", "",
        *(f"{label}\uff1a{value}" for label, value in sheet.identity),
        f"诊断机构：{sheet.centre_name}", f"检查实例号：{sheet.study_instance_uid}", "",
    ]
    for heading, text in sheet.sections:
        lines += [f"{heading}\uff1a", *(line.rstrip() for line in text.splitlines()), ""]
    lines += [
        f"阳性结果：{sheet.positive}", f"危急值：{'是' if sheet.is_critical else '否'}",
        f"书写医师：{sheet.writer} 书写时间：{sheet.written_at}",
        f"审核医师：{sheet.reviewer}", f"阅片依据：{sheet.evidence}",
    ]
    return "\n".join(lines) + "\n"


def text_sha256(text: str) -> str:
    """SHA-256 of the canonical text, hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def evidence_sha256(read_from: tuple[str, ...]) -> str:
    """One hash over the object hashes, in sorted order: a late image changes it."""
    return hashlib.sha256("\n".join(sorted(read_from)).encode("ascii")).hexdigest()


def derived_uid(*names: str) -> str:
    """Return a 2.25 UID that is always the same for the same names (PS3.5 B.2): a repeat is the same object."""
    digest = bytearray(hashlib.sha256("/".join(names).encode("utf-8")).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80      # UUID version 8: made by the owner's own rule
    digest[8] = digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(bytes(digest), 'big')}"


def state_words(state: ReportState) -> str:
    """The state as printed."""
    return _STATE[state]


def signatory(user: User | None) -> str:
    """Name and title as printed beside a signature, or a dash."""
    return "—" if user is None else f"{user.display_name} {user.title}".strip()


def to_the_minute(moment: datetime | None, zone: tzinfo) -> str:
    """Local date and time to the minute (F3)."""
    return UNKNOWN if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def age_text(age_years: float | None, birth_date: date | None, at: datetime | None) -> str:
    """Years; below one year months, below one month days."""
    if age_years is None and birth_date is not None and at is not None:
        age_years = (at.date() - birth_date).days / 365.2425
    if age_years is None or age_years < 0:
        return UNKNOWN
    if age_years >= 1:
        return f"{int(age_years + 1e-6)}岁"
    months = int(age_years * 12 + 1e-6)
    return f"{months}个月" if months else f"{round(age_years * 365.2425)}天"


def request_facts(attributes: dict[str, Any]) -> RequestFacts:
    """Read what the images say of the request (DICOM JSON of one instance, keys by tag)."""
    return RequestFacts(
        department=_first(attributes, "00321033") or _first(attributes, "00081040"),
        referring_physician=_first(attributes, "00080090"),
        clinical_diagnosis=_first(attributes, "00081080") or _first(attributes, "00321030"),
    )


def _first(attributes: dict[str, Any], tag: str) -> str:
    values = (attributes.get(tag) or {}).get("Value") or [""]
    value = values[0]
    if isinstance(value, dict):              # person name: component groups
        value = value.get("Ideographic") or value.get("Alphabetic") or ""
    return str(value).replace("^", " ").strip()
