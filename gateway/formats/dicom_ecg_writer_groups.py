"""Leads as multiplex groups of a DICOM waveform, exact to the nanovolt (PS3.3 C.10.9).

Sensitivity and correction factor are decimals of 16 characters. What a lead's unit needs beyond that is split between
the two; a zero that is not at zero is moved into the samples, because programs disagree about Channel Baseline. Each
choice is tried by reading it back; the last resort, whole nanovolts in 32 bits, always holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from gateway.core.errors import InvalidRequest
from gateway.core.waveform import EcgLead
from gateway.formats.dicom_ecg_codes import LEADS, MDC, OUR_SCHEME, SCPECG

_UNITS = (("uV", Decimal(1000), "microvolt"), ("mV", Decimal(1_000_000), "millivolt"), ("nV", Decimal(1), "nanovolt"))
_FILTERS = re.compile(r"(?:(?P<low>[\d.]+)-(?P<high>[\d.]+) Hz|>(?P<above>[\d.]+) Hz|<(?P<below>[\d.]+) Hz)?"
                      r"(?:, )?(?:notch (?P<notch>[\d.]+) Hz)?$")
_LOWEST = {16: -(1 << 15), 32: -(1 << 31)}


@dataclass(frozen=True, slots=True)
class ScaledLead:
    """One lead as DICOM stores it: value = samples × sensitivity × correction + baseline, in `unit`."""

    lead: EcgLead
    samples: NDArray[np.int64]
    sensitivity: str
    correction: str
    unit: str
    baseline: str

    def fits(self, bits: int) -> bool:
        """True if the samples fit beside the value that means "none"."""
        known = self.samples if self.lead.missing is None else self.samples[~self.lead.missing]
        has_gaps = self.lead.missing is not None and bool(self.lead.missing.any())
        return not len(known) or (int(known.min()) >= _LOWEST[bits] + has_gaps
                                  and int(known.max()) < -_LOWEST[bits])


def ds(value: Decimal) -> str:
    """A decimal string of at most 16 characters that is exactly the value, "" if there is none (PS3.5 6.2)."""
    number = value.normalize()
    return next((text for text in (f"{number:f}", f"{number:E}") if len(text) <= 16), "")


def nearest_ds(value: Decimal) -> str:
    """The decimal string nearest to the value."""
    return ds(value) or next(text for digits in range(15, 0, -1) if (text := ds(Decimal(f"{value:.{digits}g}"))))


def scale(lead: EcgLead) -> ScaledLead:
    """In a form whose value is the same in whole nanovolts. Raises InvalidRequest without samples or gain."""
    if not len(lead.samples):
        raise InvalidRequest(f"Lead {lead.name} has no samples.", reason="no-samples")
    if not math.isfinite(lead.nv_per_unit) or lead.nv_per_unit == 0 or not math.isfinite(lead.baseline):
        raise InvalidRequest(f"Lead {lead.name} has no gain.", reason="uncalibrated")
    wanted = lead.nanovolts()
    exact = []
    for candidate in _candidates(lead):
        if candidate.fits(32) and _is_same(candidate, wanted):
            if candidate.fits(16):
                return candidate
            exact.append(candidate)
    return exact[0] if exact else ScaledLead(lead, wanted.astype(np.int64), "1", "1", "nV", "0")


def group(leads: Sequence[ScaledLead], *, label: str, is_original: bool, frequency_hz: str, bits: int,
          filters: str) -> Dataset:
    """One item of the Waveform Sequence; all leads of one length."""
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL" if is_original else "DERIVED"
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = len(leads), len(leads[0].samples)
    item.SamplingFrequency, item.MultiplexGroupLabel = frequency_hz, label
    item.ChannelDefinitionSequence = DicomSequence([_channel(lead, bits, filters) for lead in leads])
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = bits, {16: "SS", 32: "SL"}[bits]
    dtype = {16: "<i2", 32: "<i4"}[bits]
    if any(lead.lead.missing is not None and lead.lead.missing.any() for lead in leads):
        item.add_new(0x5400100A, "OW", np.array(_LOWEST[bits], dtype=dtype).tobytes())
    columns = [lead.samples if lead.lead.missing is None else np.where(lead.lead.missing, _LOWEST[bits], lead.samples)
               for lead in leads]
    item.add_new(0x54001010, "OW", np.stack(columns, axis=1).astype(dtype).tobytes())
    return item


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    if scheme == SCPECG:
        item.CodingSchemeVersion = "1.3"     # as carts cite it: the designator alone does not tell the edition
    return item


def own_code(word: str) -> Dataset:
    """A word of our own; the meaning holds the whole of it, the value what fits."""
    clean = word.replace("\\", "/")[:64] or "unnamed"
    return code(clean.encode("ascii", "replace").decode()[:16].strip() or "unnamed", OUR_SCHEME, clean)


def can_state(filters: str) -> bool:
    """True if the filters are stated in a form that DICOM has elements for."""
    return _FILTERS.match(filters) is not None


def _channel(lead: ScaledLead, bits: int, filters: str) -> Dataset:
    item = Dataset()
    name = lead.lead.name
    item.ChannelLabel = name.replace("\\", "/")[:16]
    known = LEADS.get(name)
    item.ChannelSourceSequence = DicomSequence([code(known[0], MDC, known[1]) if known else own_code(name)])
    item.ChannelSensitivity, item.ChannelSensitivityCorrectionFactor = lead.sensitivity, lead.correction
    meaning = next(words for unit, _, words in _UNITS if unit == lead.unit)
    item.ChannelSensitivityUnitsSequence = DicomSequence([code(lead.unit, "UCUM", meaning)])
    item.ChannelBaseline = lead.baseline
    item.ChannelTimeSkew = nearest_ds(Decimal(repr(float(lead.lead.start_us))) / 1_000_000)
    item.WaveformBitsStored = bits
    found = _FILTERS.match(filters)
    for keyword, names in (("FilterLowFrequency", ("low", "above")), ("FilterHighFrequency", ("high", "below")),
                           ("NotchFilterFrequency", ("notch",))):
        hertz = next((found.group(n) for n in names if found.group(n)), None) if found else None
        if hertz:
            setattr(item, keyword, nearest_ds(Decimal(hertz)))
    return item


def _candidates(lead: EcgLead) -> Iterator[ScaledLead]:
    """Zero moved into the samples, zero stated beside them, and smaller units in which it is a whole number."""
    samples = lead.samples.astype(np.int64)
    sensitivity, correction, unit = _sensitivity(lead.nv_per_unit)
    if sensitivity and lead.baseline.is_integer() and abs(lead.baseline) < 2**30:
        yield ScaledLead(lead, samples + int(lead.baseline), sensitivity, correction, unit, "0")
    for factor in (2, 4, 5, 8, 10) if not lead.baseline.is_integer() else ():
        smaller = _sensitivity(lead.nv_per_unit / factor)
        if smaller[0] and (lead.baseline * factor).is_integer() and abs(lead.baseline) < 2**30:
            yield ScaledLead(lead, samples * factor + int(lead.baseline * factor), *smaller, "0")
    if sensitivity:
        step = Decimal(sensitivity) * Decimal(correction)
        yield ScaledLead(lead, samples, sensitivity, correction, unit,
                         nearest_ds(Decimal(repr(float(lead.baseline))) * step))


def _sensitivity(nv_per_unit: float) -> tuple[str, str, str]:
    """Sensitivity, correction factor and unit whose product gives the very same number back; "" if there is none."""
    exact = Decimal(repr(float(nv_per_unit)))
    for unit, in_nv, _ in _UNITS:
        text = ds(exact / in_nv)
        if text and float(Decimal(text) * in_nv) == nv_per_unit:
            return text, "1", unit
    for text, correction in _products(exact / 1000):
        if float(Decimal(text) * Decimal(correction) * 1000) == nv_per_unit:
            return text, correction, "uV"
    return "", "", ""


def _products(value: Decimal) -> Iterator[tuple[str, str]]:
    """Pairs of decimal strings whose product is near the value, the first between 1 and 10 for its 15 digits."""
    for step in range(1000):
        correction = (1 + Decimal(step) / 1000).scaleb(value.adjusted())
        yield nearest_ds(value / correction), nearest_ds(correction)


def _is_same(candidate: ScaledLead, wanted: NDArray[np.int32]) -> bool:
    """True if a reader that follows the standard gets the same nanovolts."""
    in_nv = next(factor for unit, factor, _ in _UNITS if unit == candidate.unit)
    step = Decimal(candidate.sensitivity) * Decimal(candidate.correction)
    back = EcgLead("", "", candidate.samples.astype(np.int32), float(step * in_nv),
                   float(Decimal(candidate.baseline) / step), missing=candidate.lead.missing)
    return bool(np.array_equal(back.nanovolts(), wanted))
