"""Annotations of a WFDB record in the MIT format (annot(5)): beats and what else was marked, with their times."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from decimal import Decimal

from gateway.core.charset import utf8_or_chinese
from gateway.core.waveform import EcgMark

MAX_ANNOTATIONS = 100_000
_SKIP, _NUM, _SUB, _CHAN, _AUX, _NOTE = 59, 60, 61, 62, 63, 22
_BEATS: Mapping[int, str] = dict(enumerate("NLRaVFJASEj/Q", start=1)) | {25: "B", 30: "?", 34: "e", 35: "n", 38: "f",
                                                                        41: "r"}
_OTHERS: Mapping[int, tuple[str, str]] = {
    14: ("noise", "~"), 16: ("artefact", "|"), 18: ("st_change", "s"), 19: ("t_change", "T"), 20: ("systole", "*"),
    21: ("diastole", "D"), _NOTE: ("note", '"'), 23: ("measurement", "="), 24: ("p_peak", "p"), 26: ("pacer", "^"),
    27: ("t_peak", "t"), 28: ("rhythm", "+"), 29: ("u_peak", "u"), 31: ("flutter_wave", "!"),
    32: ("fibrillation_start", "["), 33: ("fibrillation_end", "]"), 36: ("link", "@"), 37: ("non_conducted_p", "x"),
    39: ("wave_onset", "("), 40: ("wave_offset", ")"),
}
_RESOLUTION = re.compile(r"## time resolution:\s*(\d{1,9}(?:\.\d{1,9})?)")


def marks(data: bytes, *, frames_per_second: Decimal, warnings: list[str]) -> tuple[EcgMark, ...]:
    """The annotations of one file. A beat is of kind "beat", its text the letter of its type."""
    out: list[EcgMark] = []
    frequency, sample, at = frames_per_second, 0, 0
    pending: tuple[int, int] | None = None              # kind and sample of the annotation that words still follow
    aux = ""
    while at + 2 <= len(data):
        word = data[at] | data[at + 1] << 8
        at += 2
        kind, amount = word >> 10, word & 0x3FF
        if kind == _SKIP:
            if at + 4 > len(data):
                break
            high, low = struct.unpack_from("<hH", data, at)          # two 16-bit halves, the high one first
            sample, at = sample + (high << 16) + low, at + 4
        elif kind == _AUX:
            aux = utf8_or_chinese(data[at:at + amount]).replace("\0", "").strip()
            at += amount + amount % 2
        elif kind in (_NUM, _SUB, _CHAN):
            continue
        else:
            if pending is not None:
                frequency = _take(out, pending, aux, frequency)
            aux = ""
            if word == 0:
                return tuple(out)
            sample += amount
            pending = (kind, sample) if kind else None   # type 0 marks nothing, it only moves the time
            if len(out) >= MAX_ANNOTATIONS:
                warnings.append(f"Only the first {MAX_ANNOTATIONS} annotations are shown.")
                return tuple(out)
    if pending is not None:
        _take(out, pending, aux, frequency)
    warnings.append("The annotation file has no end mark; it may have been cut.")
    return tuple(out)


def _take(out: list[EcgMark], annotation: tuple[int, int], aux: str, frequency: Decimal) -> Decimal:
    """Add one annotation; the one that states a time resolution of the file's own changes the clock instead."""
    kind, sample = annotation
    resolution = _RESOLUTION.match(aux) if kind == _NOTE and sample == 0 else None
    if resolution and Decimal(resolution.group(1)) > 0:
        return Decimal(resolution.group(1))
    at_us = float(Decimal(sample) * 1_000_000 / frequency)
    if kind in _BEATS:
        out.append(EcgMark("beat", at_us, text=" ".join(part for part in (_BEATS[kind], aux) if part)))
    elif kind in _OTHERS:
        name, symbol = _OTHERS[kind]
        out.append(EcgMark(name, at_us, text=aux or symbol))
    else:
        out.append(EcgMark(f"annotation {kind}", at_us, text=aux))
    return frequency
