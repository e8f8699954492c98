"""How long a study must be kept, and what stands in the way of its deletion. Pure: no I/O, no clock.

Rules for electronic medical records (art. 19): outpatient records at least 15 years from the last visit, inpatient
records at least 30 years from the last discharge. The alliance may lengthen these periods, never shorten them. What
nobody classified is kept as long as the longest class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model import CareClass, LegalHold, RetentionRule, Visit

LEGAL_YEARS: Mapping[CareClass, int] = {CareClass.OUTPATIENT: 15, CareClass.INPATIENT: 30, CareClass.UNKNOWN: 30}
LONGEST_YEARS = 200


@dataclass(frozen=True, slots=True)
class Retention:
    """Until when a study is kept, and what that follows from."""

    care_class: CareClass
    years: int
    counted_from: datetime               # the last visit or discharge that is known
    retain_until: datetime


def years_of(care_class: CareClass, rules: Mapping[CareClass, RetentionRule]) -> int:
    """The period in force: the alliance's own, if it is not shorter than the legal one."""
    own = rules.get(care_class)
    years = max(LEGAL_YEARS[care_class], own.years if own is not None else 0)
    if care_class is CareClass.UNKNOWN:  # it may be any of them
        return max(years, *(years_of(each, rules) for each in CareClass if each is not CareClass.UNKNOWN))
    return years


def shortest_years(rules: Mapping[CareClass, RetentionRule]) -> int:
    """No study can be free before so many years."""
    return min(years_of(each, rules) for each in CareClass)


def retention_of(*, last_arrival_at: datetime, last_seen_at: datetime | None, signed_at: datetime | None,
                 visit: Visit | None, rules: Mapping[CareClass, RetentionRule]) -> Retention:
    """Until when the study is kept.

    Counted from the latest of: the end of the visit that somebody recorded, the last study of the same patient
    (`last_seen_at`), this study's last object, and its last signed report. Device clocks play no part.
    """
    care_class = visit.care_class if visit is not None else CareClass.UNKNOWN
    known = [last_arrival_at, last_seen_at, signed_at, visit.ended_at if visit is not None else None]
    counted_from = max(at for at in known if at is not None)
    years = years_of(care_class, rules)
    return Retention(care_class, years, counted_from, years_later(counted_from, years))


def years_later(then: datetime, years: int) -> datetime:
    """The same day so many years later; 29 February becomes 1 March, never a day too early."""
    try:
        return then.replace(year=then.year + years)
    except ValueError:
        return then.replace(year=then.year + years, month=3, day=1)


def obstacles(retention: Retention, *, now: datetime, holds: Sequence[LegalHold], open_questions: int,
              is_arriving: bool, is_being_read: bool) -> list[str]:
    """Machine words for all that forbids the deletion now; empty when nothing does."""
    found = []
    if now < retention.retain_until:
        found.append("retention-not-ended")
    if any(hold.released_at is None for hold in holds):
        found.append("legal-hold")
    if open_questions:
        found.append("open-quarantine")
    if is_arriving:
        found.append("still-arriving")
    if is_being_read:
        found.append("being-read")
    return found
