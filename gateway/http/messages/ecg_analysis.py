"""What the gateway found in an ECG, what a doctor corrected, and words to write with. Never a diagnosis (K1, K2, K3).

`source` of a number is "device" (the cart's own, 设备自动分析,未经医师确认), "gateway" (网关测量,未经医师确认) or
"doctor". A doctor's number comes before the device's, and that before the gateway's; all of them stay beside it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class EcgHintView(msgspec.Struct, frozen=True):
    """One technical fault of the trace; `kind` is one of core.ecg_analysis.QualityKind. No `leads`: all of it."""

    kind: str
    leads: list[str]
    value: float | None
    unit: str
    is_repeat_advised: bool
    detail: str


class EcgMeasurementView(msgspec.Struct, frozen=True):
    """One number, by the names of core.ecg_analysis.MEASUREMENT_NAMES or the cart's own; units are in the name."""

    value: float
    source: str                    # device, gateway, doctor: where `value` is from
    device: float | None
    gateway: float | None
    doctor: float | None
    by: str | None                 # display name of the doctor
    at: datetime | None


class EcgMedianView(msgspec.Struct, frozen=True):
    """What …/median-beats holds: int32 little-endian nanovolts, lead after lead, `sample_count` each."""

    interval_us: float
    lead_names: list[str]
    sample_count: int
    beat_count: int


class PriorityHintView(msgspec.Struct, frozen=True):
    """提示排序,不代表诊断: a number beyond a limit, or the cart's own words. It may raise a priority, never lower it.

    `source` is device, gateway (numbers), or statement (the cart's words). `raises_to` is the priority that it asks
    for, "" if it is only shown.
    """

    item: str                      # of the critical-value list: ECG01…; DEVICE for what the cart itself marked
    level: str                     # red, orange, yellow, blue
    zh: str
    en: str
    source: str
    measure: str                   # name of the measurement, "" for words
    value: float | None
    unit: str
    comparison: str                # "<=" or ">=", "" for words
    threshold: float | None
    statement: str
    list_source: str               # which critical-value lists name it
    list_version: str
    raises_to: str


class EcgAnalysisView(msgspec.Struct, frozen=True):
    """The gateway's analysis of one ECG. All of it is technical or a plain number; nothing of it is a diagnosis."""

    instance_id: str
    study_id: str
    method: str
    state: str                     # waiting, done, failed; none: there is no waveform to analyse
    reason: str                    # why failed or none, a machine word
    analysed_at: datetime | None
    hints: list[EcgHintView]
    is_repeat_advised: bool
    measurements: dict[str, EcgMeasurementView]
    not_measurable: dict[str, str]           # name → why the gateway has no number
    fiducials_us: dict[str, float]           # the gateway's own, µs after the start of the median beat
    corrected_fiducials_us: dict[str, float] | None    # the last doctor's; null: nobody corrected them
    corrected_by: str | None
    corrected_at: datetime | None
    beats_us: list[float]
    rr_ms: list[float]
    st_nv: dict[str, dict[str, float]]       # lead → {"j", "j40", "j60", "j80"}
    median: EcgMedianView | None
    critical_statements: list[str]           # of the cart's statements, those that it marked itself
    priority_hints: list[PriorityHintView]


class EcgFiducialsRequest(msgspec.Struct, frozen=True):
    """Every point that the doctor sees on the median beat, by FIDUCIAL_NAMES; none: take the correction back."""

    fiducials_us: dict[str, float]
    method: str                    # of the analysis that the doctor saw


class EcgPreviousView(msgspec.Struct, frozen=True):
    """An earlier ECG of the same person."""

    instance_id: str
    study_id: str
    reading_id: str | None
    recorded_at: datetime | None
    arrived_at: datetime
    site_id: str
    site: str                      # its name
    has_waveform: bool
    measurements: dict[str, EcgMeasurementView]


class EcgPreviousList(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[EcgPreviousView]


class EcgStatementView(msgspec.Struct, frozen=True):
    """One sentence of the library. `code` is empty where no public code is known for sure."""

    id: str
    group: str
    zh: str
    en: str
    short_code: str                # initials in pinyin: dlxxl
    code: str
    scheme: str                    # of `code`: SCP-ECG or SNOMED-CT


class EcgStatementGroupView(msgspec.Struct, frozen=True):
    id: str
    zh: str
    en: str


class EcgStatementLibrary(msgspec.Struct, frozen=True):
    version: str
    groups: list[EcgStatementGroupView]
    items: list[EcgStatementView]
