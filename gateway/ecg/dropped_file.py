"""Read a file that somebody else may still change: whoever writes the folder can swap or grow it after a look."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gateway.core.errors import Unreadable


def content(path: Path, limit_bytes: int) -> bytes:
    """The bytes of a regular file, never through a link. Raises OSError if it is none, Unreadable ("too-large")."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("no regular file")
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise too_large(limit_bytes)
    return data


def too_large(limit_bytes: int) -> Unreadable:
    """The refusal of a file, or of several that belong together, beyond the limit."""
    return Unreadable(f"An ECG file may have {limit_bytes} bytes at most.", reason="too-large")
