"""What a DICOM ECG says beside its samples: the Waveform Annotation Sequence (PS3.3 C.10.10).

Objects of real carts hold 77 to 108 items, most of them points on single beats. Ours are the few global numbers, by
MDC or SCP-ECG code, and the cart's statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydicom.dataset import Dataset

from gateway.formats.dicom_text import DicomText

_BY_CODE: Mapping[str, str] = {
    "2:16016": "heart_rate_bpm", "2:15872": "pr_ms", "2:16156": "qrs_ms", "2:16160": "qt_ms", "2:15876": "qtc_ms",
    "2:16128": "p_axis_deg", "2:16132": "qrs_axis_deg", "2:16136": "t_axis_deg",
    "5.10.2.5-3": "heart_rate_bpm", "5.13.5-7": "pr_ms", "5.13.5-9": "qrs_ms", "5.13.5-11": "qt_ms",
    "5.10.2.5-5": "qtc_ms", "5.10.3-11": "p_axis_deg", "5.10.3-13": "qrs_axis_deg", "5.10.3-15": "t_axis_deg",
}
_BY_MEANING: Mapping[str, str] = {
    "ventricular heart rate": "heart_rate_bpm", "ventricular rate": "heart_rate_bpm", "heart rate": "heart_rate_bpm",
    "pr interval": "pr_ms", "pr interval global": "pr_ms", "qrs duration": "qrs_ms", "qrs duration global": "qrs_ms",
    "qt interval": "qt_ms", "qt interval global": "qt_ms", "qtc interval": "qtc_ms", "qtc interval global": "qtc_ms",
    "p axis": "p_axis_deg", "qrs axis": "qrs_axis_deg", "t axis": "t_axis_deg",
}
_SECONDS = {"s", "sec", "seconds"}


def measurements(ds: Dataset, text: DicomText) -> dict[str, float]:
    """The cart's global measurements by our keys. The units of an axis are not read: one maker labels degrees ms."""
    found: dict[str, float] = {}
    for item in ds.get("WaveformAnnotationSequence") or ():
        value = item.get("NumericValue")
        names = item.get("ConceptNameCodeSequence")
        if value is None or not names:
            continue
        key = _BY_CODE.get(str(names[0].get("CodeValue") or ""))
        key = key or _BY_MEANING.get(text.of(names[0], "CodeMeaning").lower())
        if key is None or key in found:
            continue
        number = Decimal(str(value[0] if isinstance(value, (list, tuple)) else value))
        if not number.is_finite():
            continue
        units = item.get("MeasurementUnitsCodeSequence")
        if key.endswith("_ms") and units and str(units[0].get("CodeValue") or "").lower() in _SECONDS:
            number *= 1000
        found[key] = float(number)
    return found


def statements(ds: Dataset, text: DicomText) -> tuple[str, ...]:
    """The cart's words, in order, each once: free text, and codes that neither measure nor mark a place."""
    words: list[str] = []
    for item in ds.get("WaveformAnnotationSequence") or ():
        said = text.of(item, "UnformattedTextValue")
        if not said and item.get("NumericValue") is None and item.get("ReferencedSamplePositions") is None:
            codes = item.get("ConceptCodeSequence") or item.get("ConceptNameCodeSequence")
            said = text.of(codes[0], "CodeMeaning") if codes else ""
        if said and said not in words:
            words.append(said)
    return tuple(words)
