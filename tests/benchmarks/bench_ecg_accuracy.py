"""ECG: are the beats found, are the intervals those of cardiologists, how long does it take, how often a false hint.

The figures that count are those of 140 records of LUDB that were only ever measured as a whole. They need the whole
LUDB, in the folder that READING_GATEWAY_LUDB names; the 60 in the shared test data were used for tuning
(tests/support/annotated_ecgs.py) and are shown beside them. The peer for beats is wfdb's xqrs on lead II in the same
run. Without the shared test data there are no figures, and the bench says so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from gateway.core.ecg_analysis import EcgAnalysis, QualityKind
from gateway.core.waveform import EcgRecord
from gateway.signals.analyse import analyse
from tests.benchmarks.row import Row
from tests.support.annotated_ecgs import (
    CINC,
    HELD_OUT,
    LUDB,
    TUNING,
    WFDB,
    WHOLE_LUDB,
    compare_beats,
    ludb,
    ludb_beats,
    ludb_intervals,
    mit_bih_100,
    record,
    whole_ludb,
)
from tests.support.ecg_builders import TESTDATA
from tests.support.ecg_signals import microvolts

_GOALS = {"pr_ms": ("g_pr", "PR", "≤ 5", "≤ 8"), "qrs_ms": ("g_qrs", "QRS", "≤ 5", "≤ 10"),
          "qt_ms": ("g_qt", "QT", "≤ 10", "≤ 18")}
_FACTS_OF_THE_FILE = {("JS20004", QualityKind.FLAT_LINE), ("JS20008", QualityKind.FLAT_LINE),
                      ("JS20007", QualityKind.MAINS_HUM)}
_XQRS = "wfdb xqrs"


@dataclass(frozen=True, slots=True)
class _Examined:
    """Records of LUDB and what was found in them. Goals are set for the records held out alone."""

    what: str
    folder: Path
    ecgs: dict[int, EcgRecord]
    found: dict[int, EcgAnalysis]
    has_goals: bool

    def goal(self, text: str) -> str:
        return text if self.has_goals else ""


def measure() -> Iterable[Row]:
    if not (TESTDATA / "facts.json").is_file():
        print(f"skipped: the annotated reference ECGs are not at {TESTDATA}", file=sys.stderr)
        return
    tuning = _examined(f"{len(TUNING)} LUDB records used for tuning", LUDB, TUNING, has_goals=False)
    examined = [tuning]
    folder = whole_ludb()
    if folder is None:
        print(f"no held-out figures: set {WHOLE_LUDB} to the folder `data` of the whole LUDB 1.0.1 "
              "(PhysioNet, https://physionet.org/content/ludb/1.0.1/)", file=sys.stderr)
    else:
        examined.insert(0, _examined(f"LUDB held-out, {len(HELD_OUT)} ECGs", folder, HELD_OUT, has_goals=True))
    for records in examined:
        yield from _beats(records.what, [(ecg, records.found[number], ludb_beats(number, records.folder))
                                         for number, ecg in records.ecgs.items()], has_goals=records.has_goals)
        yield _rates(records)
        yield from _intervals(records)
    long, annotated = mit_bih_100()
    yield from _beats("MIT-BIH 100, 30 min", [(long, analyse(long), annotated)], has_goals=True)
    yield from _time(list(tuning.ecgs.values()))
    yield from _hints(examined[0].found)


def _examined(what: str, folder: Path, numbers: Iterable[int], *, has_goals: bool) -> _Examined:
    ecgs = {number: ludb(number, folder) for number in numbers}
    return _Examined(what, folder, ecgs, {number: analyse(ecg) for number, ecg in ecgs.items()}, has_goals)


def _beats(what: str, ecgs: list[tuple[EcgRecord, EcgAnalysis, NDArray[np.int64]]], *,
           has_goals: bool) -> Iterable[Row]:
    ours, theirs = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for ecg, found, annotated in ecgs:
        rate = ecg.sampling_frequency_hz
        places = np.rint(np.array(found.beats_us) / ecg.interval_us).astype(np.int64)
        ours += compare_beats(places, annotated, rate)
        theirs += compare_beats(_xqrs(ecg), annotated, rate)
    for name, goal, index in (("sensitivity", "≥ 99.8", 1), ("PPV", "≥ 99.7", 2)):
        mine, peer = (100 * t[0] / (t[0] + t[index]) for t in (ours, theirs))
        yield Row(f"QRS {name}, {what} ({ours[0] + ours[1]} beats)", mine, "%", goal if has_goals else "",
                  f"{_XQRS} {peer:.2f}", mine / peer)


def _xqrs(ecg: EcgRecord) -> NDArray[np.int64]:
    from wfdb import processing

    signals = microvolts(ecg)
    lead = signals.get("II", next(iter(signals.values())))
    finder = processing.XQRS(lead / 1000, ecg.sampling_frequency_hz)
    finder.detect(verbose=False)
    return np.asarray(finder.qrs_inds, np.int64)


def _rates(records: _Examined) -> Row:
    """Against the mean rate between the first and the last beat that cardiologists marked in lead II."""
    near = 0
    for number, analysis in records.found.items():
        marked = ludb_beats(number, records.folder)
        inside = [at for at in analysis.beats_us if marked[0] * 2000 - 150e3 <= at <= marked[-1] * 2000 + 150e3]
        if len(inside) > 1:
            ours, theirs = (60e6 * (len(b) - 1) / (b[-1] - b[0]) for b in (inside, list(marked * 2000)))
            near += abs(ours - theirs) <= 1
    return Row(f"heart rate within 1/min, {records.what}", 100 * near / len(records.found), "%", records.goal("≥ 99"))


def _intervals(records: _Examined) -> Iterable[Row]:
    for name, (key, shown, mean_goal, spread_goal) in _GOALS.items():
        errors, lost, invented = [], 0, 0
        for number, analysis in records.found.items():
            reference = ludb_intervals(number, records.folder).get(key)
            value = analysis.measurements.get(name)
            if reference is not None and value is not None:
                errors.append(value - reference)
            else:
                lost += reference is not None
                invented += value is not None
        values, what = np.array(errors), records.what
        yield Row(f"{shown} − cardiologists, mean, {what} ({len(values)} with both)", float(values.mean()), "ms",
                  records.goal(mean_goal))
        yield Row(f"{shown} − cardiologists, SD, {what}", float(values.std(ddof=1)), "ms", records.goal(spread_goal))
        yield Row(f"{shown}, 75th percentile of the size, {what}", float(np.percentile(np.abs(values), 75)), "ms")
        yield Row(f"{shown} more than 30 ms off, {what}", float((np.abs(values) > 30).sum()), "ECGs")
        yield Row(f"{shown} refused though cardiologists measured it, {what}", float(lost), "ECGs")
        yield Row(f"{shown} given though cardiologists had none, {what}", float(invented), "ECGs", records.goal("0"))


def _time(ecgs: list[EcgRecord]) -> Iterable[Row]:
    seconds = []
    for ecg in ecgs * 3:
        start = process_time()
        analyse(ecg)
        seconds.append(process_time() - start)
    yield Row("one 12-lead ECG of 10 s, one core, median", float(np.median(seconds)) * 1000, "ms", "≤ 60")
    yield Row("one 12-lead ECG of 10 s, one core, slowest", max(seconds) * 1000, "ms")


def _hints(ludb_found: dict[int, EcgAnalysis]) -> Iterable[Row]:
    """LUDB's leads were scaled one by one, so that I + III ≠ II there: that hint is true and not counted."""
    everything = {str(number): analysis for number, analysis in ludb_found.items()}
    everything |= {name: analyse(record(WFDB / "cinc2021", name)) for name in CINC}
    hints = [(name, hint) for name, analysis in everything.items() for hint in analysis.hints
             if (name, hint.kind) not in _FACTS_OF_THE_FILE
             and not (name.isdigit() and hint.kind is QualityKind.EINTHOVEN_MISMATCH)]
    seen = {"repeat advised": {name for name, hint in hints if hint.is_repeat_advised}}
    for kind in (QualityKind.LIMB_REVERSAL, QualityKind.LEAD_OFF, QualityKind.SATURATION, QualityKind.MAINS_HUM,
                 QualityKind.BASELINE_WANDER, QualityKind.MUSCLE_NOISE):
        seen[str(kind)] = {name for name, hint in hints if hint.kind is kind}
    for what, names in seen.items():
        yield Row(f"hint on {len(everything)} real ECGs: {what}", 100 * len(names) / len(everything), "%")
