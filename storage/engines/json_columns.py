"""How JSON columns are written and read, alike on both engines."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def to_json(value: Any) -> str:
    """Records, enums and times become plain JSON; Chinese stays readable; NaN is refused, as JSON has none."""
    try:
        quick = msgspec.json.encode(value)
    except (TypeError, UnicodeEncodeError):  # what it does not take: the other says so, or takes it
        return _ENCODER.encode(value)
    if b"null" not in quick:                 # it writes NaN as null: without one there was none
        return quick.decode()
    if type(value) is dict and all(type(name) is str for name in value):
        return "{" + ",".join(f"{_ENCODER.encode(name)}:{to_json(value[name])}" for name in value) + "}"
    return _ENCODER.encode(value)


# What JSON does not know (records, times, sets) goes through msgspec when it is met, not everything beforehand.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=msgspec.to_builtins)
from_json = msgspec.json.decode
