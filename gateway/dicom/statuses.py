"""What a C-STORE is answered with (PS3.4 B.2.3, PS3.7 annex C); gateway/http/errors.py is its HTTP twin."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.errors import Unreadable
from storage.errors import StorageFull, StorageUnavailable

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH_SOP_CLASS = 0xA900
CANNOT_UNDERSTAND = 0xC000


class UnexpectedInstance(Unreadable):
    """The data set is not what the C-STORE command says it is."""

    reason = "sop-class-mismatch"


STATUSES: Mapping[type[Exception], int] = {        # the first class that fits counts
    StorageFull: OUT_OF_RESOURCES,
    StorageUnavailable: OUT_OF_RESOURCES,          # as temporary for the sender: it tries again
    UnexpectedInstance: DOES_NOT_MATCH_SOP_CLASS,
    Unreadable: CANNOT_UNDERSTAND,
}


def status_of(error: Exception) -> int:
    """Return the status for an error; what nobody expected is a processing failure."""
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), PROCESSING_FAILURE)
