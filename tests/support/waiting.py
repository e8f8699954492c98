"""Wait for a condition with a deadline: what tests do instead of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], *, timeout_s: float = 30.0, every_s: float = 0.01) -> Any:
    """Return the first true value of `condition` (plain or async); fail when the deadline passes."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {timeout_s} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(every_s)
