"""The codes that DICOM ECGs use for leads, measurements and marks, and what we call these.

MDC is ISO/IEEE 11073-10101 (PS3.16 CID 3001, 3227 to 3229, 3335, 3689), SCPECG is EN 1064 as carts cite it. What has
no code there carries our own word under our own scheme.
"""

from __future__ import annotations

from collections.abc import Mapping

MDC, SCPECG, OUR_SCHEME = "MDC", "SCPECG", "99RGW"
CRITICAL = "critical"

LEADS: Mapping[str, tuple[str, str]] = {
    "I": ("2:1", "Lead I"), "II": ("2:2", "Lead II"), "III": ("2:61", "Lead III"),
    "aVR": ("2:62", "aVR, augmented voltage, right"), "aVL": ("2:63", "aVL, augmented voltage, left"),
    "aVF": ("2:64", "aVF, augmented voltage, foot"), "-aVR": ("2:65", "-aVR"),
    **{f"V{n}": (f"2:{n + 2}", f"Lead V{n}") for n in range(1, 8)},
    "V8": ("2:66", "Lead V8"), "V9": ("2:67", "Lead V9"), "V8R": ("2:68", "Lead V8R"), "V9R": ("2:69", "Lead V9R"),
    **{f"V{n}R": (f"2:{n + 8}", f"Lead V{n}R") for n in range(2, 8)},
    "X": ("2:16", "Lead X"), "Y": ("2:17", "Lead Y"), "Z": ("2:18", "Lead Z"),
}
"""Our name of a lead to its MDC code and meaning (CID 3001)."""

MEASUREMENTS: Mapping[str, tuple[str, str, str]] = {
    "heart_rate_bpm": ("2:16016", "Ventricular Heart Rate", "{H.B.}/min"),
    "atrial_rate_bpm": ("2:16020", "Atrial Heart Rate", "{H.B.}/min"),
    "rr_ms": ("2:16168", "RR interval global", "ms"), "pp_ms": ("2:16140", "PP interval global", "ms"),
    "p_ms": ("2:16184", "P duration global", "ms"), "pr_ms": ("2:15872", "PR interval global", "ms"),
    "qrs_ms": ("2:16156", "QRS duration global", "ms"), "qt_ms": ("2:16160", "QT interval global", "ms"),
    "qtc_ms": ("2:15876", "QTc interval global", "ms"),
    "qtc_bazett_ms": ("2:15880", "QTc global using Bazett formula", "ms"),
    "qtc_fridericia_ms": ("2:15892", "QTc global using Fredericia formula", "ms"),
    "p_axis_deg": ("2:16128", "P Axis", "deg"), "qrs_axis_deg": ("2:16132", "QRS axis", "deg"),
    "t_axis_deg": ("2:16136", "T axis", "deg"),
}
"""Our key to MDC code, meaning and UCUM unit (CID 3227 to 3229, 3689)."""

AMPLITUDES: Mapping[tuple[str, str], str] = {("2:2048", "V5"): "rv5_mv", ("2:2304", "V1"): "sv1_mv"}
"""Amplitudes of one lead that have a key of their own (CID 3688)."""

MEASUREMENT_KEYS: Mapping[str, str] = {code: key for key, (code, _, _) in MEASUREMENTS.items()} | {
    "2:16000": "rr_ms", "2:16144": "pr_ms",
    "5.10.2.5-3": "heart_rate_bpm", "5.10.2.1-3": "rr_ms", "5.10.2.1-5": "pp_ms",
    "5.13.5-7": "pr_ms", "5.13.5-9": "qrs_ms", "5.13.5-11": "qt_ms",
    "5.10.2.5-5": "qtc_ms", "5.10.3-11": "p_axis_deg", "5.10.3-13": "qrs_axis_deg", "5.10.3-15": "t_axis_deg",
}
MEASUREMENT_KEYS_BY_MEANING: Mapping[str, str] = {
    meaning.lower(): key for key, (_, meaning, _) in MEASUREMENTS.items()} | {
    "ventricular rate": "heart_rate_bpm", "heart rate": "heart_rate_bpm", "atrial rate": "atrial_rate_bpm",
    "pr interval": "pr_ms", "qrs duration": "qrs_ms", "qt interval": "qt_ms", "qtc interval": "qtc_ms",
    "rr interval": "rr_ms", "pp interval": "pp_ms", "p duration": "p_ms",
}

MARKS: Mapping[str, tuple[str, str, str]] = {
    "p_onset": (SCPECG, "5.10.3-1", "P Onset"), "p_offset": (SCPECG, "5.10.3-2", "P Offset"),
    "qrs_onset": (SCPECG, "5.10.3-3", "QRS Onset"), "qrs_offset": (SCPECG, "5.10.3-4", "QRS Offset"),
    "t_offset": (SCPECG, "5.10.3-5", "T Offset"), "beat": (SCPECG, "5.7.1-3", "Fiducial Point"),
    "r_peak": (MDC, "10:576", "R wave"),
}
"""Our kinds of marks to scheme, code and meaning."""

MARK_KINDS: Mapping[str, str] = {code: kind for kind, (_, code, _) in MARKS.items()}
SEGMENT_KINDS: Mapping[str, tuple[str, str]] = {
    "10:256": ("p_onset", "p_offset"), "10:1600": ("qrs_onset", "qrs_offset"), "10:1024": ("t_onset", "t_offset"),
    "2:16184": ("p_onset", "p_offset"), "2:15872": ("p_onset", "qrs_onset"), "2:16156": ("qrs_onset", "qrs_offset"),
    "2:16160": ("qrs_onset", "t_offset"),
}
"""What bounds the stretch of time that a code is about."""
