"""Who can read what, who is there, and who is on duty when; and what two sites have agreed.

Skills belong to people, hours to groups: a duty group's weekly hours stand in the rule file, what differs from them
on a date stands here and wins. A day off is data, too: the alliance's own days win over the calendar that ships.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Grade(StrEnum):
    """What a reader's qualification allows; the role at a site still has to be granted."""

    WRITE = "write"
    REVIEW = "review"                    # writes, too


class Presence(StrEnum):
    PRESENT = "present"
    AWAY = "away"                        # comes back: nothing new is assigned, nothing is taken from the hands
    OFF = "off"                          # went home: open work has been given back


class EntryKind(StrEnum):
    DUTY = "duty"
    LEAVE = "leave"                      # of the person, for every group


class SwapState(StrEnum):
    """A swap needs the colleague and, where the group has a head, the head."""

    ASKED = "asked"
    AGREED = "agreed"                    # by the colleague; waits for the head
    DONE = "done"                        # the duty has moved
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class HolidayKind(StrEnum):
    HOLIDAY = "holiday"
    WORKDAY = "workday"                  # a Saturday or Sunday that is worked (调休)


@dataclass(frozen=True, slots=True)
class ReaderProfile:
    """What one reader can read. Nobody without a profile is restricted by it."""

    user_id: str
    grade: Grade
    modalities: tuple[str, ...] = ()     # DICOM codes without ECG; none: every one
    body_parts: tuple[str, ...] = ()     # Body Part Examined; none: every one
    reads_ecg: bool = True
    site_ids: tuple[str, ...] = ()       # whose studies; none: those of the grants
    max_open: int = 0                    # readings assigned at the same time; 0: no limit
    home_site_id: str = ""               # where the reader works: the reading side of an agreement (A2)
    updated_by: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReaderPresence:
    user_id: str
    presence: Presence
    since: datetime


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One stretch of duty in a group, or of leave."""

    id: str
    kind: EntryKind
    duty_group: str                      # "" for leave
    user_id: str
    starts_at: datetime
    ends_at: datetime                    # exclusive
    note: str
    created_by: str
    created_at: datetime
    revision: int = 0                    # grows with every change


@dataclass(frozen=True, slots=True)
class Swap:
    """One person asks another to take a stretch of duty."""

    id: str
    entry_id: str
    duty_group: str
    from_user_id: str
    to_user_id: str
    state: SwapState
    note: str
    asked_at: datetime
    answered_at: datetime | None = None  # by the colleague
    decided_by: str | None = None        # who settled it: the colleague, or the head
    decided_at: datetime | None = None
    reason: str = ""                     # of a refusal


@dataclass(frozen=True, slots=True)
class Holiday:
    day: date
    kind: HolidayKind
    name: str
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class SiteAgreement:
    """Two sites agreed on remote reading (A2): what, from when, until when, and under which number it is filed."""

    id: str
    requesting_site_id: str
    reading_site_id: str
    document_number: str
    valid_from: date
    valid_until: date | None             # inclusive; None: open
    note: str
    created_by: str
    created_at: datetime
    revision: int = 0

    def covers(self, day: date) -> bool:
        """True if it is in force on this day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class OpenWork:
    """How much a reader has in hand, and when something was last assigned to them (for the round robin)."""

    user_id: str
    count: int
    last_assigned_at: datetime | None
