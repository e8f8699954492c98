"""Objects as plain files on one machine, named by their SHA-256.

`objects/ab/ab12…` holds the bytes exactly as received. Bytes are written to a file without a name while the hash
runs; `finish` makes them durable in this order: link the file to its name (create-only) → fsync the file → fsync the
folder. A journal writes the file and its name together then, and the folder's sync has next to nothing left to do. A
crash in between leaves an object that no index row names, perhaps with other bytes than its name says; it is swept
later, and what lies under a name already is never relied on: the same bytes that come again are fsynced first and
then take its place. Where the file system knows no nameless files, a part file is used that way from the beginning.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import ObjectMissing, StorageFull, StorageUnavailable
from storage.model import ObjectRef, new_id
from storage.objects.large_files import LARGE_BYTES, HashBeside, WriteBack

_HEX_DIGITS = frozenset("0123456789abcdef")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FileObjectStore:
    """`ObjectStore` in a folder. Any number of threads; the folder belongs to one process."""

    def __init__(self, root: Path, *, reserve_bytes: int) -> None:
        """Make the folders that are missing, durably."""
        self._root = root = root.absolute()
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
            self._has_nameless_files = _can_name_later(self._parts)

    def begin(self) -> FileObjectWriter:
        free = self.free_bytes()
        if free is not None and free < self._reserve_bytes:
            raise StorageFull(f"{free} bytes are free in {self._root}, {self._reserve_bytes} are kept in reserve")
        return FileObjectWriter(self, self._parts, is_nameless=self._has_nameless_files)

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

    def repair(self, ref: ObjectRef, chunks: Iterable[bytes]) -> None:
        # Below the reserve too: it is for such moments.
        writer = FileObjectWriter(self, self._parts, is_nameless=self._has_nameless_files)
        try:
            for chunk in chunks:
                writer.write(chunk)
            writer.replace(ref)
        finally:
            writer.abandon()

    def free_bytes(self) -> int | None:
        with _translating():
            disk = os.statvfs(self._root)
        return disk.f_bavail * disk.f_frsize

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not _HEX_DIGITS.issuperset(sha256):
            raise ObjectMissing(f"{sha256!r} is not the name of an object")
        return Path(f"{self._root}/{sha256[:2]}/{sha256}")

    def keep_nameless(self, descriptor: int, ref: ObjectRef) -> bool:
        """Give a file its name and make both durable; False: the name is taken. For FileObjectWriter alone."""
        path = self._path(ref.sha256)
        with self._naming:
            try:
                _link(descriptor, path)
            except FileExistsError:
                return False
        try:
            os.fsync(descriptor)
        except OSError:
            with self._naming, suppress(OSError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:   # nobody took its place meanwhile
                    path.unlink()
            raise
        _fsync_folder(path.parent)
        return True

    def put_in_place(self, part: Path, ref: ObjectRef) -> None:
        """Let a fsynced part file take its name, whatever lies there, durably. For FileObjectWriter alone."""
        path = self._path(ref.sha256)
        with self._naming:
            part.replace(path)
        _fsync_folder(path.parent)


class FileObjectWriter:
    """`ObjectWriter` on a file without a name, or on a part file where there are none."""

    def __init__(self, store: FileObjectStore, parts: Path, *, is_nameless: bool) -> None:
        self._store = store
        self._parts = parts
        self._part = parts if is_nameless else parts / new_id()
        self._is_nameless = is_nameless
        self._hash = hashlib.sha256()
        self._hash_beside: HashBeside | None = None          # of a large object
        self._size_bytes = 0
        with _translating():
            if is_nameless:
                self._descriptor = os.open(parts, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
            else:
                self._descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._write_back = WriteBack(self._descriptor)

    def write(self, data: bytes | memoryview) -> None:
        with _translating():
            _write_all(self._descriptor, data)
        self._size_bytes += memoryview(data).nbytes
        if self._size_bytes < LARGE_BYTES:
            self._hash.update(data)
            return
        if self._hash_beside is None:
            self._hash_beside = HashBeside(self._hash)
        self._hash_beside.update(bytes(data))
        self._write_back.written(self._size_bytes)

    @property
    def finishes_soon(self) -> bool:
        return self._size_bytes < LARGE_BYTES

    def ref(self) -> ObjectRef:
        self._end_hash()
        return ObjectRef(self._hash.hexdigest(), self._size_bytes)

    def finish(self) -> ObjectRef:
        ref = self.ref()
        try:
            with _translating():
                if not (self._is_nameless and self._store.keep_nameless(self._descriptor, ref)):
                    self._take_place(ref)
        finally:
            self.abandon()
        return ref

    def replace(self, ref: ObjectRef) -> None:
        """Take the place of what lies under this name. For `repair` alone."""
        if self.ref() != ref:
            raise StorageUnavailable(f"the bytes for the repair of {ref.sha256} are not those of its name")
        with _translating():
            self._take_place(ref)

    def _end_hash(self) -> None:
        if self._hash_beside is not None:
            self._hash_beside.finish()

    def abandon(self) -> None:
        self._end_hash()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if not self._is_nameless:
                with suppress(FileNotFoundError):
                    self._part.unlink()

    def _take_place(self, ref: ObjectRef) -> None:
        os.fsync(self._descriptor)
        if self._is_nameless:
            self._part = self._parts / new_id()
            _link(self._descriptor, self._part)
            self._is_nameless = False
        self._store.put_in_place(self._part, ref)


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


def _link(descriptor: int, path: Path) -> None:
    # The only way to name a file that was opened without a name; os.link() follows links only beside a folder's
    # descriptor, which an absolute path then ignores.
    os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)


def _can_name_later(folder: Path) -> bool:
    """True if a file can be opened without a name in this folder and get one afterwards."""
    probe = folder / new_id()
    try:
        descriptor = os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
        try:
            _link(descriptor, probe)
        finally:
            os.close(descriptor)
        probe.unlink()
    except OSError:
        return False
    return True


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
