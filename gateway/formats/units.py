"""Units of voltage and time as ECG files write them, as exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

NANOVOLTS: Mapping[str, Decimal] = {
    "nv": Decimal(1), "uv": Decimal(1000), "µv": Decimal(1000), "μv": Decimal(1000),
    "mv": Decimal(1_000_000), "v": Decimal(1_000_000_000),
}
"""Nanovolts in one unit, by the unit's name in lower case."""

SECONDS: Mapping[str, Decimal] = {
    "s": Decimal(1), "ms": Decimal("0.001"), "us": Decimal("0.000001"), "min": Decimal(60),
}
"""Seconds in one unit, by the unit's UCUM code."""
