"""From a duty group to one reader: looked up in the write of the decision, decided by `core/assignment.py`.

Only for groups with `assign: least-loaded`; what nobody is able or there to take stays in the pool of its group, and
anybody able may take it from there, or from a colleague.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.assignment import Candidate, Wish, choose, skill_gap
from gateway.services.people.duty import duty_now, on_leave
from gateway.services.people.groups import groups_of
from routing_rules.model import Group, Outcome
from routing_rules.roster import on_duty
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Reading, ReadingState, Role, Study, User
from storage.model.rosters import Presence

LEAST_LOADED = "least-loaded"


@dataclass(frozen=True, slots=True)
class Assigned:
    """Whose it is (None: the pool's), and why, as entries for the decision."""

    reader_id: str | None
    entries: list[dict[str, Any]]


POOL = Assigned(None, [])


def assign(tx: Transaction, study: Study, outcome: Outcome, group: Group, *, at: datetime) -> Assigned:
    """The reader of a study that rules gave to this group. Notes the turn, so that the next tie goes to another."""
    if group.assign != LEAST_LOADED:
        return POOL
    wish = Wish(study.modality, study.body_part, study.site_id)
    return _assigned(tx, wish, study, group, outcome.on_duty, at=at)


def assign_again(tx: Transaction, reading: Reading, *, at: datetime, zone: ZoneInfo,
                 but_not: frozenset[str] = frozenset()) -> Assigned:
    """The next reader of what somebody gave back, or of what waits for review: never who wrote it (F2)."""
    study = tx.studies.get(reading.study_id, EVERYWHERE)
    decision = tx.decisions.get(reading.decision_id)
    if study is None or decision is None:
        return POOL
    groups = groups_of(tx, decision.rules_version)
    is_review = reading.state is ReadingState.AWAITING_REVIEW
    writer = frozenset({reading.writer_id} if is_review and reading.writer_id else ())
    second = (decision.outcome or {}).get("second_reader") if is_review else None
    if second is not None and second not in groups:
        return _named(tx, str(second), study, not_user_ids=writer | but_not, rule="second reader")
    group = groups.get(str(second) if second is not None else reading.group)
    if group is None or group.assign != LEAST_LOADED:
        return POOL
    wish = Wish(study.modality, study.body_part, study.site_id, is_review, writer | but_not)
    there = on_duty(group, at.astimezone(zone), duty_now(tx, at, zone))
    return _assigned(tx, wish, study, group, group.members if there is None else there, at=at,
                     rule="review" if is_review else "assign")


def for_review(tx: Transaction, reading: Reading, *, at: datetime, zone: ZoneInfo) -> Reading:
    """The reading as it waits for its review: assigned to its second reader, or to nobody. Audited; not written."""
    assigned = assign_again(tx, reading, at=at, zone=zone)
    if assigned.reader_id is not None:
        tx.audit.append(AuditEntry(
            at, "gateway", "reading.assigned", site_id=reading.site_id, study_id=reading.study_id,
            detail={"reading": reading.id, "to": assigned.reader_id, "for": "review", "because": assigned.entries}))
    return replace(reading, assigned_to=assigned.reader_id)


def wish_of(study: Study, reading: Reading) -> Wish:
    """What reading this asks of whoever claims it now."""
    is_review = reading.state in (ReadingState.AWAITING_REVIEW, ReadingState.IN_REVIEW)
    return Wish(study.modality, study.body_part, study.site_id, is_review)


def gap_of(tx: Transaction, user: User, reading: Reading) -> str | None:
    """What the user's profile does not allow of this reading; None where it allows it or there is no profile."""
    profile = tx.rosters.profile(user.id)
    study = tx.studies.get(reading.study_id, EVERYWHERE) if profile is not None else None
    return None if study is None else skill_gap(profile, wish_of(study, reading))


def _named(tx: Transaction, login: str, study: Study, *, not_user_ids: frozenset[str], rule: str) -> Assigned:
    """A person whom the rule names, where there is one who may review and did not write it."""
    found = tx.users.find_login(login)
    user = found[0] if found is not None else None
    is_able = user is not None and user.is_enabled and user.has_role(Role.REVIEWER, study.site_id)
    holds = is_able and user is not None and user.id not in not_user_ids
    entry = {"rule": rule, "matched": holds, "gives": {"reader": login} if holds else {}, "conditions": [
        {"text": f"{login} may review, and did not write it", "holds": holds, "seen": {}, "why": ""}]}
    return Assigned(user.id if holds and user is not None else None, [entry])


def _assigned(tx: Transaction, wish: Wish, study: Study, group: Group, there: Sequence[str], *, at: datetime,
              rule: str = "assign") -> Assigned:
    people = _people(tx, group, frozenset(there))
    ids = [user.id for user in people]
    profiles, presence = tx.rosters.profiles(ids), tx.rosters.presence(ids)
    logged_in, away, work = tx.rosters.logged_in(ids, now=at), on_leave(tx, at), tx.rosters.open_work(ids)
    prior = frozenset(tx.rosters.prior_readers(study.patient.id, but_study=study.id))
    on_the_roster = frozenset(there)

    def said(user_id: str) -> Presence | None:
        # Whoever said "present" and whose login has ended since may be anywhere.
        word = presence[user_id].presence if user_id in presence else None
        return None if word is Presence.PRESENT and user_id not in logged_in else word

    choice = choose([Candidate(
        user_id=user.id, login=user.login, name=user.display_name, has_role=_has_role(user, wish),
        profile=profiles.get(user.id), presence=said(user.id), is_on_duty=user.login in on_the_roster,
        is_on_leave=user.id in away, open_count=work[user.id].count, has_prior=user.id in prior,
        last_assigned_at=work[user.id].last_assigned_at) for user in people], wish, rule=rule)
    if choice.user_id is not None:
        tx.rosters.note_turn(choice.user_id, at=at)
    return Assigned(choice.user_id, choice.entries)


def _people(tx: Transaction, group: Group, there: frozenset[str]) -> list[User]:
    """Members of the group and whoever is on duty in it; a group without members is every reader."""
    named = there | frozenset(group.members) | frozenset(m for shift in group.shifts for m in shift.members)
    return [user for user in tx.users.all()
            if (user.login in named if named else user.has_role(Role.READER) or user.has_role(Role.REVIEWER))]


def _has_role(user: User, wish: Wish) -> bool:
    reviews = user.has_role(Role.REVIEWER, wish.site_id)
    return user.is_enabled and (reviews or (not wish.is_review and user.has_role(Role.READER, wish.site_id)))
