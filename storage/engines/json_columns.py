"""How JSON columns are written and read, alike on both engines."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def to_json(value: Any) -> str:
    """Records, enums and times become plain JSON; Chinese stays readable; NaN is refused, as JSON has none."""
    return _ENCODER.encode(value)


# What JSON does not know (records, times, sets) goes through msgspec when it is met, not everything beforehand.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=msgspec.to_builtins)
from_json = msgspec.json.decode
