"""What an aECG says beside its samples: the cart's measurements, its statements, and the filters in force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from gateway.formats.aecg_marks import GATEWAY
from gateway.formats.aecg_sequences import code_of
from gateway.formats.cart_xml import number
from gateway.formats.filter_text import filter_text
from gateway.formats.safe_xml import Element

MEASUREMENT_CODES: Mapping[str, str] = {
    "MDC_ECG_HEART_RATE": "heart_rate_bpm",
    "MDC_ECG_HEART_RATE_ATRIAL": "atrial_rate_bpm",
    "MDC_ECG_TIME_PD_RR": "rr_ms",
    "MDC_ECG_TIME_PD_PP": "pp_ms",
    "MDC_ECG_TIME_PD_P": "p_ms",
    "MDC_ECG_TIME_PD_PR": "pr_ms",
    "MDC_ECG_TIME_PD_PQ": "pr_ms",
    "MDC_ECG_TIME_PD_QRS": "qrs_ms",
    "MDC_ECG_TIME_PD_QT": "qt_ms",
    "MDC_ECG_TIME_PD_QTC": "qtc_ms",
    "MDC_ECG_TIME_PD_QTCB": "qtc_bazett_ms",
    "MDC_ECG_TIME_PD_QTCF": "qtc_fridericia_ms",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis_deg",
    "MDC_ECG_ANGLE_QRS_FRONT": "qrs_axis_deg",
    "MDC_ECG_ANGLE_T_FRONT": "t_axis_deg",
    "MDC_ECG_QRS_COUNT": "qrs_count",
    "MINDRAY_ECG_P_AXIS": "p_axis_deg",
    "MINDRAY_ECG_QRS_AXIS": "qrs_axis_deg",
    "MINDRAY_ECG_T_AXIS": "t_axis_deg",
}
CRITICAL = "critical"
_OUR_KEY = re.compile(r"[a-z][a-z0-9_]{1,60}$")
_TO_MS = {"ms": Decimal(1), "s": Decimal(1000), "us": Decimal("0.001")}
_FILTERS = (("FILTER_HIGH_PASS", "ECG_FILTER_HIGH"), ("FILTER_LOW_PASS", "ECG_FILTER_LOW"),
            ("FILTER_NOTCH", "ECG_FILTER_NOTCH"))


class Annotations:
    """Those of the rhythm series, of its derived series, of the document, in this order; none of single beats."""

    def __init__(self, series: Element, root: Element) -> None:
        derived = [d for x in series.all("derivation") for d in x.all("derivedSeries")]
        self._all: list[Element] = []
        for subject in (s for owner in (series, *derived, root) for s in owner.all("subjectOf")):
            found = list(subject.walk("annotation"))
            of_beats = {inner for beat in found if code_of(beat).upper() == "MDC_ECG_BEAT"
                        for inner in beat.walk("annotation")}
            self._all.extend(a for a in found if a not in of_beats)

    def measurements(self) -> dict[str, float]:
        """Global measurements by our keys, the first of each."""
        found: dict[str, float] = {}
        for annotation in self._all:
            key, value = _key(annotation), annotation.child("value")
            if not key or value is None or key in found or annotation.child("support") is not None:
                continue                       # with a support it is about one beat or one lead
            quantity = number(value.get("value"))
            factor = _TO_MS.get(value.get("unit") or "ms") if key.endswith("_ms") else Decimal(1)
            if quantity is not None and factor is not None:
                found[key] = float(quantity * factor)
        return found

    def statements(self) -> tuple[str, ...]:
        """The cart's interpretation in its own words, in order, each once."""
        return tuple(dict.fromkeys(text for a in self._all if (text := _statement(a))))

    def critical_statements(self) -> tuple[str, ...]:
        """Those that hold our own mark that the cart called them critical."""
        return tuple(dict.fromkeys(
            text for a in self._all if (text := _statement(a)) and any(
                code.get("code") == CRITICAL and code.get("codeSystemName") == GATEWAY
                for c in a.all("component") for inner in c.all("annotation") for code in inner.all("code"))))


def filters_of(series: Element) -> str:
    """The filters as stated, e.g. "0.05-150 Hz, notch 50 Hz"; "" if the file states none."""
    cut: list[str] = []
    for names in _FILTERS:
        hertz = None
        for control in (e for e in series.walk("controlVariable") if code_of(e).upper().endswith(names)):
            value = next((e for e in control.walk("value") if e.get("unit").lower() == "hz"), None)
            hertz = number(value.get("value")) if value is not None else None
        cut.append(f"{hertz.normalize():f}" if hertz is not None and hertz > 0 else "")
    low, high, notch = cut
    return filter_text(low, high, notch)


def _key(annotation: Element) -> str:
    code = annotation.child("code")
    text = code.get("code") if code is not None else ""
    if code is not None and code.get("codeSystemName") == GATEWAY:
        return text if _OUR_KEY.match(text) and text != CRITICAL else ""
    return MEASUREMENT_CODES.get(text.upper().removesuffix("_GL"), "")


def _statement(annotation: Element) -> str:
    value = annotation.child("value")
    if value is None or not code_of(annotation).upper().startswith("MDC_ECG_INTERPRETATION"):
        return ""
    return value.words() or value.get("displayName") or (value.get("code") if value.get("type") == "CE" else "")
