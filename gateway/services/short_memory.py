"""What was looked up a moment ago and may be believed for a moment more.

A viewer that scrolls asks for hundreds of frames one after another, and each asked the same of the store: who is
this, where does it lie. The price is that what was taken away from somebody is refused that much later.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

V = TypeVar("V")

BELIEVED_FOR = timedelta(seconds=1)


class ShortMemory(Generic[V]):
    """Values by key, each believed for `BELIEVED_FOR`. Bound to one event loop; knows no clock."""

    def __init__(self, *, places: int) -> None:
        self._places = places
        self._known: OrderedDict[Hashable, tuple[datetime, V]] = OrderedDict()

    def get(self, key: Hashable, *, now: datetime) -> V | None:
        """The value, if it was looked up a moment ago. Asking does not prolong it."""
        found = self._known.get(key)
        if found is None or not timedelta(0) <= now - found[0] < BELIEVED_FOR:
            return None
        return found[1]

    def put(self, key: Hashable, value: V, *, looked_up: datetime) -> None:
        """`looked_up` is the time before it was asked for."""
        self._known[key] = (looked_up, value)
        self._known.move_to_end(key)
        while len(self._known) > self._places:
            self._known.popitem(last=False)
