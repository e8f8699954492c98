"""The marks of an aECG series: waves with onset and offset, peaks and beats, over all leads or in one.

A wave is an annotation MDC_ECG_WAVC whose value names it and whose supporting region bounds it in time, absolutely or
from the series' start; a peak is nested in its wave. A beat without a region of its own says nothing about time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from gateway.core.waveform import EcgMark
from gateway.formats import lead_names
from gateway.formats.aecg_sequences import code_of
from gateway.formats.cart_xml import number
from gateway.formats.hl7_time import parse_time
from gateway.formats.safe_xml import Element
from gateway.formats.units import SECONDS

GATEWAY = "READING-GATEWAY"              # code system name of what MDC has no code for
MAX_MARKS = 20_000
_WAVES = {                               # wave → what its bounds and its peak are called
    "MDC_ECG_WAVC_PWAVE": ("p_onset", "p_offset", "p_peak"),
    "MDC_ECG_WAVC_QRSWAVE": ("qrs_onset", "qrs_offset", "r_peak"),
    "MDC_ECG_WAVC_RWAVE": ("r_onset", "r_offset", "r_peak"),
    "MDC_ECG_WAVC_TWAVE": ("t_onset", "t_offset", "t_peak"),
    "MDC_ECG_WAVC_QRSTWAVE": ("qrs_onset", "t_offset", "r_peak"),
}


def marks_of(series: Element, time_zone: tzinfo, *, start: datetime | None, start_us: float | None,
             is_on_beat: bool = False) -> Iterator[EcgMark]:
    """Marks of one series, in the order of the file. `start` or `start_us` is where its samples begin."""
    clock = _Clock(time_zone, start, start_us or 0.0)
    left = MAX_MARKS
    for subject in series.all("subjectOf"):
        for annotation in subject.walk("annotation"):
            for kind, at_us, lead, text in _of_annotation(annotation, clock):
                left -= 1
                if left < 0:
                    return
                yield EcgMark(kind, at_us, lead=lead, is_on_representative_beat=is_on_beat, text=text)


class _Clock:
    """Turns the times of a series into µs after its first sample."""

    def __init__(self, time_zone: tzinfo, start: datetime | None, start_us: float) -> None:
        self._time_zone, self._start, self._start_us = time_zone, start, start_us

    def at_us(self, value: Element | None) -> float | None:
        if value is None or not value.get("value"):
            return None
        unit = value.get("unit")
        if unit:
            quantity, seconds = number(value.get("value")), SECONDS.get(unit)
            if quantity is None or seconds is None:
                return None
            return float(quantity * seconds * 1_000_000) - self._start_us
        at = parse_time(value.get("value"), self._time_zone)
        return (at - self._start).total_seconds() * 1e6 if at is not None and self._start is not None else None


def _of_annotation(annotation: Element, clock: _Clock) -> Iterator[tuple[str, float, str, str]]:
    code, value = code_of(annotation).upper(), annotation.child("value")
    low, high, point, lead = _region(annotation, clock)
    if code in ("MDC_ECG_WAVC", "MDC_ECG_WAVC_TYPE") and value is not None:
        names = _WAVES.get(value.get("code").upper())
        if names is None:
            return
        for name, at_us in zip(names, (low, high, point), strict=True):
            if at_us is not None:
                yield name, at_us, lead, ""
        for nested in (a for c in annotation.all("component") for a in c.all("annotation")):
            inner = nested.child("value")
            if inner is not None and inner.get("code").upper() == "MDC_ECG_WAVC_PEAK":
                *_, peak, peak_lead = _region(nested, clock)
                if peak is not None:
                    yield names[2], peak, peak_lead, ""
    elif code == "MDC_ECG_BEAT" and (point is not None or low is not None):
        yield "beat", point if point is not None else low or 0.0, lead, _words(value)
    elif _is_ours(annotation) and point is not None:
        yield code.lower(), point, lead, _words(value)


def _region(annotation: Element, clock: _Clock) -> tuple[float | None, float | None, float | None, str]:
    """Low, high and single point in µs, and the lead, of the supporting region."""
    low = high = point = None
    lead = ""
    support = annotation.find("support", "supportingROI")
    for boundary in (b for c in support.all("component") for b in c.all("boundary")) if support is not None else ():
        code, value = code_of(boundary), boundary.child("value")
        if code.startswith("TIME_") and value is not None:
            low, high = clock.at_us(value.child("low")), clock.at_us(value.child("high"))
            point = clock.at_us(value)
        else:
            lead = lead_names.by_code(code) or lead
    return low, high, point, lead


def _is_ours(annotation: Element) -> bool:
    code = annotation.child("code")
    return code is not None and code.get("codeSystemName") == GATEWAY


def _words(value: Element | None) -> str:
    return (value.words() or value.get("displayName")) if value is not None else ""
