"""What a large object would keep its receiver waiting for, done while it still arrives: hashing, and writing back."""

from __future__ import annotations

import ctypes
import hashlib
import queue
import threading

LARGE_BYTES = 2 << 20
_WRITTEN_BACK_BYTES = 4 << 20
_MOST_WAITING = 8
_START_WRITING = 2                       # SYNC_FILE_RANGE_WRITE: begin, do not wait

_libc = ctypes.CDLL(None, use_errno=True)
_sync_file_range = getattr(_libc, "sync_file_range", None)


class HashBeside:
    """Carries a SHA-256 on in a thread of its own. `finish` must be called, also when the result is not wanted."""

    def __init__(self, begun: hashlib._Hash) -> None:
        self._hash = begun
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)      # bounded: memory stays so
        self._thread = threading.Thread(target=self._run, name="hash-beside", daemon=True)
        self._thread.start()

    def update(self, data: bytes) -> None:
        self._waiting.put(data)

    def finish(self) -> None:
        """Everything is hashed."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (data := self._waiting.get()) is not None:
            self._hash.update(data)


class WriteBack:
    """Lets the kernel begin to write what has been written, so that the sync at the end finds little left to do."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked_bytes = 0

    def written(self, size_bytes: int) -> None:
        """So many bytes are in the file by now. Only a hint: whatever comes of it, the sync at the end decides."""
        length = size_bytes - self._asked_bytes
        if length < _WRITTEN_BACK_BYTES or _sync_file_range is None:
            return
        _sync_file_range(ctypes.c_int(self._descriptor), ctypes.c_int64(self._asked_bytes), ctypes.c_int64(length),
                         ctypes.c_uint(_START_WRITING))
        self._asked_bytes = size_bytes
