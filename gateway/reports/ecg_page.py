"""The trace of an ECG report: a page of its own, at true scale, drawn from the received samples.

A4 landscape holds ten seconds at 25 mm/s. Twelve standard leads go as 3 × 4 with a rhythm strip, anything else one
lead a row. Nothing is filtered; each lead's own median is put on the middle of its row, and the page says so. Where
more samples than ink fall on one spot, the highest and the lowest are drawn, so that no spike is lost. No statement
of the cart is printed here (K2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.waveform import MISSING_NV, EcgLead, EcgRecord

MM_PER_S = 25.0
MM_PER_MV = 10.0
WIDTH_MM, ROW_MM = 260.0, 40.0
_LEFT_MM = 8.0                            # the calibration pulse stands here
_SECONDS = 10.0
_MOST_ROWS = 4
_DOT_MM = 0.05
_COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
_RHYTHM = "II"

Points = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class EcgPage:
    """An SVG in millimetres, where the lead names stand, and the line that states the scale."""

    svg: str
    height_mm: float
    labels: tuple[tuple[str, float, float], ...]      # name, x and y in mm from the upper left corner
    caption: str


def draw_ecg(record: EcgRecord) -> EcgPage | None:
    """Return the page, or None for a record without a lead that can be drawn."""
    cells = list(_cells(record))
    if not cells:
        return None
    rows = 1 + max(row for _, row, _, _ in cells)
    height = rows * ROW_MM
    paths, labels = [], []
    for lead, row, start_s, seconds in cells:
        middle = (row + 0.5) * ROW_MM
        x0 = _LEFT_MM + (start_s * MM_PER_S if seconds < _SECONDS else 0.0)
        paths += [_path(x0 + x, middle - y) for x, y in _strokes(lead, record.interval_us, start_s, seconds)]
        labels.append((lead.name, x0 + 1.0, middle - ROW_MM / 2 + 1.5))
    paths += [_pulse((row + 0.5) * ROW_MM) for row in range(rows)]
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{height}mm" '
           f'viewBox="0 0 {WIDTH_MM} {height}">'
           f'<path d="{_grid(1, height)}" stroke="#f6cfcf" stroke-width="0.08" fill="none"/>'
           f'<path d="{_grid(5, height)}" stroke="#eba6a6" stroke-width="0.16" fill="none"/>'
           f'<path d="{"".join(paths)}" stroke="#10161f" stroke-width="0.22" stroke-linejoin="round" fill="none"/>'
           "</svg>")
    filters = f"  滤波（设备所述）{record.filters}" if record.filters else ""
    caption = (f"{MM_PER_S:g} mm/s  {MM_PER_MV:g} mm/mV  采样率 {record.sampling_frequency_hz:g} Hz{filters}  "
               "波形取自原始数据，未再滤波，各导联基线居中；按100%打印时为实际比例")
    return EcgPage(svg, height, tuple(labels), caption)


def _cells(record: EcgRecord) -> list[tuple[EcgLead, int, float, float]]:
    """(lead, row, start in s, length in s) of everything that is drawn."""
    leads = {lead.name: lead for lead in record.leads if len(lead.samples)}
    if all(name in leads for column in _COLUMNS for name in column):
        quarter = _SECONDS / len(_COLUMNS)
        twelve = [(leads[name], row, index * quarter, quarter)
                  for index, column in enumerate(_COLUMNS) for row, name in enumerate(column)]
        return [*twelve, (leads[_RHYTHM], len(_COLUMNS[0]), 0.0, _SECONDS)]
    return [(lead, row, 0.0, _SECONDS) for row, lead in enumerate(list(leads.values())[:_MOST_ROWS])]


def _strokes(lead: EcgLead, interval_us: float, start_s: float, seconds: float) -> list[tuple[Points, Points]]:
    """The lead's pieces in mm right of `start_s` and above the middle of its row."""
    raw = lead.nanovolts()
    present = raw != MISSING_NV
    if not present.any():
        return []
    millivolts: Points = (raw - float(np.median(raw[present]))) / 1e6
    times_s = (lead.start_us + np.arange(len(raw)) * interval_us) / 1e6
    inside = (times_s >= start_s) & (times_s < start_s + seconds)
    if not inside.any():                  # a cart that keeps each group's own 2.5 s, all of them from zero
        times_s = times_s - times_s[0] + start_s
        inside = times_s < start_s + seconds
    x: Points = (times_s[inside] - start_s) * MM_PER_S
    y: Points = millivolts[inside] * MM_PER_MV
    shown = present[inside]
    pieces = np.split(np.arange(len(x)), np.flatnonzero(np.diff(shown.astype(np.int8))) + 1)
    return [_thinned(x[piece], y[piece]) for piece in pieces if len(piece) > 1 and shown[piece[0]]]


def _thinned(x: Points, y: Points) -> tuple[Points, Points]:
    """Keep the highest and the lowest sample of every spot of ink, in the order in which they came."""
    if len(x) < 3 or x[1] - x[0] >= _DOT_MM / 2:
        return x, y
    spot = (x / _DOT_MM).astype(np.int64)
    starts = np.flatnonzero(np.diff(spot, prepend=spot[0] - 1))
    ends = [*starts[1:], len(x)]
    kept = sorted({int(a) + int(pick(y[a:b])) for a, b in zip(starts, ends, strict=True)
                   for pick in (np.argmin, np.argmax)})
    return x[kept], y[kept]


def _path(x: Points, y: Points) -> str:
    return "M" + "L".join(f"{a:.2f} {b:.2f}" for a, b in zip(x, y, strict=True))


def _pulse(middle: float) -> str:
    """1 mV for 0.2 s."""
    top, right = middle - MM_PER_MV, 1.0 + 0.2 * MM_PER_S
    return f"M0 {middle}H1V{top}H{right}V{middle}H{_LEFT_MM - 1}"


def _grid(step: int, height: float) -> str:
    lines = [f"M{x} 0V{height}" for x in range(0, int(WIDTH_MM) + 1, step)]
    return "".join(lines + [f"M0 {y}H{WIDTH_MM}" for y in range(0, int(height) + 1, step)])
