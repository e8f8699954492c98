"""How JSON columns are written and read, alike on both engines."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def to_json(value: Any) -> str:
    """Records, enums and times become plain JSON; Chinese stays readable; NaN is refused, as JSON has none."""
    return _ENCODER.encode(msgspec.to_builtins(value))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
from_json = msgspec.json.decode
