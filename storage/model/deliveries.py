"""The way of a report to one destination."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.sites import DestinationKind


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"                        # it left us
    ACCEPTED = "accepted"                # the node answered success, or the page has it
    OPENED = "opened"                    # a person at the clinic opened it
    ACKNOWLEDGED = "acknowledged"        # a person at the clinic pressed "received"
    REFUSED = "refused"                  # permanent; the reason is in `last_error`
    CALLED_BACK = "called_back"          # a newer version replaced the report


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    report_id: str
    study_id: str
    site_id: str
    destination_id: str
    kind: DestinationKind
    state: DeliveryState
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    last_error: str                      # why it waits, in plain words
