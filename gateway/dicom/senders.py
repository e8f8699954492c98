"""Who calls: look up the device of a calling AE title and address, briefly remembered.

The look-up is on the path of every association; a new registration must count at once, so only devices that were
found are remembered, and only for a moment.
"""

from __future__ import annotations

import threading
import time

from gateway.services.know_sender import find_device
from gateway.services.ports import Parts
from storage.model import Device

_REMEMBERED_S = 2.0
_MAX_REMEMBERED = 10_000


class KnownSenders:
    """Devices by calling AE title and address. Used from the loop and from threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], tuple[float, Device]] = {}

    def remembered(self, ae_title: str, address: str) -> Device | None:
        """The device, if it was looked up a moment ago."""
        with self._lock:
            until, device = self._found.get((ae_title, address), (0.0, None))
        return device if time.monotonic() < until else None

    async def find(self, ae_title: str, address: str) -> Device | None:
        """The enabled device that calls itself so from there."""
        device = await find_device(self._parts, ae_title, address)
        if device is not None:
            with self._lock:
                if len(self._found) >= _MAX_REMEMBERED:
                    self._found.clear()
                self._found[ae_title, address] = (time.monotonic() + _REMEMBERED_S, device)
        return device
