"""Where the waves of the averaged beat begin and end, seen by all leads together.

QRS: onset and offset in each lead, by the lowest limit on its slope that is met soon after the highest (threshold on
a slope envelope: after Laguna, Jané and Caminal 1994; more than one limit, because noise, P or ST may keep a lead
from the lowest). Of the leads' onsets the median is taken, of the ends the one that a third of the leads outlasts,
for an end is sooner found too early than too late. So no single lead decides: not the one in which a spike, a filter
or the ST segment moves on. The earliest onset and the latest end of all (CSE, Willems et al. 1985) would be further
apart, most in a paced or blocked beat. P: the speed of the heart's vector, the root of the sum of squared slopes over
the independent leads. T offset: in each lead the point that makes the trapezium under the falling T largest (Zhang
et al. 2005, Vázquez-Seisdedos et al. 2011), then the median of the leads with a T to show, because a low T ends
anywhere; where the leads do not agree at all, there is none. Fractions were chosen on the tuning records of LUDB, as
they are and with ST, T and P enlarged, P moved to the QRS, QRS made small and wide, T made low, noise, hum, flutter
waves and leads left out; never on the records held out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateway.signals.filters import band
from gateway.signals.median_beats import DominantBeat
from gateway.signals.traces import INDEPENDENT_LEADS, STANDARD_LEADS, Signal

_QRS_SEEN_HZ, _QRS_LOW_PASS_HZ, _QRS_SPAN_S = 80.0, 40.0, 0.008
_TURNING_S, _QRS_REST_S = 0.006, 0.016
_FLAT_SHARE = 0.03                    # of the steepest lead: a lead below has no QRS to end
_ONSET_FRACTIONS = (0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.04, 0.03)
_OFFSET_FRACTIONS = _ONSET_FRACTIONS[:7]             # ST is less at rest than PR
_ONSET_PERCENT, _OFFSET_PERCENT = 50, 65             # of the leads
_QRS_SPREAD_S = 0.1                   # a slurred S is met within it; a lead that ST or flutter keeps moving is not
_P_LOW_PASS_HZ, _P_SPAN_S = 25.0, 0.02
_P_ONSET_FRACTION, _P_OFFSET_FRACTION = 0.3, 0.5
_P_NOTCH_S = 0.06                     # a notched P rests for so long between its halves
_VALLEY_SHARE = 0.5                   # T and P are two if the speed falls so low between them
_T_LOW_PASS_HZ = 15.0
_T_SHARE = 0.15                       # leads whose T reaches this share of the largest have a say
_T_REACH_S = 0.14
_T_AGREED_S = 0.09                    # the middle half of the leads' ends; flutter waves scatter them


@dataclass(frozen=True, slots=True)
class Qrs:
    """Samples of the averaged beat, fractions allowed."""

    onset: float
    peak: int
    offset: float


@dataclass(frozen=True, slots=True)
class PWave:
    """A P wave of the average, and how much it is one."""

    onset: float
    peak: int
    offset: float
    size_uv: float                    # the largest deviation over all leads
    rest_share: float                 # speed of the quieter part of the window ÷ the P wave's; near 1: no rest


@dataclass(frozen=True, slots=True)
class TWave:
    peak: int
    offset: float
    size_uv: float


def find_qrs(beat: DominantBeat, not_before: int = 0) -> Qrs | None:
    """Onset (after `not_before`, where a spike begins), peak and offset; None if nothing stands out."""
    rate, r = beat.rate, beat.r_index
    speed = _speed(beat, _QRS_SEEN_HZ, _QRS_SPAN_S, is_levelled=True)
    rest_before = float(np.percentile(speed[r - round(0.3 * rate):r - round(0.04 * rate)], 20))
    rest_after = float(np.percentile(speed[r + round(0.06 * rate):r + round(0.3 * rate)], 20))
    if speed[r - round(0.1 * rate):r + round(0.12 * rate)].max() < 4 * max(rest_before, rest_after):
        return None
    slopes = _slopes(beat)
    last = max(not_before, r - round(0.2 * rate))
    rest = slice(r - round(0.3 * rate), r - round(0.04 * rate))
    onset = float(np.percentile(_edges(slopes, beat, -1, rest, last, _ONSET_FRACTIONS), _ONSET_PERCENT))
    rest = slice(r + round(0.06 * rate), r + round(0.3 * rate))
    last = r + round(0.25 * rate)
    offset = float(np.percentile(_edges(slopes, beat, 1, rest, last, _OFFSET_FRACTIONS), _OFFSET_PERCENT))
    if offset <= onset:
        return None
    rows = beat.rows(INDEPENDENT_LEADS) or list(range(len(beat.names)))
    inside = slice(max(0, int(onset)), int(offset) + 1)
    peak = inside.start + int(np.argmax((beat.average_uv[rows, inside] ** 2).sum(axis=0)))
    return Qrs(onset, peak, offset)


def _slopes(beat: DominantBeat) -> Signal:
    """(n_leads, n_samples) the largest slope near each sample, lead by lead: a wave's turning point is no rest."""
    rate = beat.rate
    rows = beat.rows(STANDARD_LEADS) or list(range(len(beat.names)))
    smooth = band(beat.average_uv[rows], rate, high_hz=_QRS_LOW_PASS_HZ)
    span, near = max(1, round(_QRS_SPAN_S * rate)), _near(rate)
    slope = np.abs(smooth[:, span:] - smooth[:, :-span])
    slope = np.pad(slope, ((0, 0), (span // 2 + near, span - span // 2 + near)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(slope, 2 * near + 1, axis=1).max(axis=2))


def _edges(slopes: Signal, beat: DominantBeat, step: int, rest: slice, last: int,
           fractions: tuple[float, ...]) -> list[float]:
    """Where the slope of each lead that shows a QRS comes to rest, walking from its steepest place by `step`."""
    rate = beat.rate
    begin, end = beat.r_index - round(0.1 * rate), beat.r_index + round(0.12 * rate)
    largest = float(slopes[:, begin:end].max())
    edges = []
    for slope in slopes:
        top = begin + int(np.argmax(slope[begin:end]))
        if slope[top] < _FLAT_SHARE * largest:
            continue
        floor = float(np.percentile(slope[rest], 20))
        places = [_leave(slope, top, step, floor + fraction * (slope[top] - floor), round(_QRS_REST_S * rate), last)
                  for fraction in fractions]
        edges.append([at for at in places if abs(at - places[0]) <= _QRS_SPREAD_S * rate][-1] - step * _near(rate))
    return edges


def _near(rate: float) -> int:
    return max(1, round(_TURNING_S * rate))


def find_p(beat: DominantBeat, qrs: Qrs, t: TWave | None, rr_samples: float) -> PWave | None:
    """The largest wave between the end of the T before and the QRS; whether it is a P wave, the caller judges.

    Where T runs into P, the onset is the valley between them; None if there is no valley.
    """
    rate, r = beat.rate, beat.r_index
    rows = beat.rows(INDEPENDENT_LEADS) or list(range(len(beat.names)))
    smooth = band(beat.average_uv[rows], rate, high_hz=_P_LOW_PASS_HZ)
    speed = _speed(beat, _P_LOW_PASS_HZ, _P_SPAN_S)
    after_t_s = (t.offset - r) / rate if t is not None else 0.12 + 0.24 * np.sqrt(rr_samples / rate)
    t_before = round(r - rr_samples + after_t_s * rate)
    onset_qrs, edge = int(qrs.onset), max(1, round(0.02 * rate))
    begin = max(round(_P_SPAN_S * rate), r - round(0.36 * rate), t_before)
    if begin == t_before:                                # the T's tail runs on: from the valley after it
        begin += int(np.argmin(speed[begin:max(begin + 1, min(begin + round(0.06 * rate), onset_qrs - edge))]))
    end = onset_qrs - round(0.012 * rate) - round(_P_SPAN_S * rate) // 2
    if end - begin < 4 * edge:
        return None
    window = smooth[:, begin:end]
    rest = np.median(np.concatenate([window[:, :edge], window[:, -edge:]], axis=1), axis=1, keepdims=True)
    deviation = np.sqrt(((window - rest) ** 2).sum(axis=0))
    peak = begin + int(np.argmax(deviation))
    floor = float(np.percentile(speed[begin:end], 10))
    near = round(0.08 * rate)
    top = float(speed[max(begin, peak - near):min(end, peak + near)].max())
    gap = round(_P_NOTCH_S * rate)
    onset = _edge_of_wave(speed, peak, begin, floor + _P_ONSET_FRACTION * (top - floor), gap)
    offset = _edge_of_wave(speed, peak, end - 1, floor + _P_OFFSET_FRACTION * (top - floor), gap)
    if onset <= begin and (speed[begin] > _VALLEY_SHARE * top or peak - begin < gap):
        return None
    outside = np.concatenate([speed[begin:max(begin, onset)], speed[min(end, offset):end]])
    share = float(np.median(outside)) / max(top, 1e-9) if len(outside) >= edge else 1.0
    size = float(np.abs(window - rest).max())
    return PWave(onset, peak, offset, size, share)


def find_t(beat: DominantBeat, qrs: Qrs, rr_samples: float) -> TWave | None:
    """Peak and offset of the T wave; None where no lead shows one, or each another."""
    rate, r = beat.rate, beat.r_index
    rows = beat.rows(STANDARD_LEADS) or list(range(len(beat.names)))
    smooth = band(beat.average_uv[rows], rate, high_hz=_T_LOW_PASS_HZ)
    rr_s = rr_samples / rate
    begin = min(r + round(0.12 * rate), int(qrs.offset) + round(0.04 * rate))
    begin = max(begin, int(qrs.offset) + round(0.01 * rate))
    end = min(r + round(min(0.55, 0.15 + 0.42 * np.sqrt(rr_s), 0.72 * rr_s) * rate), smooth.shape[1] - 1)
    if end - begin < round(0.06 * rate):
        return None
    window = smooth[:, begin:end]
    lines = window[:, :1] + (window[:, -1:] - window[:, :1]) * np.linspace(0, 1, end - begin)
    deviation = window - lines
    peaks = np.abs(deviation).argmax(axis=1)
    sizes = deviation[np.arange(len(rows)), peaks]
    largest = float(np.abs(sizes).max())
    if largest <= 0:
        return None
    next_wave = r + round((rr_s - 0.2 if rr_s > 0.5 else 0.8 * rr_s) * rate)
    offsets = []
    for row, peak, size in zip(smooth, peaks + begin, sizes, strict=True):
        stop = min(len(row) - 1, int(peak) + round(_T_REACH_S * rate), next_wave)
        if abs(size) >= _T_SHARE * largest and stop - peak >= round(0.02 * rate):
            offsets.append(_trapezium_end(row * np.sign(size), int(peak), stop))
    if not offsets or np.subtract(*np.percentile(offsets, (75, 25))) > _T_AGREED_S * rate:
        return None
    peak = begin + int(np.argmax((deviation**2).sum(axis=0)))
    return TWave(peak, float(np.median(offsets)), largest)


def _speed(beat: DominantBeat, low_pass_hz: float, span_s: float, *, is_levelled: bool = False) -> Signal:
    """The vector's speed, µV/s; levelled: every lead's greatest slope counts alike, low leads not below a fifth."""
    rate = beat.rate
    rows = beat.rows(INDEPENDENT_LEADS) or list(range(len(beat.names)))
    smooth = band(beat.average_uv[rows], rate, high_hz=min(low_pass_hz, rate / 2.2))
    span = max(1, round(span_s * rate))
    slope = (smooth[:, span:] - smooth[:, :-span]) / span_s
    if is_levelled:
        around = slice(beat.r_index - round(0.16 * rate), beat.r_index + round(0.16 * rate))
        top = np.abs(slope[:, around]).max(axis=1, keepdims=True)
        slope = slope / np.maximum(top, max(float(top.max()) * 0.2, 1e-9))
    speed = np.sqrt((slope**2).sum(axis=0))
    return np.pad(speed, (span // 2, span - span // 2), mode="edge")


def _leave(speed: Signal, start: int, step: int, limit: float, rest: int, last: int) -> float:
    """Walk from the top until `rest` samples in a row are below the limit; the crossing between two samples."""
    place = start
    while 0 < place < len(speed) - 1 and (place - last) * step < 0:
        ahead = speed[place - rest:place + 1] if step < 0 else speed[place:place + rest + 1]
        if (ahead < limit).all():
            break
        place += step
    inner = speed[place - step]
    if inner > limit > speed[place]:
        return place - step * float((limit - speed[place]) / (inner - speed[place]))
    return float(place)


def _edge_of_wave(speed: Signal, peak: int, last: int, limit: float, gap: int) -> int:
    """The last place above the limit, walking from the peak over dips shorter than `gap`."""
    edge, step = peak, 1 if last > peak else -1
    for place in range(peak, last + step, step):
        if speed[place] > limit:
            edge = place
        elif abs(place - edge) > gap:
            break
    return edge


def _trapezium_end(falling: Signal, peak: int, stop: int) -> int:
    """The point of greatest trapezium between the steepest descent and `stop`."""
    steepest = peak + int(np.argmin(np.diff(falling[peak:stop])))
    places = np.arange(steepest, stop)
    areas = (falling[steepest] - falling[steepest:stop]) * (2 * stop - places - steepest)
    return int(places[np.argmax(areas)])
