"""The door in front of the object store that knows the quota and lets renditions give way before anything is refused.

Renditions can be made again, a refused image keeps a technician waiting: so they go first. What is refused all the
same is said once a minute in the log and counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime

import structlog

from gateway.observability import metrics
from storage.errors import StorageFull
from storage.interface import ObjectStore, ObjectWriter
from storage.model import ObjectRef

_SAY_EVERY_S = 60.0
_TRY_EVERY_S = 1.0
_log = structlog.get_logger(__name__)


class SpaceGuard:
    """What is kept against the quota, and who gives way. Any number of threads."""

    def __init__(self, *, quota_bytes: int = 0, make_room: Callable[[], int] | None = None) -> None:
        self.quota_bytes = quota_bytes
        self.refused = 0
        self._kept_bytes = 0
        self._make_room = make_room
        self._lock = threading.Lock()
        self._said_at = self._tried_at = float("-inf")

    @property
    def is_over_quota(self) -> bool:
        return self.quota_bytes > 0 and self._kept_bytes >= self.quota_bytes

    def kept(self, kept_bytes: int) -> None:
        """What is kept in all, as counted by the index."""
        with self._lock:
            self._kept_bytes = kept_bytes

    def added(self, size_bytes: int) -> None:
        """So much came since it was counted; the same bytes twice count twice until it is counted again."""
        with self._lock:
            self._kept_bytes += size_bytes

    def admit(self) -> None:
        """Raises StorageFull when the quota is used up."""
        if self.is_over_quota:
            error = StorageFull(f"the quota of {self.quota_bytes} bytes is used up")
            self.note_refusal(error)
            raise error

    def make_room(self) -> bool:
        """Let renditions go; True if that freed anything. At most once a second."""
        with self._lock:
            now = time.monotonic()
            if self._make_room is None or now - self._tried_at < _TRY_EVERY_S:
                return False
            self._tried_at = now
            freed = self._make_room()
        if freed:
            _log.warning("renditions gave way to what is received", freed_bytes=freed)
        return freed > 0

    def note_refusal(self, error: StorageFull) -> None:
        """Say it in the log, once a minute, and count it."""
        metrics.REFUSED_FULL.inc()
        with self._lock:
            self.refused += 1
            now = time.monotonic()
            if now - self._said_at < _SAY_EVERY_S:
                return
            self._said_at = now
        _log.error("NO ROOM: new objects are refused (C-STORE A700, HTTP 503) until space returns; nothing kept is "
                   "lost", why=str(error), refused=self.refused)


class GuardedObjectStore:
    """`ObjectStore` behind a `SpaceGuard`; everything but beginning an object goes straight through."""

    def __init__(self, inner: ObjectStore, guard: SpaceGuard) -> None:
        self._inner = inner
        self._guard = guard

    def begin(self) -> ObjectWriter:
        guard = self._guard
        guard.admit()
        try:
            writer = self._inner.begin()
        except StorageFull as exc:
            if not guard.make_room():
                guard.note_refusal(exc)
                raise
            writer = self._begin_again()
        return writer if not guard.quota_bytes else _CountedWriter(writer, guard)

    def put(self, data: bytes) -> ObjectRef:
        writer = self.begin()
        try:
            writer.write(data)
            return writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def get(self, sha256: str) -> bytes:
        return self._inner.get(sha256)

    def get_range(self, sha256: str, start: int, length: int) -> bytes:
        return self._inner.get_range(sha256, start, length)

    def size(self, sha256: str) -> int:
        return self._inner.size(sha256)

    def stream(self, sha256: str, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        return self._inner.stream(sha256, chunk_bytes)

    def names(self) -> list[str]:
        return self._inner.names()

    def stored_at(self, sha256: str) -> datetime:
        return self._inner.stored_at(sha256)

    def remove_orphan(self, sha256: str, *, stored_before: datetime) -> bool:
        return self._inner.remove_orphan(sha256, stored_before=stored_before)

    def remove_parts(self, *, begun_before: datetime) -> int:
        return self._inner.remove_parts(begun_before=begun_before)

    def repair(self, ref: ObjectRef, chunks: Iterable[bytes]) -> None:
        self._inner.repair(ref, chunks)

    def free_bytes(self) -> int | None:
        return self._inner.free_bytes()

    def _begin_again(self) -> ObjectWriter:
        try:
            return self._inner.begin()
        except StorageFull as exc:
            self._guard.note_refusal(exc)
            raise


class _CountedWriter:
    """`ObjectWriter` that tells the guard what it kept; writing costs nothing more."""

    __slots__ = ("_guard", "_inner", "abandon", "ref", "write")

    def __init__(self, writer: ObjectWriter, guard: SpaceGuard) -> None:
        self.write = writer.write
        self.abandon = writer.abandon
        self.ref = writer.ref
        self._inner = writer
        self._guard = guard

    @property
    def finishes_soon(self) -> bool:
        return self._inner.finishes_soon

    def finish(self) -> ObjectRef:
        ref = self._inner.finish()
        self._guard.added(ref.size_bytes)
        return ref
