"""The limb leads that a record does not hold, from those it does, exact to the half unit.

Six limb leads show one plane (Einthoven 1912, Goldberger 1942): III = II − I, aVR = −(I + II) / 2,
aVL = I − II / 2, aVF = II − I / 2. Carts often store eight leads and leave the rest to whoever shows them. Halves
stay whole numbers by counting in half units, so nothing is rounded. The record as read keeps its stored leads; a
derived lead says in its code from which it comes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.core.waveform import EcgLead, EcgRecord

DERIVED = "derived:"
_RULES = (                      # name, from, factors in halves of the others' unit; each may use those before it
    ("I", ("II", "III"), (2, -2)),
    ("II", ("I", "III"), (2, 2)),
    ("III", ("II", "I"), (2, -2)),
    ("aVR", ("I", "II"), (-1, -1)),
    ("aVL", ("I", "II"), (2, -1)),
    ("aVF", ("II", "I"), (2, -1)),
)


def is_derived(lead: EcgLead) -> bool:
    """True for a lead that `with_derived_leads` added."""
    return lead.code.startswith(DERIVED)


def with_derived_leads(record: EcgRecord) -> EcgRecord:
    """The record with the missing ones of the six limb leads after its own, in its beats too; else the same."""
    leads, beats = _completed(record.leads), _completed(record.representative_beats)
    if len(leads) == len(record.leads) and len(beats) == len(record.representative_beats):
        return record
    return replace(record, leads=leads, representative_beats=beats)


def _completed(leads: tuple[EcgLead, ...]) -> tuple[EcgLead, ...]:
    known = {lead.name: lead for lead in leads}
    added = []
    for name, sources, halves in _RULES:
        pair = [known[source] for source in sources if source in known]
        if name in known or len(pair) < 2:
            continue
        lead = _derive(name, pair[0], pair[1], halves)
        if lead is not None:
            known[name] = lead
            added.append(lead)
    return (*leads, *added)


def _derive(name: str, one: EcgLead, other: EcgLead, halves: tuple[int, int]) -> EcgLead | None:
    """None where the two were not sampled side by side, or the result leaves 32 bits."""
    if len(one.samples) != len(other.samples) or one.start_us != other.start_us:
        return None
    if one.nv_per_unit == other.nv_per_unit:
        a, b, unit = one.samples.astype(np.int64), other.samples.astype(np.int64), one.nv_per_unit
        zero = one.baseline * halves[0] + other.baseline * halves[1]
    else:                                          # different gains: count in nanovolts
        a, b, unit, zero = one.nanovolts().astype(np.int64), other.nanovolts().astype(np.int64), 1.0, 0.0
    total = a * halves[0] + b * halves[1]
    missing = _either(one, other)
    if missing is not None:
        total[missing] = 0
    if all(half % 2 == 0 for half in halves):
        total, zero = total // 2, zero / 2
    else:
        unit /= 2
    if len(total) and (total.max() > 2**31 - 1 or total.min() < -(2**31)):
        return None
    return EcgLead(name=name, code=f"{DERIVED}{one.name},{other.name}", samples=total.astype(np.int32),
                   nv_per_unit=unit, baseline=zero, start_us=one.start_us, missing=missing)


def _either(one: EcgLead, other: EcgLead) -> NDArray[np.bool_] | None:
    if one.missing is None or other.missing is None:
        return one.missing if other.missing is None else other.missing
    return one.missing | other.missing
