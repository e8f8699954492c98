"""Limb leads that a file does not hold follow from those it does, exactly (B8)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gateway.core.derived_leads import is_derived, with_derived_leads
from gateway.core.waveform import MISSING_NV, EcgLead, EcgRecord
from tests.support.ecg_builders import LEADS, known_samples

MADE = known_samples(leads=("I", "II", "V1"), count=500)
ONE, TWO = (MADE[name].astype(np.int64) for name in ("I", "II"))
NANOVOLTS_IN_HALVES = {"III": 2 * (TWO - ONE), "aVR": -(ONE + TWO), "aVL": 2 * ONE - TWO, "aVF": 2 * TWO - ONE}


def record(*leads: EcgLead, beats: tuple[EcgLead, ...] = ()) -> EcgRecord:
    return EcgRecord(format="muse_xml", interval_us=2000, leads=leads, recorded_at=None, representative_beats=beats)


def lead(name: str, samples: np.ndarray | None = None, **facts) -> EcgLead:
    return EcgLead(name=name, code=name, samples=MADE[name] if samples is None else samples.astype(np.int32),
                   nv_per_unit=facts.pop("nv_per_unit", 4880.0), **facts)


def by_name(shown: EcgRecord) -> dict[str, EcgLead]:
    return {one.name: one for one in shown.leads}


def test_four_leads_are_added_after_the_stored_ones_without_rounding():
    shown = with_derived_leads(record(lead("I"), lead("II"), lead("V1")))
    assert [one.name for one in shown.leads] == ["I", "II", "V1", "III", "aVR", "aVL", "aVF"]
    assert [is_derived(one) for one in shown.leads] == [False] * 3 + [True] * 4
    for name, halves in NANOVOLTS_IN_HALVES.items():
        assert np.array_equal(by_name(shown)[name].nanovolts(), halves * 2440)


@pytest.mark.parametrize(("held", "made"), [(("II", "III"), "I"), (("I", "III"), "II"), (("I", "II"), "III")])
def test_any_two_of_einthovens_leads_give_the_third(held, made):
    all_three = {"I": ONE, "II": TWO, "III": TWO - ONE}
    shown = with_derived_leads(record(*(lead(name, all_three[name]) for name in held)))
    assert np.array_equal(by_name(shown)[made].nanovolts(), all_three[made] * 4880)
    assert {one.name for one in shown.leads} == set(LEADS[:6])


def test_different_gains_and_baselines_are_derived_in_nanovolts():
    shown = with_derived_leads(record(lead("I", nv_per_unit=5000.0, baseline=3.0), lead("II", nv_per_unit=2500.0)))
    assert np.array_equal(by_name(shown)["III"].nanovolts(), TWO * 2500 - (ONE + 3) * 5000)
    same_gain = with_derived_leads(record(lead("I", baseline=3.0), lead("II", baseline=-1.0)))
    assert np.array_equal(by_name(same_gain)["aVR"].nanovolts(), -((ONE + 3) + (TWO - 1)) * 2440)


def test_a_sample_that_one_of_the_two_lacks_is_lacking():
    gap = np.zeros(500, dtype=np.bool_)
    gap[7] = True
    shown = by_name(with_derived_leads(record(lead("I", missing=gap), lead("II"))))
    assert (shown["aVF"].nanovolts()[7], shown["III"].nanovolts()[7]) == (MISSING_NV, MISSING_NV)
    assert shown["III"].nanovolts()[8] == (TWO - ONE)[8] * 4880


def test_a_record_that_needs_nothing_stays_the_same_object():
    whole = with_derived_leads(record(lead("I"), lead("II")))
    assert with_derived_leads(whole) is whole
    alone = record(lead("V1"))
    assert with_derived_leads(alone) is alone


def test_leads_that_were_not_sampled_side_by_side_derive_nothing():
    late = replace(lead("II"), start_us=2000.0)
    assert len(with_derived_leads(record(lead("I"), late)).leads) == 2
    assert len(with_derived_leads(record(lead("I"), lead("II", TWO[:400]))).leads) == 2


def test_what_leaves_32_bits_is_not_derived():
    shown = with_derived_leads(record(lead("I", ONE * 0 + 2**31 - 1), lead("II", TWO * 0 - 2**31)))
    assert [one.name for one in shown.leads] == ["I", "II", "aVR"]


def test_representative_beats_get_theirs_too():
    shown = with_derived_leads(record(lead("V1"), beats=(lead("I"), lead("II"))))
    assert [one.name for one in shown.representative_beats] == ["I", "II", "III", "aVR", "aVL", "aVF"]
