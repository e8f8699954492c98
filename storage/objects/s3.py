"""Objects in an S3 service, named by their SHA-256: "ab/ab12…" under the bucket's prefix.

The name is known only after the last byte, so an object is spooled into a nameless temporary file first and put
when it is finished; `finish` returns after the service answered the put. A put is create-only (If-None-Match): an
object is never overwritten. Needs the extra "scale".
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import obstore
import obstore.store
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError

from storage.errors import ObjectMissing, StorageFull, StorageUnavailable
from storage.model import ObjectRef

_HEX = set("0123456789abcdef")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Until a service has restarted, some answers are server errors: the client tries again before we hear of it.
_RETRY: Any = {"max_retries": 8, "retry_timeout": timedelta(seconds=30)}


class S3ObjectStore:
    """`ObjectStore` in a bucket; any number of processes."""

    def __init__(self, url: str, *, endpoint: str, region: str, access_key_id: str, secret_access_key: str,
                 spool: Path, reserve_bytes: int) -> None:
        """Nothing is asked of the service yet. `spool` is a local folder for what is being received."""
        bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
        options: dict[str, Any] = {"region": region}
        if endpoint:  # a service of one's own: plain host, bucket in the path
            options |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
        if access_key_id:
            options |= {"access_key_id": access_key_id, "secret_access_key": secret_access_key}
        self._store = obstore.store.S3Store(
            bucket, prefix=prefix or None, retry_config=_RETRY, **options,
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": timedelta(seconds=60)})
        self._spool = spool
        self._reserve_bytes = reserve_bytes
        spool.mkdir(parents=True, exist_ok=True)

    def begin(self) -> S3ObjectWriter:
        free = shutil.disk_usage(self._spool).free
        if free < self._reserve_bytes:
            raise StorageFull(f"{free} bytes are free in {self._spool}, {self._reserve_bytes} are kept in reserve")
        return S3ObjectWriter(self, self._spool)

    def put(self, data: bytes) -> ObjectRef:
        ref = ObjectRef(hashlib.sha256(data).hexdigest(), len(data))
        self.keep(ref, data)
        return ref

    def get(self, sha256: str) -> bytes:
        with _translating(sha256):
            return bytes(obstore.get(self._store, _key(sha256)).bytes())

    def get_range(self, sha256: str, start: int, length: int) -> bytes:
        length = min(length, self.size(sha256) - start)  # a range behind the end is an error to S3, empty to us
        if length <= 0:
            return b""
        with _translating(sha256):
            return bytes(obstore.get_range(self._store, _key(sha256), start=start, length=length))

    def size(self, sha256: str) -> int:
        with _translating(sha256):
            return int(obstore.head(self._store, _key(sha256))["size"])

    def stored_at(self, sha256: str) -> datetime:
        with _translating(sha256):
            return obstore.head(self._store, _key(sha256))["last_modified"].astimezone(UTC)

    async def stream(self, sha256: str, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        with _translating(sha256):
            answer = await asyncio.to_thread(obstore.get, self._store, _key(sha256))
            async for chunk in answer.stream(min_chunk_size=chunk_bytes):
                yield bytes(chunk)

    def names(self) -> list[str]:
        with _translating():
            return [entry["path"].rpartition("/")[2] for page in obstore.list(self._store) for entry in page]

    def remove_orphan(self, sha256: str, *, stored_before: datetime) -> bool:
        if self.stored_at(sha256) >= stored_before:
            return False
        with _translating(sha256):
            obstore.delete(self._store, _key(sha256))
        return True

    def remove_parts(self, *, begun_before: datetime) -> int:
        return 0  # a spool file has no name: the system takes it back with the process

    def repair(self, ref: ObjectRef, chunks: Iterable[bytes]) -> None:
        writer = S3ObjectWriter(self, self._spool)
        try:
            for chunk in chunks:
                writer.write(chunk)
            writer.replace(ref)
        finally:
            writer.abandon()

    def free_bytes(self) -> int | None:
        return None

    def put_in_place(self, ref: ObjectRef, content: IO[bytes]) -> None:
        """Put bytes over what lies under their name. For S3ObjectWriter alone."""
        with _translating(ref.sha256):
            obstore.put(self._store, _key(ref.sha256), content, mode="overwrite", use_multipart=False)

    def keep(self, ref: ObjectRef, content: bytes | IO[bytes]) -> None:
        """Put bytes under their name; returns once the service has them. For S3ObjectWriter alone."""
        with _translating(ref.sha256):
            try:
                obstore.put(self._store, _key(ref.sha256), content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                if obstore.head(self._store, _key(ref.sha256))["size"] != ref.size_bytes:
                    raise StorageUnavailable(f"object {ref.sha256} is in the bucket with another size") from None


class S3ObjectWriter:
    """`ObjectWriter` on a nameless local file, then one put."""

    def __init__(self, store: S3ObjectStore, spool: Path) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        with _translating():
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=spool)  # noqa: SIM115  closed by finish or abandon

    def write(self, data: bytes | memoryview) -> None:
        with _translating():
            self._file.write(data)
        self._hash.update(data)
        self._size_bytes += memoryview(data).nbytes

    @property
    def finishes_soon(self) -> bool:
        return False

    def ref(self) -> ObjectRef:
        return ObjectRef(self._hash.hexdigest(), self._size_bytes)

    def finish(self) -> ObjectRef:
        ref = self.ref()
        try:
            with _translating():
                self._file.seek(0)
            self._store.keep(ref, self._file)
        finally:
            self.abandon()
        return ref

    def replace(self, ref: ObjectRef) -> None:
        """Take the place of what lies under this name. For `repair` alone."""
        if (self._hash.hexdigest(), self._size_bytes) != (ref.sha256, ref.size_bytes):
            raise StorageUnavailable(f"the bytes for the repair of {ref.sha256} are not those of its name")
        with _translating():
            self._file.seek(0)
        self._store.put_in_place(ref, self._file)

    def abandon(self) -> None:
        with contextlib.suppress(OSError):  # closing may try to write what the full disk refused
            self._file.close()


def _key(sha256: str) -> str:
    if len(sha256) != 64 or not set(sha256) <= _HEX:
        raise ObjectMissing(f"{sha256!r} is not the name of an object")
    return f"{sha256[:2]}/{sha256}"


@contextmanager
def _translating(sha256: str = "") -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as exc:
        raise ObjectMissing(f"object {sha256} is not in the bucket") from exc
    except BaseError as exc:
        reason = str(exc).partition("\n")[0]          # what follows is a dump for developers of the client
        raise StorageUnavailable(f"the S3 service did not take it: {reason}") from exc
    except OSError as exc:
        if exc.errno in _NO_SPACE:
            raise StorageFull(f"the disk of the spool folder is full: {exc.strerror}") from exc
        raise StorageUnavailable(f"the spool folder did not answer: {exc}") from exc
