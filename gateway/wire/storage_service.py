"""What the DICOM port asks of whoever keeps what arrives, and the records that it passes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Rejection(Enum):
    """A-ASSOCIATE-RJ: result, source, reason (PS3.8 9.3.4)."""

    CALLING_AE_TITLE_NOT_RECOGNISED = (1, 1, 3)
    CALLED_AE_TITLE_NOT_RECOGNISED = (1, 1, 7)
    TEMPORARY_CONGESTION = (2, 3, 1)
    LOCAL_LIMIT_EXCEEDED = (2, 3, 2)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who opened an association."""

    association_id: str
    calling_ae_title: str
    called_ae_title: str
    address: str
    certificate: bytes = b""             # of the client, DER, as shown in a TLS handshake; empty: none

    @property
    def certificate_sha256(self) -> str:
        """Its fingerprint, "" without a certificate."""
        return hashlib.sha256(self.certificate).hexdigest() if self.certificate else ""


@dataclass(frozen=True, slots=True)
class StoreCommand:
    """A C-STORE-RQ (PS3.7 9.1.1): what the command says of the data set."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class DatasetSink(Protocol):
    """Takes one data set as it arrives."""

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes, which are there only until this returns.

        Never raises: a failure is told by `StorageService.store`.
        """

    def abandon(self) -> None:
        """The rest will not come; leave nothing. Also called after `store`, then without effect."""


class StorageService(Protocol):
    """Keeps what arrives. Called from the associations' threads; may block."""

    def admit(self, peer: Peer) -> Rejection | None:
        """Decide on an association."""

    def begin(self, peer: Peer, command: StoreCommand) -> DatasetSink:
        """A data set begins. Never raises."""

    def store(self, peer: Peer, command: StoreCommand, sink: DatasetSink) -> int:
        """The data set is complete: keep it, then return the status. Never raises."""

    def ended(self, peer: Peer) -> None:
        """The association is over, in whatever way. Never raises."""
