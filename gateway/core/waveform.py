"""One model for every ECG format: integer samples, nanovolts a unit, exact interval, the sender's words beside them.

Nothing here is interpreted. A gain that the file does not state is an error of the reader, never a guess.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

IntSamples = NDArray[np.int32]
MISSING_NV = -(2**31)
"""Stands for "no value" in int32 nanovolts."""


@dataclass(frozen=True, slots=True)
class EcgLead:
    """One lead as recorded.

    `samples` are the file's own integers (n_samples,), int32.
    Value in nanovolts = (samples + baseline) × nv_per_unit.
    """

    name: str                              # I, II, III, aVR, aVL, aVF, V1…V9, V3R…; else the file's text
    code: str                              # as in the file, e.g. "MDC_ECG_LEAD_II" or "2:2"
    samples: IntSamples
    nv_per_unit: float
    baseline: float = 0.0                  # in units, added before scaling
    start_us: float = 0.0                  # later than the record's start by so much
    missing: NDArray[np.bool_] | None = None   # True where the file marks padding

    def nanovolts(self) -> IntSamples:
        """(n_samples,) int32 nanovolts, halves rounded to even; MISSING_NV where there is no value."""
        values = np.rint((self.samples.astype(np.float64) + self.baseline) * self.nv_per_unit)
        out = np.clip(values, -(2**31) + 1, 2**31 - 1).astype(np.int32)
        if self.missing is not None:
            out[self.missing] = MISSING_NV
        return out

    def sha256_nanovolts(self) -> str:
        """Hash of the lead as little-endian 32-bit nanovolts."""
        return hashlib.sha256(self.nanovolts().astype("<i4").tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class EcgPatient:
    """What the file says of the person; text already decoded. Empty where it says nothing."""

    patient_id: str = ""
    name: str = ""
    sex: str = ""                          # M, F, O or ""
    birth_date: date | None = None
    age_years: float | None = None
    name_encoding: str = ""                # codec used
    is_name_guessed: bool = False
    name_raw_hex: str = ""


MARK_KINDS = ("p_onset", "p_peak", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_peak", "t_offset", "beat")


@dataclass(frozen=True, slots=True)
class EcgMark:
    """A point in time that the file marks: the onset of a wave, a beat, an event."""

    kind: str                              # one of MARK_KINDS, else the file's word
    at_us: float                           # after the start of the record, or of the representative beat
    lead: str = ""                         # "" means all leads
    is_on_representative_beat: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class EcgRecord:
    """One electrocardiogram, whatever format brought it."""

    format: str                            # InstanceFormat value, or "dicom"
    interval_us: float                     # exact sampling interval; 1e6 / interval_us = sampling frequency in Hz
    leads: tuple[EcgLead, ...]
    recorded_at: datetime | None           # aware; the device's clock in the site's zone when the file has no zone
    patient: EcgPatient = field(default_factory=EcgPatient)
    device_model: str = ""
    device_serial: str = ""
    filters: str = ""                      # as stated, e.g. "0.05-150 Hz, notch 50 Hz"; "" if not stated
    measurements: Mapping[str, float] = field(default_factory=dict)   # keys as in storage.model.EcgFacts
    statements: tuple[str, ...] = ()       # the cart's words
    critical_statements: tuple[str, ...] = ()  # those of `statements` that the cart itself marked as critical
    representative_beats: tuple[EcgLead, ...] = ()   # median beats as the file holds them
    beat_interval_us: float = 0.0          # sampling interval of the representative beats, 0 without any
    marks: tuple[EcgMark, ...] = ()
    device_maker: str = ""
    warnings: tuple[str, ...] = ()         # what does not fit, in plain words
    study_instance_uid: str = ""           # where the file has its own UIDs
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    accession_number: str = ""
    notes: tuple[str, ...] = ()            # worth knowing and no fault: who confirmed it, what else is there

    @property
    def sampling_frequency_hz(self) -> float:
        return 1e6 / self.interval_us

    @property
    def sample_count(self) -> int:
        return max((len(lead.samples) for lead in self.leads), default=0)
