"""Samples into the differences and the default Huffman code (table 19999) of SCP-ECG, by arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.formats.scp_huffman import HuffmanTables, default_tables

Values = NDArray[np.int64]


def differences(samples: Values, order: int) -> Values:
    """First or second differences in the arithmetic of 16 bits; the first one or two values are samples."""
    out = samples.copy()
    if order == 1:
        out[1:] = np.diff(samples)
    elif order == 2 and len(samples) > 2:
        out[2:] = np.diff(samples, 2)
    return out.astype(np.int16).astype(np.int64)


def encode(values: Values, tables: HuffmanTables | None = None) -> bytes:
    """Values of 16 bits in the codes of the first table, first bit highest, padded with zero bits."""
    codes, lengths = _codes(values, tables or default_tables())
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    owner = np.repeat(np.arange(len(values)), lengths)
    behind = ends[owner] - 1 - np.arange(total)          # how many bits of the same code follow
    return np.packbits(((codes[owner] >> behind) & 1).astype(np.uint8)).tobytes()


def _codes(values: Values, tables: HuffmanTables) -> tuple[Values, Values]:
    """The shortest code for each value, and its length."""
    codes = np.zeros(len(values), dtype=np.int64)
    lengths = np.zeros(len(values), dtype=np.int64)
    for code in sorted(tables.codes, key=lambda c: -c.total_bits):
        extra = code.total_bits - code.prefix_bits
        if code.switch_to >= 0:
            continue
        offset = values - code.value
        fits = offset == 0 if extra == 0 else (offset >= -(1 << extra - 1)) & (offset < 1 << extra - 1)
        codes[fits] = code.prefix << extra | (offset[fits] & ((1 << extra) - 1))
        lengths[fits] = code.total_bits
    if len(lengths) and lengths.min() == 0:
        raise ValueError("the table has no code for some value")
    return codes, lengths
