"""No record, however strange, makes the analysis fail, hang or invent: the trace is read by people all the same."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from gateway.core.ecg_analysis import MEASUREMENT_NAMES
from gateway.core.waveform import EcgLead, EcgRecord
from gateway.signals.analyse import analyse
from tests.support.ecg_signals import STANDARD, build, microvolts, regular, with_microvolts

NAMES = (*STANDARD, "V7", "V3R", "X", "")


def noise_of_any_shape(random: np.random.Generator) -> EcgRecord:
    """Random integers under names, gains, lengths and starts that no recorder would write."""
    leads = tuple(EcgLead(
        str(random.choice(NAMES)), "",
        random.integers(-2**31, 2**31 - 1, int(10 ** random.uniform(0, 4)), dtype=np.int32)
        // int(10 ** random.uniform(0, 9)),
        float(random.choice([1.0, 2500.0, -1000.0, 1e300, 0.0, np.nan, np.inf])),
        float(random.choice([0.0, 5.0, -1e9, np.nan])),
        float(random.choice([0.0, 1e6, 1e15, -5.0, np.nan])),
    ) for _ in range(random.integers(0, 16)))
    return EcgRecord("wfdb", float(10 ** random.uniform(0, 6)), leads, None)


def disturbed_ecg(random: np.random.Generator) -> EcgRecord:
    """A built ECG with flat, huge, tiny, missing and jumping stretches."""
    record = build(regular(70), sampling_frequency_hz=float(random.choice([200, 500, 1000]))).record
    signals = microvolts(record)
    count = len(signals["I"])
    for _ in range(3):
        values = signals[str(random.choice(STANDARD))]
        begin, end = np.sort(random.integers(0, count, 2))
        values[begin:end] *= random.choice([0.0, 1e-3, 50.0])
        values[::int(random.integers(3, 60))] += random.choice([0.0, 20_000.0])
    leads = []
    for lead in with_microvolts(record, signals).leads:
        missing = np.zeros(count, np.bool_)
        begin, end = np.sort(random.integers(0, count, 2))
        missing[begin:end] = random.random() < 0.4
        leads.append(replace(lead, missing=missing))
    return replace(record, leads=tuple(leads))


@pytest.mark.parametrize("make", [noise_of_any_shape, disturbed_ecg])
@pytest.mark.parametrize("seed", range(25))
def test_a_strange_record_is_answered(make, seed: int) -> None:
    record = make(np.random.default_rng(seed))
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = analyse(record)
    assert time.process_time() - started < 5
    assert all(np.isfinite(value) for value in found.measurements.values())
    assert set(found.measurements) | set(found.not_measurable) <= set(MEASUREMENT_NAMES)
    assert list(found.beats_us) == sorted(found.beats_us)
