"""Print one version of a report: A4, PDF/A-2b, made by typst from a `ReportSheet`.

The words are handed over as data, never as markup. With the same sheet and the same time the bytes are the same.
Fonts: the subset in fonts/ first, then whatever the system has; a character that no font can show is printed as its
code and reported by `unprintable`, never as a silent box.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

import typst

from gateway.core.errors import GatewayError
from gateway.core.report import ReportSheet, state_words, to_the_minute
from gateway.reports.ecg_page import EcgPage
from storage.model import ReportState

_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "report.typ"
_DRAFTS = (ReportState.DRAFT, ReportState.SUBMITTED)


class ReportNotPrinted(GatewayError):
    """The page could not be made; nothing was signed."""

    reason = "report-not-printed"


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """What is printed of the signature; the signature itself is put in afterwards, over the printed page."""

    signer: str
    signed_at: datetime
    certificate_serial: str
    issuer: str
    notice: str                          # 测试证书… for a test certificate, "" for a real one


def render_pdf(sheet: ReportSheet, *, text_sha256: str, at: datetime, zone: tzinfo,
               signature: SignatureLine | None, trace: EcgPage | None = None) -> bytes:
    """Return the page.

    Parameters
    ----------
    at
        Time of making: in the document's information, and what makes the bytes repeatable.
    signature
        None for a draft, which carries the watermark 草稿.
    trace
        The drawn ECG, for a page of its own behind the words.

    Raises
    ------
    ReportNotPrinted
        Typst refused; the message says why.
    """
    data = _data(sheet, text_sha256=text_sha256, at=at, zone=zone, signature=signature)
    data["trace"] = _trace(trace, sheet)
    missing = unprintable(_all_words(data))
    if missing:
        data = _spelled_out(data, missing)
    return _compile(_TEMPLATE, json.dumps(data, ensure_ascii=False), at=at)


def unprintable(text: str, *, with_system_fonts: bool = True) -> str:
    """Return the characters of the text that no font on this machine can show, each once, in order."""
    characters = "".join(dict.fromkeys(c for c in text if not c.isspace() and unicodedata.category(c) != "Cc"))
    if _prints(characters, with_system_fonts):
        return ""
    return "".join(c for c in characters if not _prints(c, with_system_fonts))


def _prints(characters: str, with_system_fonts: bool) -> bool:
    source = b'#set text(font: "Gateway Report Sans")\n#sys.inputs.sheet'
    try:
        typst.compile(source, format="pdf", font_paths=_fonts(with_system_fonts), sys_inputs={"sheet": characters},
                      pdf_standards=["a-2b"], timestamp=0)
    except typst.TypstError as exc:
        # PDF/A forbids the box that stands for a missing glyph: that is how typst tells us.
        if "could not be displayed" in str(exc):
            return False
        raise ReportNotPrinted(str(exc)) from exc
    return True


def _compile(template: Path, sheet: str, *, at: datetime) -> bytes:
    try:
        return typst.compile(template, root=_HERE, format="pdf", font_paths=_fonts(True), sys_inputs={"sheet": sheet},
                             pdf_standards=["a-2b"], timestamp=int(at.timestamp()))
    except typst.TypstError as exc:
        raise ReportNotPrinted(str(exc)) from exc


@cache
def _fonts(with_system_fonts: bool) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=with_system_fonts, include_embedded_fonts=False,
                       font_paths=[_HERE / "fonts"])


def _data(sheet: ReportSheet, *, text_sha256: str, at: datetime, zone: tzinfo,
          signature: SignatureLine | None) -> dict[str, Any]:
    is_draft = sheet.state in _DRAFTS
    is_emergency = sheet.state is ReportState.PRELIMINARY
    identity = dict(sheet.identity)
    signed_at = to_the_minute(signature.signed_at, zone) if signature else "—"
    return {
        "document_title": f"{sheet.title} {identity.get('检查号', '')} 第{sheet.version}版",
        "date": list(at.astimezone(UTC).timetuple()[:6]),
        "centre_name": sheet.centre_name, "title": sheet.title,
        "requested_by": f"申请机构：{sheet.site_name}" + (f"  电话：{sheet.site_phone}" if sheet.site_phone else ""),
        "state_line": f"{state_words(sheet.state)}  第{sheet.version}版",
        "is_draft": is_draft, "is_emergency": is_emergency, "watermark": "草稿",
        "banner": "急诊临时报告" if is_emergency else "",
        "banner_note": "本报告由一名医师签发，供急诊处置参考；审核后另发正式报告，并以正式报告为准。",
        "identity": list(sheet.identity),
        "strong_label": "姓名",
        "sections": list(sheet.sections),
        "marks": [("危急值", "是" if sheet.is_critical else "否", sheet.is_critical),
                  ("结果", sheet.positive, False), ("互认标识", "—", False),
                  ("版本", f"第{sheet.version}版", False), ("诊断机构", sheet.centre_name, False),
                  ("报告时间", signed_at, False)],
        "people": [("书写医师", sheet.writer), ("书写时间", sheet.written_at),
                   ("审核医师", "待审核" if is_emergency else sheet.reviewer),
                   ("审核时间", signed_at if not is_draft and not is_emergency else "—")],
        "signature": [] if signature is None else [
            f"电子签名：{signature.signer}    签署时间：{signed_at}",
            f"证书号：{signature.certificate_serial}    签发者：{signature.issuer}",
            f"阅片依据：{sheet.evidence}",
        ],
        "signature_notice": signature.notice if signature else "",
        "advice": "本报告供临床医师参考；影像与临床不符时请及时联系诊断中心。" if not is_draft
                  else "草稿，未经签发，不得作为诊疗依据。",
        "text_hash_line": f"文本校验 SHA-256 {text_sha256}",
        "short_identity": f"{identity.get('姓名', '')}  {identity.get('检查号', '')}  第{sheet.version}版",
    }


def _trace(trace: EcgPage | None, sheet: ReportSheet) -> dict[str, Any] | None:
    if trace is None:
        return None
    said = dict(sheet.identity)
    return {"title": "心电图波形", "svg": trace.svg, "height_mm": trace.height_mm, "labels": list(trace.labels),
            "caption": trace.caption, "identity": "  ".join(
                said.get(label, "") for label in ("姓名", "性别", "年龄", "门诊/住院号", "检查号", "检查时间"))}


def _all_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(_all_words(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return "".join(_all_words(item) for item in value)
    return ""


def _spelled_out(value: Any, missing: str) -> Any:
    if isinstance(value, str):
        return "".join(f"[U+{ord(c):04X}]" if c in missing else c for c in value)
    if isinstance(value, dict):
        return {key: _spelled_out(item, missing) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled_out(item, missing) for item in value]
    return value
