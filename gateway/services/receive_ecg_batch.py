"""Receive several ECG files that came at once: each is received as if it had come alone, and each is answered for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.errors import Unreadable
from gateway.services.ports import Parts
from gateway.services.receive_ecg import EcgReceived, receive_ecg
from gateway.services.receive_instance import Sender
from storage.errors import StorageError

StoredOrNot = EcgReceived | Unreadable | StorageError


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file. Refused files lie in quarantine, unless storage itself did not take them."""

    file_name: str
    size_bytes: int
    outcome: StoredOrNot


async def receive_ecgs(parts: Parts, files: Sequence[tuple[str, bytes]], sender: Sender) -> list[FileOutcome]:
    """One outcome a file, in their order. A file that fails keeps nobody else from being received."""
    found: list[FileOutcome] = []
    for name, data in files:
        try:
            outcome: StoredOrNot = await receive_ecg(parts, data, sender, file_name=name)
        except (Unreadable, StorageError) as exc:
            outcome = exc
        found.append(FileOutcome(name, len(data), outcome))
    return found
