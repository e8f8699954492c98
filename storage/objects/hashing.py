"""Hash a kept object without holding it whole: SHA-256, which is its name, and SM3 (GB/T 32905) beside it (B11)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from cryptography.hazmat.primitives import hashes

from storage.model import ObjectRef

CHUNK_BYTES = 1 << 20
_SM3_AT_ONCE = 1 << 17                   # the library holds the interpreter meanwhile: half a millisecond


class Readable(Protocol):
    """The part of an object store that hashing needs."""

    def get_range(self, sha256: str, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; b"" behind the end. Raises ObjectMissing, StorageUnavailable."""


class Digest:
    """Takes bytes as they come; tells both hashes in hex."""

    def __init__(self, *, with_sm3: bool) -> None:
        self.size_bytes = 0
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3()) if with_sm3 else None

    def update(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self._sha256.update(data)
        if self._sm3 is not None:
            view = memoryview(data)
            for start in range(0, len(data), _SM3_AT_ONCE):
                self._sm3.update(view[start:start + _SM3_AT_ONCE])

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def sm3(self) -> str:
        """Of what came so far; "" where it was not asked for."""
        return "" if self._sm3 is None else self._sm3.copy().finalize().hex()

    def names(self, ref: ObjectRef) -> bool:
        """True if these are the bytes that the name promises."""
        return self.size_bytes == ref.size_bytes and self.sha256 == ref.sha256


def digest_of(store: Readable, ref: ObjectRef, *, with_sm3: bool) -> Digest:
    """Read and hash the whole object; blocking. Raises ObjectMissing, StorageUnavailable."""
    digest = Digest(with_sm3=with_sm3)
    for chunk in chunks_of(store, ref):
        digest.update(chunk)
    return digest


def chunks_of(store: Readable, ref: ObjectRef) -> Iterator[bytes]:
    """The object in pieces. Raises ObjectMissing, StorageUnavailable."""
    start = 0
    while chunk := store.get_range(ref.sha256, start, CHUNK_BYTES):
        yield chunk
        start += len(chunk)
