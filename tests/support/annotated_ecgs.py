"""Real ECGs with annotations by cardiologists: LUDB (per lead) and MIT-BIH 100, where the shared test data are.

Of LUDB's 200 records the shared test data hold 60. They were looked at, and fractions and limits in gateway/signals
were chosen on them (TUNING). The other 140 (HELD_OUT) were only ever measured as a whole. They are not in the test
data: READING_GATEWAY_LUDB names the folder `data` of LUDB 1.0.1, and nothing of it is copied.
"""

from __future__ import annotations

import csv
import os
from datetime import UTC
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.core.waveform import EcgRecord
from gateway.formats import wfdb_record
from gateway.formats.zip_members import pack
from tests.support.ecg_builders import TESTDATA

TUNING = (*range(1, 45), 51, 52, 55, 61, 70, 72, 74, 83, 88, 90, 93, 95, 96, 105, 106, 114)
HELD_OUT = tuple(sorted(set(range(1, 201)) - set(TUNING)))
CINC = ("E07500", "E07501", "E07504", "E07509", "E07514", "E07516", "HR06000", "HR06001", "HR06002", "HR06004",
        "HR06005", "JS20000", "JS20002", "JS20004", "JS20005", "JS20007", "JS20008", "JS20010", "JS20012", "JS20014",
        "JS20015")
WFDB = TESTDATA / "wfdb"
LUDB = WFDB / "ludb"
WHOLE_LUDB = "READING_GATEWAY_LUDB"
_LUDB_LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
_LUDB_SAMPLE_MS = 2.0
_ENOUGH_LEADS = 6                     # of twelve must show an edge of a beat: fewer are another beat's
_BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
TOLERANCE_S = 0.15


def record(folder: Path, name: str) -> EcgRecord:
    """One WFDB record, by the gateway's own reader."""
    files = {path.name: path.read_bytes() for path in folder.glob(f"{name}.*")
             if path.suffix in (".hea", ".dat", ".mat")}
    return wfdb_record.read(pack(files), time_zone=UTC)


def ludb(number: int, folder: Path = LUDB) -> EcgRecord:
    return record(folder, str(number))


def whole_ludb() -> Path | None:
    """The folder of all 200 records, if the environment names one that holds them."""
    folder = Path(os.environ.get(WHOLE_LUDB) or ".")
    return folder if all((folder / f"{number}.dat").is_file() for number in HELD_OUT) else None


@cache
def reference_intervals() -> dict[int, dict[str, float]]:
    """LUDB number → name → ms, as the shared test data give them; g_p, g_pr, g_qrs, g_qt as in `ludb_intervals`."""
    with (LUDB / "reference_intervals.csv").open(encoding="utf-8") as file:
        return {int(row["ID"]): {name: float(value) for name, value in row.items() if name != "ID" and value}
                for row in csv.DictReader(file)}


def ludb_intervals(number: int, folder: Path = LUDB) -> dict[str, float]:
    """g_p, g_pr, g_qrs, g_qt in ms: the median over leads of the edges of each beat, then the median over beats.

    A beat is one marked in lead II; in the other leads it is the QRS nearest to it, with the P marked just before and
    the T just after. A wave counts in a lead if both its edges are marked. A name without such waves is left out.
    """
    marks = {lead: _waves(str(folder / str(number)), lead) for lead in _LUDB_LEADS}
    beats = [_edges_of_beat(marks, peak) for kind, _, peak, _ in marks["ii"] if kind == "N"]
    spans = {"g_p": ("p_on", "p_off"), "g_pr": ("p_on", "qrs_on"), "g_qrs": ("qrs_on", "qrs_off"),
             "g_qt": ("qrs_on", "t_off")}
    found = {name: [beat[end] - beat[begin] for beat in beats if begin in beat and end in beat]
             for name, (begin, end) in spans.items()}
    return {name: float(np.median(values)) * _LUDB_SAMPLE_MS for name, values in found.items() if values}


def ludb_beats(number: int, folder: Path = LUDB) -> NDArray[np.int64]:
    """Samples of the QRS peaks annotated in lead II."""
    return _annotated(str(folder / str(number)), "ii")


def mit_bih_100() -> tuple[EcgRecord, NDArray[np.int64]]:
    return record(WFDB / "mitdb", "100"), _annotated(str(WFDB / "mitdb" / "100"), "atr")


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


_Wave = tuple[str, int | None, int, int | None]                 # kind (p, N, t), onset, peak, offset


def _edges_of_beat(marks: dict[str, list[_Wave]], peak: int) -> dict[str, float]:
    edges: dict[str, list[int]] = {}
    for waves in marks.values():
        near = [at for at, (kind, _, place, _) in enumerate(waves)
                if kind == "N" and abs(place - peak) * _LUDB_SAMPLE_MS <= TOLERANCE_S * 1000]
        if not near:
            continue
        at = min(near, key=lambda at: abs(waves[at][2] - peak))
        for kind, place, name in (("p", at - 1, "p"), ("N", at, "qrs"), ("t", at + 1, "t")):
            if 0 <= place < len(waves) and waves[place][0] == kind:
                _, onset, _, offset = waves[place]
                if onset is not None and offset is not None:
                    edges.setdefault(f"{name}_on", []).append(onset)
                    edges.setdefault(f"{name}_off", []).append(offset)
    return {name: float(np.median(places)) for name, places in edges.items() if len(places) >= _ENOUGH_LEADS}


def _waves(path: str, lead: str) -> list[_Wave]:
    """LUDB marks a wave as "(", its peak, ")"; now and then a bracket is missing."""
    import wfdb

    marks = wfdb.rdann(path, lead)
    places, kinds = [int(at) for at in marks.sample], [*marks.symbol, ""]
    return [(kind, places[at - 1] if at and kinds[at - 1] == "(" else None, places[at],
             places[at + 1] if kinds[at + 1] == ")" else None)
            for at, kind in enumerate(kinds[:-1]) if kind in "pNt"]


def _annotated(path: str, extension: str) -> NDArray[np.int64]:
    import wfdb

    marks = wfdb.rdann(path, extension)
    return np.array([at for at, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol in _BEATS], np.int64)
