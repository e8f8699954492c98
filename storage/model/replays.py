"""A decision as a simulation replays it: what was known, what came out, and when the report was really signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredReplay:
    """The newest decision of a study (or each one), with what of the study the due time hangs on. No patient data."""

    decision_id: str
    study_id: str
    site_id: str
    at: datetime
    rules_version: int
    facts: dict[str, Any]
    inputs: dict[str, Any]               # {} before decisions kept them
    outcome: dict[str, Any]              # {} before decisions kept them
    hints: list[dict[str, Any]]
    group: str
    reader: str | None                   # login
    priority: str
    due_at: datetime
    tags: tuple[str, ...]
    modality: str
    body_part: str
    urgency: str
    completed_at: datetime | None
    signed_at: datetime | None           # of the first signed version
