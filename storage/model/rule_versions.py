"""A version of the rules: who proposed it, who approved it, and whether it is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RuleState(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    ACTIVE = "active"                    # exactly one, from the first start on
    SUPERSEDED = "superseded"            # was in force
    REFUSED = "refused"                  # never was in force


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """Its text never changes; people are user ids, or the actor's own word ("cli", "gateway")."""

    version: int
    title: str
    state: RuleState
    proposed_at: datetime
    proposed_by: str
    note: str = ""                       # why, in the proposer's words
    activated_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None       # None: nobody had to
    refused_at: datetime | None = None
    refused_by: str | None = None
    refused_reason: str = ""
    restores: int | None = None          # the older version whose text it brings again
    based_on: int | None = None          # what was in force when it was proposed
