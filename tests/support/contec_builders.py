"""Contec ECG90A files with known samples. No independent reader or writer of this format exists to check them with:
the reference recordings of the test data are the only outside evidence."""

from __future__ import annotations

import numpy as np

from tests.support.ecg_builders import Samples, known_samples

CHANNELS = ("II", "III", "V1", "V2", "V3", "V4", "V5", "V6")
NO_VALUE = 0x6800


def contec_samples(*, count: int = 800, seed: int = 7) -> Samples:
    """Units around zero that fit the twelve bits of the device."""
    return {name: values // 2 for name, values in known_samples(leads=CHANNELS, count=count, seed=seed).items()}


def contec(samples: Samples | None = None, *, case: bytes = b"0000042", at: bytes = b"2026-03-02 08:30:00",
           name: bytes = "演示甲".encode("gb18030"), sex: int = 1, age: int = 65, weight: int = 70,
           off: tuple[str, ...] = (), footer: bytes = bytes(37)) -> bytes:
    """A recording; leads in `off` hold the value that stands for none."""
    samples = contec_samples() if samples is None else samples
    columns = [np.full(len(values), NO_VALUE) if lead in off else values + 2048 for lead, values in samples.items()]
    header = case.ljust(8, b"\0") + b"\0\0" + at.ljust(20, b"\0") + b"\0\0" + name.ljust(8, b"\0")
    return header + bytes([sex, age, weight]) + np.stack(columns, axis=1).astype("<u2").tobytes() + footer
