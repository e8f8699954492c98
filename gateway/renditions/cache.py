"""Keep renditions on this machine's disk: evictable, made again when they are gone, never the truth.

A rendition is named by the SHA-256 of the object it was made from, so it can never belong to other bytes. Nothing
here is synced: what a power cut takes is made again. Files appear whole, by rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


class RenditionCache:
    """Files below one folder, two levels deep. Blocking; safe for several threads and processes."""

    def __init__(self, folder: Path, *, limit_bytes: int, keep_free_bytes: int = 0) -> None:
        """Nothing is kept while less than `keep_free_bytes` are free: that room is for what is received."""
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._keep_free_bytes = keep_free_bytes

    def get(self, object_sha256: str, name: str) -> bytes | None:
        """The rendition, or None where it has to be made. Reading it makes it young again."""
        path = self._path(object_sha256, name)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, object_sha256: str, name: str, data: bytes) -> None:
        """Keep it; a full disk is no error, the rendition is simply made again."""
        path = self._path(object_sha256, name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if self._keep_free_bytes and shutil.disk_usage(path.parent).free < self._keep_free_bytes:
                return
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def forget(self, object_sha256: str) -> None:
        """Remove every rendition of an object that was deleted. Raises OSError where that fails."""
        folder = self._path(object_sha256, "any").parent
        if folder.is_dir():
            shutil.rmtree(folder)

    def total_bytes(self) -> int:
        """What lies in the cache."""
        return sum(size for _, size, _ in self._entries())

    def evict(self, *, at_least_bytes: int = 0) -> int:
        """Remove what was not used for longest until the limit holds, and at least so much; tells what was freed."""
        entries = sorted(self._entries())
        excess = max(sum(size for _, size, _ in entries) - self._limit_bytes, at_least_bytes)
        freed = 0
        for _, size, path in entries:
            if freed >= excess:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                freed += size
        return freed

    def _entries(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("??/*/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return found

    def _path(self, object_sha256: str, name: str) -> Path:
        if not (object_sha256 and set(object_sha256 + name) <= _SAFE and not name.startswith(".")):
            raise ValueError(f"not a rendition's name: {object_sha256}/{name}")
        return self._folder / object_sha256[:2] / object_sha256 / name
