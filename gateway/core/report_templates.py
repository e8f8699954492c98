"""Report templates by modality and body part: normal text that is offered, never pre-signed.

What stands in 【】 must be filled in or removed before signing (see report.placeholders). The words live in
templates.json beside this file, so that an alliance can change them without touching code. Pure: packaged data only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class ReportTemplate:
    """`hints` are shown beside the editor (必查提示) and never become part of the report."""

    id: str
    name: str
    name_en: str
    modalities: tuple[str, ...]          # DICOM modality codes; "ECG" for every electrocardiogram
    body_parts: tuple[str, ...]          # words looked for in Body Part Examined and the study's description
    technique: str
    findings: str
    impression: str
    hints: str


@cache
def all_templates() -> tuple[ReportTemplate, ...]:
    """Every template, in the order of the file."""
    text = resources.files("gateway.core").joinpath("templates.json").read_text(encoding="utf-8")
    return tuple(ReportTemplate(**item | {"modalities": tuple(item["modalities"]),
                                          "body_parts": tuple(item["body_parts"])}) for item in json.loads(text))


def find_template(template_id: str) -> ReportTemplate | None:
    """The template of that id."""
    return next((template for template in all_templates() if template.id == template_id), None)


def templates_for(modality: str, body_part: str, kind: str) -> list[ReportTemplate]:
    """Return what may be offered for a study, the best first; nothing when no template speaks of the modality.

    Parameters
    ----------
    modality
        DICOM modality code, e.g. "DX".
    body_part
        Body Part Examined, or any words that name it; Chinese is understood.
    kind
        "ecg" or "image", as screens show a study.
    """
    wanted = "ECG" if kind == "ecg" else modality.upper()
    offered = [template for template in all_templates() if wanted in template.modalities]
    return sorted(offered, key=lambda template: not names_body_part(template, body_part))


def names_body_part(template: ReportTemplate, body_part: str) -> bool:
    """True if the words name a part that the template is for."""
    words = set(re.findall(r"[A-Z]+", body_part.upper()))
    whole = re.sub(r"[^A-Z]", "", body_part.upper())
    return any(part in words or whole.endswith(part) if part.isascii() else part in body_part
               for part in template.body_parts)
