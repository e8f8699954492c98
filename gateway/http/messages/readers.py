"""Bodies of /api/readers, /api/roster and /api/agreements."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class ReaderProfileRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader can read; an empty list restricts nothing."""

    grade: str                           # write, review
    modalities: list[str] = []           # DICOM codes; ECG has its own switch
    body_parts: list[str] = []
    reads_ecg: bool = True
    site_ids: list[str] = []             # whose studies
    max_open: int = 0                    # readings assigned at the same time; 0: no limit
    home_site_id: str = ""               # where the reader works


class ReaderProfileView(msgspec.Struct, frozen=True):
    """The same as kept."""

    grade: str
    modalities: list[str]
    body_parts: list[str]
    reads_ecg: bool
    site_ids: list[str]
    max_open: int
    home_site_id: str
    updated_at: datetime | None


class ReaderView(msgspec.Struct, frozen=True):
    """One reader, as colleagues and administrators see them."""

    user_id: str
    login: str
    name: str
    title: str
    may_review: bool                     # by the grants
    profile: ReaderProfileView | None    # null: restricted by nothing but the grants
    presence: str                        # present, away, off; "" where nobody knows
    presence_since: datetime | None
    is_logged_in: bool
    is_on_leave: bool
    duty_groups: list[str]               # by the dated roster, now
    open_count: int                      # held, or assigned and nobody holds it
    is_me: bool


class PresenceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    presence: str                        # present, away, off


class PresenceView(msgspec.Struct, frozen=True):
    """What was said, and how many readings went back because of it."""

    presence: str
    handed_over: int


class RosterEntryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of duty or of leave."""

    user_id: str
    starts_at: datetime
    ends_at: datetime                    # exclusive
    kind: str = "duty"                   # duty, leave
    group: str = ""                      # of duty
    note: str = ""
    revision: int = 0                    # changes: the one last seen


class RosterEntryView(msgspec.Struct, frozen=True):
    id: str
    kind: str
    group: str
    user_id: str
    user_name: str
    starts_at: datetime
    ends_at: datetime
    note: str
    revision: int


class WeeklyHoursView(msgspec.Struct, frozen=True):
    """Hours of a group that the rule file gives it; a dated entry wins over them."""

    days: list[int]                      # ISO weekdays, 1 is Monday
    start_minute: int
    end_minute: int                      # past midnight when it is not after the begin
    user_ids: list[str]                  # those whom the asker may see


class DutyGroupView(msgspec.Struct, frozen=True):
    id: str
    name: str
    name_en: str
    assign: str                          # pool, least-loaded
    has_head: bool
    member_ids: list[str]                # none: every reader
    weekly: list[WeeklyHoursView]
    may_plan: bool


class GapView(msgspec.Struct, frozen=True):
    """Hours with nobody on duty."""

    group: str
    starts_at: datetime
    ends_at: datetime
    covered_by: str | None               # the group that stands in; null: nobody at all


class HolidayView(msgspec.Struct, frozen=True):
    day: date
    kind: str                            # holiday, workday
    name: str                            # of the alliance's own; else a machine word such as "spring-festival", or ""
    name_en: str
    is_own: bool                         # the alliance said so; else the calendar that ships


class HolidayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    name: str
    name_en: str = ""


class SwapRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entry_id: str
    to_user_id: str
    note: str = ""


class SwapAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agrees: bool
    reason: str = ""                     # of a refusal


class SwapView(msgspec.Struct, frozen=True):
    id: str
    entry_id: str
    group: str
    from_user_id: str
    from_name: str
    to_user_id: str
    to_name: str
    state: str                           # asked, agreed, done, refused, withdrawn
    note: str
    reason: str
    asked_at: datetime
    may_answer: bool
    may_withdraw: bool


class RosterView(msgspec.Struct, frozen=True):
    """The calendar between two times."""

    time_zone: str
    groups: list[DutyGroupView]
    entries: list[RosterEntryView]
    gaps: list[GapView]
    gaps_ahead: list[GapView]            # of the next four weeks
    holidays: list[HolidayView]
    swaps: list[SwapView]
    may_plan_all: bool


class CopyWeekRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group: str
    week: date                           # its Monday
    to_week: date


class CopyWeekView(msgspec.Struct, frozen=True):
    added: int
    skipped: int                         # away then, or there already


class AgreementRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    requesting_site_id: str
    reading_site_id: str
    document_number: str
    valid_from: date
    valid_until: date | None = None      # inclusive
    note: str = ""
    revision: int = 0


class AgreementView(msgspec.Struct, frozen=True):
    id: str
    requesting_site_id: str
    requesting_site_name: str
    reading_site_id: str
    reading_site_name: str
    document_number: str
    valid_from: date
    valid_until: date | None
    note: str
    state: str                           # coming, in_force, ending (within 60 days), ended
    revision: int
