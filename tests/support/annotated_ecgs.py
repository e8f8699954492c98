"""Real ECGs with annotations by cardiologists: LUDB (per lead) and MIT-BIH 100, where the shared test data are.

LUDB is split by record: a record is for tuning if the first byte of SHA-256 of "ludb <number>" is even, else it is
held out. Fractions and limits in gateway/signals were chosen on the tuning half; figures are reported on the other.
"""

from __future__ import annotations

import csv
from datetime import UTC
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.core.waveform import EcgRecord
from gateway.formats import wfdb_record
from gateway.formats.zip_members import pack
from tests.support.ecg_builders import TESTDATA

TUNING = (1, 5, 7, 8, 9, 10, 11, 12, 15, 17, 19, 21, 23, 24, 25, 26, 27, 28, 30, 31, 32, 33, 40, 41, 42, 44, 52, 61,
          70, 72, 74, 95, 105, 106)
HELD_OUT = (2, 3, 4, 6, 13, 14, 16, 18, 20, 22, 29, 34, 35, 36, 37, 38, 39, 43, 51, 55, 83, 88, 90, 93, 96, 114)
CINC = ("E07500", "E07501", "E07504", "E07509", "E07514", "E07516", "HR06000", "HR06001", "HR06002", "HR06004",
        "HR06005", "JS20000", "JS20002", "JS20004", "JS20005", "JS20007", "JS20008", "JS20010", "JS20012", "JS20014",
        "JS20015")
WFDB = TESTDATA / "wfdb"
_BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
TOLERANCE_S = 0.15


def record(folder: str, name: str) -> EcgRecord:
    """One WFDB record of the shared test data, by the gateway's own reader."""
    files = {path.name: path.read_bytes() for path in (WFDB / folder).glob(f"{name}.*")
             if path.suffix in (".hea", ".dat", ".mat")}
    return wfdb_record.read(pack(files), time_zone=UTC)


def ludb(number: int) -> EcgRecord:
    return record("ludb", str(number))


@cache
def reference_intervals() -> dict[int, dict[str, float]]:
    """LUDB number → name → ms; g_p, g_pr, g_qrs, g_qt are medians over leads, then over beats."""
    with (WFDB / "ludb" / "reference_intervals.csv").open(encoding="utf-8") as file:
        return {int(row["ID"]): {name: float(value) for name, value in row.items() if name != "ID" and value}
                for row in csv.DictReader(file)}


def ludb_beats(number: int) -> NDArray[np.int64]:
    """Samples of the QRS peaks annotated in lead II."""
    return _annotated(str(WFDB / "ludb" / str(number)), "ii")


def mit_bih_100() -> tuple[EcgRecord, NDArray[np.int64]]:
    return record("mitdb", "100"), _annotated(str(WFDB / "mitdb" / "100"), "atr")


def compare_beats(found: NDArray[np.int64], annotated: NDArray[np.int64], rate: float) -> tuple[int, int, int]:
    """How many were found, missed and invented, between the first and the last annotated beat, within 150 ms."""
    tolerance = TOLERANCE_S * rate
    free = list(found)
    hit = 0
    for beat in annotated:
        near = [place for place in free if abs(place - beat) <= tolerance]
        if near:
            free.remove(min(near, key=lambda place: abs(place - beat)))
            hit += 1
    invented = sum(annotated[0] <= place <= annotated[-1] for place in free)
    return hit, len(annotated) - hit, int(invented)


def _annotated(path: str, extension: str) -> NDArray[np.int64]:
    import wfdb

    marks = wfdb.rdann(path, extension)
    return np.array([at for at, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol in _BEATS], np.int64)
