"""Storage commitment as administrators see it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class CommitmentView(msgspec.Struct, frozen=True):
    """One request of a device, and how far its result has come."""

    id: str
    transaction_uid: str
    site_id: str
    ae_title: str
    requested_at: datetime
    state: str                           # waiting, judged, reported, given_up
    instances: int
    failed: int                          # of them not committed; 0 while nothing is judged
    reported_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    last_error: str
