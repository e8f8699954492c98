"""Objects as plain files on one machine, named by their SHA-256.

`objects/ab/ab12…` holds the bytes exactly as received. Bytes are written to a part file while the hash runs;
`finish` makes them durable in this order: fsync the file → link it to its name (create-only) → fsync the folder.
A crash in between leaves a part file or an object that no index row names; both are swept later.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import ObjectMissing, StorageFull, StorageUnavailable
from storage.model import ObjectRef, new_id

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class FileObjectStore:
    """`ObjectStore` in a folder. Any number of threads; the folder belongs to one process."""

    def __init__(self, root: Path, *, reserve_bytes: int) -> None:
        """Make the folders that are missing, durably."""
        self._root = root
        self._parts = root / "parts"
        self._reserve_bytes = reserve_bytes
        # Keeps a sweep from removing an old orphan in the moment in which the same bytes arrive again.
        self._naming = threading.Lock()
        with _translating():
            _make_folder(root)
            if not (self._parts).is_dir():
                for number in range(256):
                    (root / f"{number:02x}").mkdir(exist_ok=True)
                self._parts.mkdir(exist_ok=True)  # last: its presence says that the 256 are there
                _fsync_folder(root)

    def begin(self) -> FileObjectWriter:
        free = self.free_bytes()
        if free is not None and free < self._reserve_bytes:
            raise StorageFull(f"{free} bytes are free in {self._root}, {self._reserve_bytes} are kept in reserve")
        return FileObjectWriter(self, self._parts / new_id())

    def put(self, data: bytes) -> ObjectRef:
        writer = self.begin()
        try:
            writer.write(data)
            return writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def get(self, sha256: str) -> bytes:
        with _translating(sha256):
            return self._path(sha256).read_bytes()

    def get_range(self, sha256: str, start: int, length: int) -> bytes:
        with _translating(sha256), self._path(sha256).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def size(self, sha256: str) -> int:
        with _translating(sha256):
            return self._path(sha256).stat().st_size

    def stored_at(self, sha256: str) -> datetime:
        with _translating(sha256):
            return datetime.fromtimestamp(self._path(sha256).stat().st_mtime, UTC)

    async def stream(self, sha256: str, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        with _translating(sha256):
            descriptor = await asyncio.to_thread(os.open, self._path(sha256), os.O_RDONLY | os.O_CLOEXEC)
        try:
            with _translating(sha256):
                while chunk := await asyncio.to_thread(os.read, descriptor, chunk_bytes):
                    yield chunk
        finally:
            os.close(descriptor)

    def names(self) -> list[str]:
        with _translating():
            return [entry.name for number in range(256) for entry in os.scandir(self._root / f"{number:02x}")]

    def remove_orphan(self, sha256: str, *, stored_before: datetime) -> bool:
        with self._naming, _translating(sha256):
            if self.stored_at(sha256) >= stored_before:
                return False
            self._path(sha256).unlink()
            return True

    def remove_parts(self, *, begun_before: datetime) -> int:
        count = 0
        with _translating():
            for entry in list(os.scandir(self._parts)):
                if datetime.fromtimestamp(entry.stat().st_mtime, UTC) < begun_before:
                    with suppress(FileNotFoundError):
                        Path(entry.path).unlink()
                        count += 1
        return count

    def free_bytes(self) -> int | None:
        with _translating():
            disk = os.statvfs(self._root)
        return disk.f_bavail * disk.f_frsize

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ObjectMissing(f"{sha256!r} is not the name of an object")
        return self._root / sha256[:2] / sha256

    def keep(self, part: Path, ref: ObjectRef) -> None:
        """Give a fsynced part file its name, durably. For FileObjectWriter alone."""
        path = self._path(ref.sha256)
        with self._naming:
            try:
                os.link(part, path)
            except FileExistsError:
                if path.stat().st_size == ref.size_bytes:
                    os.utime(path)  # young again, so that no sweep takes it from us
                else:
                    part.replace(path)  # what lies there is not what its name says: these bytes heal it
            except OSError as exc:
                if exc.errno not in _NO_LINKS:
                    raise
                part.replace(path)
        # Also when it was there already: another thread may have linked it and not yet synced the folder.
        _fsync_folder(path.parent)


class FileObjectWriter:
    """`ObjectWriter` on a part file."""

    def __init__(self, store: FileObjectStore, part: Path) -> None:
        self._store = store
        self._part = part
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        with _translating():
            self._descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes | memoryview) -> None:
        with _translating():
            _write_all(self._descriptor, data)
        self._hash.update(data)
        self._size_bytes += memoryview(data).nbytes

    def finish(self) -> ObjectRef:
        ref = ObjectRef(self._hash.hexdigest(), self._size_bytes)
        try:
            with _translating():
                os.fsync(self._descriptor)
                self._store.keep(self._part, ref)
        finally:
            self.abandon()
        return ref

    def abandon(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(FileNotFoundError):
                self._part.unlink()


@contextmanager
def _translating(sha256: str = "") -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        if sha256:
            raise ObjectMissing(f"object {sha256} is not in the store") from exc
        raise StorageUnavailable(f"the object folder is gone: {exc}") from exc
    except OSError as exc:
        if exc.errno in _NO_SPACE:
            raise StorageFull(f"the disk of the objects is full: {exc.strerror}") from exc
        raise StorageUnavailable(f"the object folder did not answer: {exc}") from exc


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view):]


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they survive a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
