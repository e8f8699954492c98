"""Bodies of the queue of studies whose order a person must name."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from gateway.http.messages.orders import OrderView


class ProposalView(msgspec.Struct, frozen=True):
    """An order that may be the study's; `reasons` are machine words for what agrees and what contradicts."""

    order: OrderView
    score: int                           # 0 to 100
    reasons: list[str]


class OpenQuestionView(msgspec.Struct, frozen=True):
    """A study without an order, and the orders that may be its own, the best first."""

    study_id: str
    site_id: str
    site_name: str
    patient_name: str
    name_is_guess: bool
    patient_id: str
    sex: str
    birth_date: date | None
    modality: str
    body_part: str
    description: str
    accession_number: str
    study_at: datetime | None
    arrived_at: datetime
    device_name: str
    instance_count: int
    proposals: list[ProposalView]


class OpenQuestionList(msgspec.Struct, frozen=True):
    items: list[OpenQuestionView]
    total: int


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: str
    reason: str
