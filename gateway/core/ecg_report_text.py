"""Put the numbers of an ECG into the places that a report template keeps for them, each with its source (T6, K2).

A number of the cart or of a doctor stands as text with its source. A number of the gateway stays inside 【】, marked
网关测量,未经医师确认: the report cannot be signed before a person has confirmed, changed or removed it. Nothing is
put into a conclusion. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.ecg_numbers import NumberSource, SourcedNumber

UNCONFIRMED = "网关测量,未经医师确认"
SOURCES_BESIDE = "注于各数之后"
_SOURCE_WORDS = {NumberSource.DEVICE: "设备", NumberSource.DOCTOR: "医师"}
_QTC = ("qtc_bazett_ms", "qtc_ms", "qtc_fridericia_ms")


@dataclass(frozen=True, slots=True)
class _Place:
    """A labelled place of a template: which measurement goes there, and with how many decimals."""

    label: str
    unit: str
    name: str
    decimals: int = 0


_PLACES = (
    _Place("心率", "次/分", "heart_rate_bpm"), _Place("P波", "ms", "p_ms"), _Place("PR间期", "ms", "pr_ms"),
    _Place("QRS时限", "ms", "qrs_ms"), _Place("电轴", "°", "qrs_axis_deg"), _Place("RV5+SV1", "mV", "rv5_sv1_mv", 2),
)


def filled_technique(technique: str, numbers: Mapping[str, SourcedNumber], *, filters: str = "",
                     sampling_frequency_hz: float | None = None) -> str:
    """Return the text with every known number in its place; what nobody knows stays an open 【】."""
    known = dict(numbers) | _sum_of_voltages(numbers)
    for place in _PLACES:
        number = known.get(place.name)
        if number is not None:
            technique = _put(technique, f"{re.escape(place.label)}【[^】]*】{re.escape(place.unit)}",
                             _said(place.label, f"{_rounded(number.value, place.decimals)} {place.unit}", number))
    technique = _put(technique, r"QT/QTc【/】ms", _qt(known))
    if filters:
        technique = _put(technique, "滤波【】", f"滤波 {filters}")
    if sampling_frequency_hz is not None:
        technique = _put(technique, "采样率【】Hz", f"采样率 {sampling_frequency_hz:.6g} Hz")
    if known:
        technique = _put(technique, r"来源[：:]【[^】]*】", f"来源{SOURCES_BESIDE}")
    return technique


def has_unconfirmed(text: str) -> bool:
    """True if a text still calls a number unconfirmed."""
    return "未经医师确认" in text


def _put(text: str, pattern: str, words: str) -> str:
    return re.sub(pattern, lambda _: words, text, count=1) if words else text


def _said(label: str, value: str, number: SourcedNumber) -> str:
    if number.source is NumberSource.GATEWAY:
        return f"{label}【{value}（{UNCONFIRMED}）】"
    return f"{label} {value}（{_SOURCE_WORDS[number.source]}）"


def _qt(numbers: Mapping[str, SourcedNumber]) -> str:
    qt = numbers.get("qt_ms")
    if qt is None:
        return ""
    corrected = _corrected(numbers)
    if corrected is None:
        return f"{_said('QT', f'{_rounded(qt.value, 0)} ms', qt)} QTc【】ms"
    name, number = corrected
    formula = {"qtc_bazett_ms": " Bazett", "qtc_fridericia_ms": " Fridericia"}.get(name, "")
    return (f"{_said('QT', f'{_rounded(qt.value, 0)} ms', qt)} "
            f"{_said('QTc', f'{_rounded(number.value, 0)} ms{formula}', number)}")


def _corrected(numbers: Mapping[str, SourcedNumber]) -> tuple[str, SourcedNumber] | None:
    """The doctor's first, then the cart's under whatever name, then ours by Bazett's formula."""
    found = [(name, numbers[name]) for name in _QTC if name in numbers]
    for source in (NumberSource.DOCTOR, NumberSource.DEVICE, NumberSource.GATEWAY):
        for name, number in found:
            if number.source is source:
                return name, number
    return None


def _sum_of_voltages(numbers: Mapping[str, SourcedNumber]) -> dict[str, SourcedNumber]:
    """RV5 + SV1, from one and the same source."""
    r, s = numbers.get("rv5_mv"), numbers.get("sv1_mv")
    if r is None or s is None:
        return {}
    device = r.device + abs(s.device) if r.device is not None and s.device is not None else None
    gateway = r.gateway + abs(s.gateway) if r.gateway is not None and s.gateway is not None else None
    return {} if device is None and gateway is None else {"rv5_sv1_mv": SourcedNumber(device, gateway)}


def _rounded(value: float, decimals: int) -> str:
    """Halves up, as every screen shows them."""
    return f"{math.floor(value * 10 ** decimals + 0.5) / 10 ** decimals:.{decimals}f}"
