"""Who of a duty group gets a study: the least loaded among those who are able and there. Always the same answer.

Able means: an enabled account with the role at the site, and what the profile says of modality, body part, ECG,
grade, site and cap (nobody without a profile is restricted by it). There means: on duty by the roster, or present;
not away, not off, not on leave. Nobody reviews what they wrote (F2).

Of those who are able and there: whoever read this patient before, if not more than `PRIOR_MAY_BE_BUSIER` busier than
the least loaded; then the least loaded; then whoever waited longest for something (round robin); then by login.
Pure: the caller passes the stored state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storage.model.rosters import Grade, Presence, ReaderProfile

PRIOR_MAY_BE_BUSIER = 3
"""Readings more in hand that a reader may have who knows the patient's earlier films, and still be preferred."""

ECG_MODALITY = "ECG"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wish:
    """What has to be read, and how."""

    modality: str
    body_part: str
    site_id: str
    is_review: bool = False
    not_user_ids: frozenset[str] = frozenset()   # who wrote it: never the reviewer


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person of the group, as the stored state shows them now."""

    user_id: str
    login: str
    name: str
    has_role: bool                       # enabled, and granted for the site and for writing or reviewing
    profile: ReaderProfile | None
    presence: Presence | None            # None: nobody knows
    is_on_duty: bool
    is_on_leave: bool
    open_count: int
    has_prior: bool
    last_assigned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom it goes to (None: the pool), and why: entries as a decision's `because` holds them."""

    user_id: str | None
    entries: list[dict[str, Any]]


def choose(candidates: Sequence[Candidate], wish: Wish, *, rule: str = "assign") -> Choice:
    """Return the reader of a wish. Does not depend on the order of the candidates."""
    able = [one for one in candidates if why_unable(one, wish) is None]
    chosen = min(able, key=_rank_among(able)) if able else None
    first = sorted(candidates, key=lambda one: (one is not chosen, why_unable(one, wish) is not None, one.open_count,
                                                one.login))
    gives = {"reader": chosen.login} if chosen is not None else {}
    entry = {"rule": rule, "matched": chosen is not None, "gives": gives,
             "conditions": [_condition(one, wish, is_chosen=one is chosen) for one in first]}
    return Choice(chosen.user_id if chosen is not None else None, [entry])


def why_unable(candidate: Candidate, wish: Wish) -> str | None:
    """The machine word of the first thing in the way, or None."""
    if not candidate.has_role:
        return "no-role"
    if candidate.user_id in wish.not_user_ids:
        return "own-report"
    gap = skill_gap(candidate.profile, wish)
    if gap is not None:
        return gap
    if candidate.is_on_leave:
        return "on-leave"
    if candidate.presence in (Presence.AWAY, Presence.OFF):
        return candidate.presence.value
    if not candidate.is_on_duty and candidate.presence is not Presence.PRESENT:
        return "off-duty"
    profile = candidate.profile
    if profile is not None and profile.max_open and candidate.open_count >= profile.max_open:
        return "full"
    return None


def skill_gap(profile: ReaderProfile | None, wish: Wish) -> str | None:
    """What the profile forbids: "not-reviewer-grade", "other-site", "not-skilled"; None where it allows all."""
    if profile is None:
        return None
    if wish.is_review and profile.grade is not Grade.REVIEW:
        return "not-reviewer-grade"
    if profile.site_ids and wish.site_id not in profile.site_ids:
        return "other-site"
    if wish.modality == ECG_MODALITY:
        return None if profile.reads_ecg else "not-skilled"
    if profile.modalities and wish.modality not in profile.modalities:
        return "not-skilled"
    # A film that does not say what it shows is nobody's special field.
    if profile.body_parts and wish.body_part and wish.body_part not in profile.body_parts:
        return "not-skilled"
    return None


def _rank_among(able: Sequence[Candidate]) -> Any:
    least = min(one.open_count for one in able)

    def rank(one: Candidate) -> tuple[bool, int, datetime, str]:
        is_known = one.has_prior and one.open_count <= least + PRIOR_MAY_BE_BUSIER
        return (not is_known, one.open_count, one.last_assigned_at or _NEVER, one.login)

    return rank


def _condition(one: Candidate, wish: Wish, *, is_chosen: bool) -> dict[str, Any]:
    """One line of "why is this with me": the person, whether able and there, and the numbers that were compared."""
    unable = why_unable(one, wish)
    seen: dict[str, Any] = {"open": one.open_count, "on_duty": one.is_on_duty}
    if one.presence is not None:
        seen["presence"] = one.presence.value
    if one.has_prior:
        seen["own_prior"] = True
    if one.profile is not None and one.profile.max_open:
        seen["cap"] = one.profile.max_open
    word = unable if unable is not None else "chosen" if is_chosen else "able"
    return {"text": f"{one.login}: {word}", "holds": unable is None, "seen": seen, "why": ""}
