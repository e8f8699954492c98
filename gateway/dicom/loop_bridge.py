"""The one place where the DICOM threads cross into the asyncio loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Coroutine
from typing import Any, TypeVar

from storage.errors import StorageUnavailable

T = TypeVar("T")


class LoopBridge:
    """Runs coroutines of threads on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, timeout_s: float) -> None:
        self._loop = loop
        self._timeout_s = timeout_s

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it and wait for its result. Raises what it raises; StorageUnavailable if the loop does not answer."""
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as exc:
            work.close()
            raise StorageUnavailable("the gateway is stopping") from exc
        try:
            return future.result(self._timeout_s)
        except concurrent.futures.TimeoutError as exc:
            future.cancel()
            raise StorageUnavailable("storage did not answer in time") from exc
