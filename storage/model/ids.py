"""Opaque ids."""

from __future__ import annotations

import os
import time


def new_id() -> str:
    """Return a fresh opaque id: 26 hex digits that sort by the time they were made."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(7).hex()}"
