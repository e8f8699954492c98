"""From what is kept of an ECG's analysis to what a screen is sent; no decision in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.http.messages.ecg_analysis import EcgHintView, PriorityHintView


def ecg_hint_view(hint: Mapping[str, Any]) -> EcgHintView:
    """One technical fault, as kept by core.ecg_analysis_record."""
    return EcgHintView(kind=hint["kind"], leads=list(hint["leads"]), value=hint["value"], unit=hint["unit"],
                       is_repeat_advised=hint["is_repeat_advised"], detail=hint["detail"])


def priority_hint_view(hint: Mapping[str, Any]) -> PriorityHintView:
    """One hint, as kept beside a decision by core.ecg_priority."""
    return PriorityHintView(**hint)
