"""The sequence sets of an aECG series: one time base and one list of integers a lead, with origin and scale.

Rhythm and representative beat are built alike. A set with a head of its own starts when it says so; leads keep their
distance to the earliest one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal

import numpy as np

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, IntSamples
from gateway.formats import lead_names
from gateway.formats.cart_xml import MAX_LEADS, number
from gateway.formats.hl7_time import parse_time
from gateway.formats.safe_xml import Element
from gateway.formats.units import NANOVOLTS, SECONDS

_DIGIT_CHARACTERS = b"0123456789+- \t\r\n"


@dataclass(frozen=True, slots=True)
class Sequences:
    """The leads of one series. Exactly one of the two heads says when it begins, or none."""

    leads: tuple[EcgLead, ...]
    interval_us: float
    head: datetime | None               # of the earliest set with an absolute time
    head_us: float | None               # of the earliest set with a relative time


@dataclass(frozen=True, slots=True)
class _TimeBase:
    interval_us: float | None = None
    at: datetime | None = None
    at_us: float | None = None


def code_of(element: Element) -> str:
    """The code of an element's first code child."""
    code = element.child("code")
    return code.get("code") if code is not None else ""


def read_sequences(series: Element, time_zone: tzinfo, warnings: list[str]) -> Sequences:
    """Every voltage of a series. Raises Unreadable with a reason that begins with "aecg-"."""
    found: dict[str, tuple[EcgLead, _TimeBase]] = {}
    interval_us: float | None = None
    for sequence_set in [s for c in series.all("component") for s in c.all("sequenceSet")]:
        sequences = [s for c in sequence_set.all("component") for s in c.all("sequence")]
        base = _time_base(sequences, time_zone)
        for sequence in sequences:
            code = code_of(sequence)
            if code.startswith("TIME_"):
                continue
            if base.interval_us is None:
                raise Unreadable("A sequence set does not state its sampling interval.", reason="aecg-no-interval")
            if interval_us is not None and abs(base.interval_us - interval_us) > 1e-6:
                raise Unreadable("Its leads have different sampling intervals.", reason="aecg-mixed-intervals")
            lead = _lead(sequence, code)
            if lead is None:
                warnings.append(f"The sequence {code or 'without code'} is not a voltage and is not shown.")
            elif lead.name in found:
                warnings.append(f"Lead {lead.name} comes more than once; the first is shown.")
            else:
                interval_us = base.interval_us
                found[lead.name] = lead, base
            if len(found) > MAX_LEADS:
                raise Unreadable("There are more leads than any ECG has.", reason="aecg-too-large")
    if interval_us is None or not any(len(lead.samples) for lead, _ in found.values()):
        raise Unreadable("The series holds no samples.", reason="aecg-no-samples")
    if len({len(lead.samples) for lead, _ in found.values()}) > 1:
        warnings.append("The leads differ in length.")
    return _placed(list(found.values()), interval_us)


def _placed(found: list[tuple[EcgLead, _TimeBase]], interval_us: float) -> Sequences:
    """The leads, each as much later as its set begins after the earliest."""
    first = min((base.at for _, base in found if base.at is not None), default=None)
    first_us = min((base.at_us for _, base in found if base.at_us is not None), default=None)
    leads = []
    for lead, base in found:
        start_us = 0.0
        if base.at is not None and first is not None:
            start_us = (base.at - first).total_seconds() * 1e6
        elif base.at_us is not None and first_us is not None:
            start_us = base.at_us - first_us
        leads.append(replace(lead, start_us=start_us))
    return Sequences(tuple(leads), interval_us, first, first_us)


def _time_base(sequences: list[Element], time_zone: tzinfo) -> _TimeBase:
    """Head and increment of the set's GLIST_TS or GLIST_PQ."""
    for sequence in sequences:
        value, code = sequence.child("value"), code_of(sequence)
        if value is None or not code.startswith("TIME_"):
            continue
        increment, head = value.child("increment"), value.child("head")
        if increment is None:
            continue
        interval_us = _microseconds(increment)
        if interval_us is None or interval_us <= 0:
            raise Unreadable("The sampling interval cannot be understood.", reason="aecg-no-interval")
        if head is None:
            return _TimeBase(float(interval_us))
        if code == "TIME_ABSOLUTE":
            return _TimeBase(float(interval_us), at=parse_time(head.get("value"), time_zone))
        at_us = _microseconds(head)
        return _TimeBase(float(interval_us), at_us=float(at_us) if at_us is not None else None)
    return _TimeBase()


def _microseconds(quantity: Element) -> Decimal | None:
    seconds, value = SECONDS.get(quantity.get("unit") or "s"), number(quantity.get("value"))
    return value * seconds * 1_000_000 if seconds is not None and value is not None else None


def _lead(sequence: Element, code: str) -> EcgLead | None:
    value = sequence.child("value")
    if value is None:
        return None
    scale, origin, digits = value.child("scale"), value.child("origin"), value.child("digits")
    if digits is None:
        return None
    name = lead_names.by_code(code) or code.removeprefix("MDC_ECG_LEAD_") or "?"
    if scale is None or not scale.get("value"):
        raise Unreadable(f"Lead {name} states no scale; a gain is never guessed.", reason="aecg-uncalibrated")
    unit = NANOVOLTS.get(scale.get("unit").lower())
    if unit is None:
        return None
    step, zero = number(scale.get("value")), number(origin.get("value") or "0" if origin is not None else "0")
    zero_unit = NANOVOLTS.get((origin.get("unit") if origin is not None else "").lower() or scale.get("unit").lower())
    if step is None or step == 0 or zero is None or zero_unit is None:
        raise Unreadable(f"The scale of lead {name} cannot be understood.", reason="aecg-uncalibrated")
    nv_per_unit = step * unit
    return EcgLead(name=name, code=code, samples=_samples(digits.text, name), nv_per_unit=float(nv_per_unit),
                   baseline=float(zero * zero_unit / nv_per_unit))


def _samples(text: str, name: str) -> IntSamples:
    refusal = f"The digits of lead {name} are not a list of whole numbers."
    raw = text.encode("ascii", "replace")
    if raw.translate(None, _DIGIT_CHARACTERS):
        raise Unreadable(refusal, reason="aecg-digits")
    is_digit = np.frombuffer(b" " + raw, dtype=np.uint8) > ord(" ")
    count = int(np.count_nonzero(is_digit[1:] & ~is_digit[:-1]))
    try:
        values = np.fromstring(raw, dtype=np.int64, sep=" ") if count else np.zeros(0, dtype=np.int64)
    except ValueError as exc:
        raise Unreadable(refusal, reason="aecg-digits") from exc
    if len(values) != count:                       # NumPy stops at the first thing that is no number, like "1-2"
        raise Unreadable(refusal, reason="aecg-digits")
    if len(values) and (values.max() > 2**31 - 1 or values.min() < -(2**31)):
        raise Unreadable(f"The digits of lead {name} do not fit 32 bits.", reason="aecg-digits")
    return values.astype(np.int32)
