"""What an aECG says beside its samples: the cart's measurements, its statements, and the filters in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from gateway.formats.safe_xml import Element

_MEASUREMENTS: Mapping[str, str] = {
    "MDC_ECG_HEART_RATE": "heart_rate_bpm",
    "MDC_ECG_TIME_PD_PR": "pr_ms",
    "MDC_ECG_TIME_PD_PQ": "pr_ms",
    "MDC_ECG_TIME_PD_QRS": "qrs_ms",
    "MDC_ECG_TIME_PD_QT": "qt_ms",
    "MDC_ECG_TIME_PD_QTC": "qtc_ms",
    "MDC_ECG_TIME_PD_QTCB": "qtc_ms",
    "MDC_ECG_TIME_PD_QTCF": "qtc_ms",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis_deg",
    "MDC_ECG_ANGLE_QRS_FRONT": "qrs_axis_deg",
    "MDC_ECG_ANGLE_T_FRONT": "t_axis_deg",
}
_TO_MS = {"ms": Decimal(1), "s": Decimal(1000), "us": Decimal("0.001")}
_FILTERS = (("MDC_ATTR_FILTER_HIGH_PASS", "ECG_FILTER_HIGH"), ("MDC_ATTR_FILTER_LOW_PASS", "ECG_FILTER_LOW"),
            ("MDC_ATTR_FILTER_NOTCH", "ECG_FILTER_NOTCH"))


def measurements_of(series: Element, root: Element) -> dict[str, float]:
    """Global measurements by our keys: of the rhythm series first, then of its representative beat."""
    found: dict[str, float] = {}
    for annotation in _annotations(series, root):
        if annotation.child("support") is not None:       # about one beat or one lead, not about the whole ECG
            continue
        key = _MEASUREMENTS.get(_code(annotation).upper())
        value = annotation.child("value")
        if key is None or value is None or key in found:
            continue
        number = _number(value.get("value"))
        if number is None:
            continue
        if key.endswith("_ms"):
            factor = _TO_MS.get(value.get("unit") or "ms")
            if factor is None:
                continue
            number *= factor
        found[key] = float(number)
    return found


def statements_of(series: Element, root: Element) -> tuple[str, ...]:
    """The cart's interpretation in its own words, in order, each once."""
    words: list[str] = []
    for annotation in _annotations(series, root):
        if not _code(annotation).upper().startswith("MDC_ECG_INTERPRETATION"):
            continue
        value = annotation.child("value")
        if value is None:
            continue
        text = value.words() or value.get("displayName") or (value.get("code") if value.get("type") == "CE" else "")
        if text and text not in words:
            words.append(text)
    return tuple(words)


def filters_of(series: Element) -> str:
    """The filters as stated, e.g. "0.05-150 Hz, notch 50 Hz"; "" if the file states none."""
    cut: list[str] = []
    for names in _FILTERS:
        number = None
        for control in (e for e in series.walk() if e.name == "controlVariable" and _code(e).upper() in names):
            value = next((e for e in control.walk() if e.name == "value" and e.get("unit").lower() == "hz"), None)
            number = _number(value.get("value")) if value is not None else None
        cut.append(f"{number.normalize():f}" if number is not None and number > 0 else "")
    low, high, notch = cut
    return filter_text(low, high, notch)


def filter_text(low_hz: str, high_hz: str, notch_hz: str) -> str:
    """One wording for every format."""
    one_sided = f">{low_hz}" if low_hz else f"<{high_hz}" if high_hz else ""
    band = f"{low_hz}-{high_hz}" if low_hz and high_hz else one_sided
    return ", ".join(f"{part} Hz" for part in (band, f"notch {notch_hz}" if notch_hz else "") if part)


def _annotations(series: Element, root: Element) -> Iterator[Element]:
    """Those of the series itself, of its derived series, of the document; nested ones too."""
    derived = [d for x in series.all("derivation") for d in x.all("derivedSeries")]
    for owner in (series, *derived, root):
        for subject in owner.all("subjectOf"):
            yield from (e for e in subject.walk() if e.name == "annotation")


def _code(element: Element) -> str:
    code = element.child("code")
    return code.get("code") if code is not None else ""


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
