"""Remember in this process what was written to the audit trail lately, so that a screen that asks again adds nothing.

A live screen fetches the same study again and again; whoever reads the trail wants to know that it was opened. The
memory is bounded, and a restart forgets it: then an entry is written once more than needed, never once too few.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

_REMEMBERED = 20_000


class WrittenLately:
    """Keys of entries with the time they were written. Bound to one event loop; knows no clock."""

    def __init__(self, *, window: timedelta | None = None, remembered: int = _REMEMBERED) -> None:
        self._window = window            # None: until others push it out
        self._remembered = remembered
        self._written: OrderedDict[str, datetime] = OrderedDict()

    def has(self, key: str, *, now: datetime) -> bool:
        """True if the entry was written within the window. Asking does not prolong it."""
        at = self._written.get(key)
        return at is not None and (self._window is None or now - at < self._window)

    def add(self, key: str, *, now: datetime) -> None:
        """The entry is durable. Only then: what is only about to be written may still fail."""
        self._written[key] = now
        self._written.move_to_end(key)
        while len(self._written) > self._remembered:
            self._written.popitem(last=False)
