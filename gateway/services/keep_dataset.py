"""Write a data set into the object store while it arrives, as a Part 10 file, and remember its first bytes.

Blocking; used from the thread that receives. A failure is told by `finish`, so that the rest of a data set that can
no longer be kept is simply let go.
"""

from __future__ import annotations

from gateway.formats.part10 import file_header
from gateway.services.ports import Parts
from storage.errors import StorageError
from storage.interface import ObjectWriter
from storage.model import ObjectRef

FIRST_BYTES = 1 << 16         # the leading elements of nearly every object; the rest is read from the store if needed


class DatasetKeeper:
    """One data set: `write` as it comes, then `finish` or `abandon`."""

    def __init__(self, parts: Parts, *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> None:
        self.first_bytes = bytearray()
        self._writer: ObjectWriter | None = None
        self._failure: StorageError | None = None
        self._kept: ObjectRef | None = None
        try:
            self._writer = parts.objects.begin()
        except StorageError as exc:
            self._failure = exc
        self.write(file_header(sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid,
                               transfer_syntax_uid=transfer_syntax_uid))

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Never raises."""
        if self._writer is None or self._failure is not None:
            return
        try:
            self._writer.write(data)
        except StorageError as exc:
            self._failure = exc
            self.abandon()
            return
        missing = FIRST_BYTES - len(self.first_bytes)
        if missing > 0:
            self.first_bytes += memoryview(data)[:missing]

    @property
    def finishes_soon(self) -> bool:
        """True if `finish` takes about as long as one sync of a disk."""
        return self._writer is not None and self._failure is None and self._writer.finishes_soon

    def ref(self) -> ObjectRef:
        """What the object is called, before it is durable. Raises StorageFull, StorageUnavailable."""
        if self._kept is not None:
            return self._kept
        return self._whole().ref()

    def finish(self) -> ObjectRef:
        """The file is durable now. Raises StorageFull, StorageUnavailable: then nothing of it is left."""
        if self._kept is None:
            self._kept = self._whole().finish()
        return self._kept

    def _whole(self) -> ObjectWriter:
        if self._failure is not None:
            raise self._failure
        assert self._writer is not None
        return self._writer

    def abandon(self) -> None:
        """Leave nothing behind; without effect after `finish`."""
        if self._writer is not None:
            self._writer.abandon()
