"""The second place of every kept object: a folder on another disk, or another bucket.

It is an `ObjectStore` of its own behind a door that looks first. A folder carries a mark: when the disk is not
mounted its mount point is an empty folder, and what is copied there would lie on the first disk again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from storage.errors import StorageUnavailable
from storage.interface import ObjectStore
from storage.model import ObjectRef, new_id
from storage.objects.files import FileObjectStore
from storage.objects.hashing import Digest, chunks_of, digest_of

_MARK = "reading-gateway-second-copy.txt"


class SecondCopy:
    """Where second copies go. Blocking: use a thread."""

    def __init__(self, *, folder: Path | None = None, bucket: ObjectStore | None = None, address: str,
                 reserve_bytes: int = 0) -> None:
        """One of `folder` and `bucket`; nothing is touched yet. `address` names the place for people."""
        self.address = address
        self._folder = folder
        self._bucket = bucket
        self._reserve_bytes = reserve_bytes
        self._files: FileObjectStore | None = None

    def begin(self) -> str:
        """Make the place ready for the first copy, and return its mark: a new one, or the one that is there."""
        if self._folder is None:
            return ""
        path = self._folder / _MARK
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                with path.open("w", encoding="utf-8") as file:
                    file.write(f"{new_id()}\nSecond copies of a Reading Gateway. It tells the disk: keep it.\n")
                    file.flush()
                    os.fsync(file.fileno())
            return path.read_text(encoding="utf-8").split("\n", 1)[0]
        except OSError as exc:
            raise StorageUnavailable(f"the folder of the second copy did not answer: {exc}") from exc

    def open(self, mark: str) -> ObjectStore:
        """The store behind it, if it is the place that `begin` marked. Raises StorageUnavailable."""
        if self._folder is None:
            assert self._bucket is not None
            return self._bucket
        try:
            found = (self._folder / _MARK).read_text(encoding="utf-8").split("\n", 1)[0]
        except FileNotFoundError as exc:
            raise StorageUnavailable(f"{self._folder} does not carry the mark of the second copy: is its disk "
                                     "mounted?") from exc
        except OSError as exc:
            raise StorageUnavailable(f"the folder of the second copy did not answer: {exc}") from exc
        if found != mark:
            raise StorageUnavailable(f"{self._folder} carries the mark of another second copy")
        if self._files is None:
            self._files = FileObjectStore(self._folder / "objects", reserve_bytes=self._reserve_bytes)
        return self._files

    def is_on_the_disk_of(self, path: Path) -> bool:
        """True if both lie on one file system: then one broken disk takes both."""
        try:
            return self._folder is not None and self._folder.stat().st_dev == path.stat().st_dev
        except OSError:
            return False

    def copy(self, source: ObjectStore, ref: ObjectRef, mark: str) -> bool:
        """Copy an object and read it back from the medium; True once its hash was verified there.

        False: the bytes of the source are not what their name says; nothing was copied.
        Raises ObjectMissing (of the source), StorageFull, StorageUnavailable.
        """
        target = self.open(mark)
        digest = Digest(with_sm3=False)
        writer = target.begin()
        try:
            for chunk in chunks_of(source, ref):
                digest.update(chunk)
                writer.write(chunk)
            if digest.sha256 != ref.sha256:
                return False
            writer.finish()
        finally:
            writer.abandon()
        if self.digest(ref, mark).sha256 == ref.sha256:
            return True
        # Something else lies under that name: an old copy that went bad.
        target.repair(ref, chunks_of(source, ref))
        if self.digest(ref, mark).sha256 != ref.sha256:
            raise StorageUnavailable(f"the copy of {ref.sha256} does not read back as it was written")
        return True

    def digest(self, ref: ObjectRef, mark: str) -> Digest:
        """Hash what lies there, read from the medium. Raises ObjectMissing, StorageUnavailable."""
        store = self.open(mark)
        self._drop_cached(ref.sha256)
        return digest_of(store, ref, with_sm3=False)

    def _drop_cached(self, sha256: str) -> None:
        """Let the system forget the file's pages, so that reading asks the disk."""
        if self._folder is None:
            return
        with suppress(OSError):
            descriptor = os.open(self._folder / "objects" / sha256[:2] / sha256, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
