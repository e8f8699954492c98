"""Orders that may be the one of a study, for a person to decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MatchState(StrEnum):
    PROPOSED = "proposed"                # waits for a person
    LINKED = "linked"                    # a person, or a score that needs none, said yes
    DISMISSED = "dismissed"              # a person said no; never proposed again


@dataclass(frozen=True, slots=True)
class OrderMatch:
    """One study and one order that may belong together."""

    study_id: str
    order_id: str
    site_id: str
    score: int                           # 0 to 100
    reasons: tuple[str, ...]             # what agrees and what contradicts, machine words
    state: MatchState
    proposed_at: datetime
    settled_at: datetime | None = None
    settled_by: str | None = None
    reason: str = ""                     # in the words of who settled it
