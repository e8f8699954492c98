"""Suspect that limb electrodes were swapped, by the signs that textbooks and Kligfield et al. 2007 give.

LA/RA: lead I is upside down, P wave too, so it runs against V6, which it otherwise resembles, while III (now the old
II) goes with V6; with dextrocardia I is upside down as well, but there the R waves do not grow from V1 to V5 and V6.
RA/LL: II and III are upside down against V6, P too. An arm swapped with the right leg leaves one limb lead nearly
flat, because both its electrodes then see the legs: II for RA/RL, III for LA/RL. LA/LL looks like another axis; only
P waves that no sinus rhythm makes (taller in I than in II and upside down in III, QRS and T with them) are taken, so
most such swaps pass unseen. The wording is "suspected": a sign, never a finding. Without V5 or V6 only the flat lead
can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gateway.core.ecg_analysis import QualityHint, QualityKind
from gateway.signals.median_beats import DominantBeat
from gateway.signals.traces import LIMB_LEADS, Signal

_FLAT_SHARE = 0.07                    # of the next larger of I, II, III, peak to peak
_FLAT_UV = 150.0
_MIN_P_UV, _MIN_QRS_UV, _NARROW_US = 15.0, 150.0, 120_000


def reversal_hints(beat: DominantBeat | None, fiducials_us: Mapping[str, float], *,
                   do_leads_agree: bool = True) -> list[QualityHint]:
    """At most one hint, of the swap that explains the most. Leads that disagree (I + III ≠ II) are not compared."""
    if beat is None or len(beat.rows(LIMB_LEADS)) < 6 or "qrs_onset" not in fiducials_us:
        return []
    waves = _Waves(beat, fiducials_us)
    flat = _flat_lead(waves)
    if flat:
        return [_hint(*flat)]
    if waves.is_against("I") and waves.likeness("III") > 0 and _chest_grows(waves):
        return [_hint("LA/RA", ("I", "aVR", "aVL"))]
    if waves.is_against("II") and waves.likeness("III") < -0.3 and _chest_grows(waves):
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

    def likeness(self, lead: str) -> float:
        """Correlation with V6 (V5 without it) from P to T; 0 if it says nothing."""
        chest = next((name for name in ("V6", "V5") if name in self.beat.names and self.whole_span(name) > 100), None)
        if chest is None:
            return 0.0
        r, rate = self.beat.r_index, self.beat.rate
        part = slice(r - round(0.2 * rate), r + round(0.36 * rate))
        a, b = self._row(lead)[part], self._row(chest)[part]
        a, b = a - a.mean(), b - b.mean()
        size = float(np.sqrt((a**2).sum() * (b**2).sum()))
        return float((a * b).sum()) / size if size else 0.0

    def is_against(self, lead: str) -> bool:
        """True for a lead that mirrors the left chest leads, P too; without P the QRS must be narrow and clear."""
        if self.has_p:
            return self.likeness(lead) < -0.5 and self.p(lead) < -_MIN_P_UV
        width_us = self.fiducials_us["qrs_offset"] - self.fiducials_us["qrs_onset"]
        return self.likeness(lead) < -0.65 and self.qrs(lead) < -_MIN_QRS_UV and width_us < _NARROW_US

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


def _chest_grows(waves: _Waves) -> bool:
    """R in V5 or V6 larger than in V1, as the left ventricle makes it; False too without chest leads."""
    left = max(waves.r("V5"), waves.r("V6"))
    return left > 200 and left > waves.r("V1") * 1.2


def _hint(swap: str, leads: tuple[str, ...]) -> QualityHint:
    return QualityHint(QualityKind.LIMB_REVERSAL, leads, None, "", swap != "LA/LL", swap)
