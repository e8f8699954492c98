"""Zero-phase filters for finding things. Nothing that is reported as a voltage has passed through them.

They work on the spectrum with the magnitude of a Butterworth filter run forwards and backwards, on the signal with
its two ends mirrored, so that the first and the last beat of ten seconds count like the others.
"""

from __future__ import annotations

import numpy as np

from gateway.signals.traces import Signal

_MIRROR_S = 1.0


def band(samples_uv: Signal, sampling_frequency_hz: float, *, low_hz: float = 0.0, high_hz: float = 0.0,
         order: int = 2) -> Signal:
    """Keep what lies between the two corners; 0 leaves that side open. Works along the last axis."""
    count = samples_uv.shape[-1]
    if count < 4:
        return np.zeros_like(samples_uv)
    pad = min(count - 1, round(_MIRROR_S * sampling_frequency_hz))
    padded = _mirrored(samples_uv, pad)
    length = _fast_length(padded.shape[-1])
    spectrum = np.fft.rfft(padded, length)
    frequencies = np.asarray(np.fft.rfftfreq(length, 1 / sampling_frequency_hz), np.float64)
    spectrum *= _gain(frequencies, low_hz, high_hz, order)
    return np.ascontiguousarray(np.fft.irfft(spectrum, length)[..., pad:pad + count])


def without_line(samples_uv: Signal, sampling_frequency_hz: float, centre_hz: float, half_width_hz: float) -> Signal:
    """What is left when everything around one frequency is taken out."""
    count = samples_uv.shape[-1]
    pad = min(count - 1, round(_MIRROR_S * sampling_frequency_hz))
    padded = _mirrored(samples_uv, pad)
    length = _fast_length(padded.shape[-1])
    spectrum = np.fft.rfft(padded, length)
    away = np.abs(np.fft.rfftfreq(length, 1 / sampling_frequency_hz) - centre_hz)
    spectrum[..., away <= half_width_hz] = 0
    return np.ascontiguousarray(np.fft.irfft(spectrum, length)[..., pad:pad + count])


def moving_mean(samples: Signal, width: int) -> Signal:
    """The mean over `width` samples centred on each, the ends over what there is. Works along the last axis."""
    count = samples.shape[-1]
    width = max(1, min(width, count))
    before = width // 2
    total = np.concatenate([np.zeros((*samples.shape[:-1], 1)), np.cumsum(samples, axis=-1)], axis=-1)
    places = np.arange(count)
    begin, end = np.maximum(places - before, 0), np.minimum(places - before + width, count)
    return np.asarray((total[..., end] - total[..., begin]) / (end - begin))


def _gain(frequencies: Signal, low_hz: float, high_hz: float, order: int) -> Signal:
    gain = np.ones_like(frequencies)
    if low_hz > 0:
        power = (frequencies / low_hz) ** (2 * order)
        gain *= power / (1 + power)
    if high_hz > 0:
        gain /= 1 + (frequencies / high_hz) ** (2 * order)
    return gain


def _mirrored(samples: Signal, pad: int) -> Signal:
    """Both ends turned about their last point, so that neither value nor slope jumps."""
    head = 2 * samples[..., :1] - samples[..., pad:0:-1]
    tail = 2 * samples[..., -1:] - samples[..., -2:-pad - 2:-1]
    return np.concatenate([head, samples, tail], axis=-1)


def _fast_length(count: int) -> int:
    """The next length whose factors are 2, 3 and 5 alone."""
    best = 1 << (count - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            length = three
            while length < count:
                length *= 2
            best = min(best, length)
            three *= 3
        five *= 5
    return best
