"""Text becomes a type at the door: AE titles and UIDs.

Real devices send UIDs that break PS3.5 9.1 (empty components, leading zeros, more than 64 characters). Such a UID is
still the only name of its object, so it is kept as text; what we insist on is that it is safe in a path or a query.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_VALID_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
_SAFE_UID = re.compile(r"[0-9A-Za-z._-]{1,128}")


class InvalidAETitle(ValueError):
    """Not an AE title: 1 to 16 printable ASCII characters, no backslash."""


class InvalidUid(ValueError):
    """Not usable as a UID: empty, too long, or with characters that are unsafe in a path."""


@dataclass(frozen=True, slots=True)
class AETitle:
    """Application Entity title: 1 to 16 printable ASCII characters, no backslash (PS3.5 6.2, VR AE)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> AETitle:
        """Take a title as typed or received; outer spaces carry no meaning. Raises InvalidAETitle."""
        title = text.strip(" \0")
        if not (1 <= len(title) <= 16 and title.isascii() and title.isprintable()) or "\\" in title:
            raise InvalidAETitle(text)
        return cls(title)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Uid:
    """A unique identifier as the device wrote it, without padding."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uid:
        """Accept what can be a name, even where it breaks PS3.5 9.1. Raises InvalidUid."""
        uid = text.strip(" \0")
        if not _SAFE_UID.fullmatch(uid) or not any(c.isalnum() for c in uid):
            raise InvalidUid(text)
        return cls(uid)

    @property
    def is_valid(self) -> bool:
        """True if it also keeps the rules of PS3.5 9.1."""
        return len(self.value) <= 64 and _VALID_UID.fullmatch(self.value) is not None

    def __str__(self) -> str:
        return self.value


def uid_from_sha256(sha256_hex: str, *, salt: str = "") -> str:
    """Return a UID under 2.25 that follows from the bytes alone (PS3.5 B.2): equal bytes give equal UIDs."""
    digest = hashlib.sha256(f"{salt}{sha256_hex}".encode()).digest()
    number = bytearray(digest[:16])
    number[6] = (number[6] & 0x0F) | 0x50      # the shape of a name-based UUID (RFC 4122)
    number[8] = (number[8] & 0x3F) | 0x80
    return f"2.25.{int.from_bytes(number, 'big')}"
