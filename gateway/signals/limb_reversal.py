"""Suspect that limb electrodes were swapped, by the signs that textbooks and Kligfield et al. 2007 give.

LA/RA: I upside down in P, QRS and T while aVR stands upright; with dextrocardia the same is seen, but there the R
waves shrink from V1 to V6, so the chest leads must grow as usual. An arm swapped with the right leg leaves one limb
lead nearly flat, because both its electrodes then see the legs: II for RA/RL, III for LA/RL. LA/LL turns III over and
swaps I with II, and RA/LL turns II over: both look like another axis, so only P waves that no sinus rhythm makes are
taken (P in III upright and taller than in II with P in I taller than in II; P and QRS upside down in II and aVF and
aVR upright). The wording is "suspected": a sign, never a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gateway.core.ecg_analysis import QualityHint, QualityKind
from gateway.signals.median_beats import DominantBeat
from gateway.signals.traces import LIMB_LEADS, Signal

_FLAT_SHARE = 0.12                    # of the next larger of I, II, III, peak to peak
_FLAT_UV = 150.0
_MIN_P_UV, _MIN_QRS_UV = 25.0, 150.0


def reversal_hints(beat: DominantBeat | None, fiducials_us: Mapping[str, float], *,
                   do_leads_agree: bool = True) -> list[QualityHint]:
    """At most one hint, of the swap that explains the most. Leads that disagree (I + III ≠ II) are not compared."""
    if beat is None or len(beat.rows(LIMB_LEADS)) < 6 or "qrs_onset" not in fiducials_us:
        return []
    waves = _Waves(beat, fiducials_us)
    flat = _flat_lead(waves)
    if flat:
        return [_hint(*flat)]
    if _is_dextro_like(waves) and _chest_grows(waves):
        return [_hint("LA/RA", ("I", "aVR", "aVL"))]
    if waves.has_p and waves.p("II") < -_MIN_P_UV and waves.p("aVR") > _MIN_P_UV and waves.p("I") < 0 \
            and waves.qrs("II") < -_MIN_QRS_UV / 2 and waves.qrs("aVR") > 0:
        return [_hint("RA/LL", ("II", "aVR", "aVF"))]
    if do_leads_agree and waves.has_p and waves.p("I") > waves.p("II") + _MIN_P_UV and waves.p("III") < -_MIN_P_UV \
            and waves.p("II") > 0 and waves.qrs("III") < -_MIN_QRS_UV and waves.t("III") < 0:
        return [_hint("LA/LL", ("I", "II", "III"))]
    return []


@dataclass(frozen=True, slots=True)
class _Waves:
    """Signed sizes of waves: the extreme of larger size between two fiducials, against the rest before the QRS."""

    beat: DominantBeat
    fiducials_us: Mapping[str, float]

    @property
    def has_p(self) -> bool:
        return "p_onset" in self.fiducials_us

    def p(self, lead: str) -> float:
        part = self._part(lead, "p_onset", "p_offset")
        if not len(part):
            return 0.0
        part = part - np.linspace(part[0], part[-1], len(part))
        return _extreme(part)

    def qrs(self, lead: str) -> float:
        """Net: R minus the deeper of Q and S."""
        part = self._part(lead, "qrs_onset", "qrs_offset")
        return float(part.max(initial=0.0) + part.min(initial=0.0))

    def r(self, lead: str) -> float:
        return float(self._part(lead, "qrs_onset", "qrs_offset").max(initial=0.0))

    def t(self, lead: str) -> float:
        return _extreme(self._part(lead, "qrs_offset", "t_offset"))

    def whole_span(self, lead: str) -> float:
        return float(np.ptp(self._row(lead)))

    def _row(self, lead: str) -> Signal:
        row: Signal = self.beat.average_uv[self.beat.names.index(lead)]
        return row

    def _part(self, lead: str, begin: str, end: str) -> Signal:
        if lead not in self.beat.names or begin not in self.fiducials_us or end not in self.fiducials_us:
            return np.empty(0)
        first, last = (round(self.fiducials_us[name] / self.beat.interval_us) for name in (begin, end))
        return self._row(lead)[first:last + 1]


def _extreme(part: Signal) -> float:
    return float(part[np.abs(part).argmax()]) if len(part) else 0.0


def _flat_lead(waves: _Waves) -> tuple[str, tuple[str, ...]] | None:
    spans = {lead: waves.whole_span(lead) for lead in ("I", "II", "III")}
    lead = min(spans, key=lambda name: spans[name])
    others = min(value for name, value in spans.items() if name != lead)
    if lead == "I" or spans[lead] > _FLAT_SHARE * others or spans[lead] > _FLAT_UV:
        return None
    return ("RA/RL" if lead == "II" else "LA/RL"), (lead,)


def _is_dextro_like(waves: _Waves) -> bool:
    is_upside_down = waves.qrs("I") < -_MIN_QRS_UV and waves.qrs("aVR") > 0 and waves.t("I") <= 0
    return is_upside_down and waves.has_p and waves.p("I") < -_MIN_P_UV and waves.p("aVR") > -_MIN_P_UV / 2


def _chest_grows(waves: _Waves) -> bool:
    """R in V5 or V6 larger than in V1, as the left ventricle makes it; False too without chest leads."""
    left = max(waves.r("V5"), waves.r("V6"))
    return left > 300 and left > waves.r("V1") * 1.2


def _hint(swap: str, leads: tuple[str, ...]) -> QualityHint:
    return QualityHint(QualityKind.LIMB_REVERSAL, leads, None, "", swap in ("LA/RA", "RA/RL", "LA/RL"), swap)
