"""Who hears of a clock, and the notices that tell them.

A reminder goes to whoever the work lies with: the holder, else the assigned reader, else who of the group is on duty
now. What a rule asks for besides (`notify`) goes to the clinic, the group, the reader or the head of the centre.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.clock_plan import Plan
from gateway.services.people.duty import duty_now
from gateway.services.people.groups import groups_in_force
from routing_rules.model import Group, InvalidRules
from routing_rules.roster import standing_in
from storage.interface import Transaction
from storage.model import Reading, ReadingState, Role, User, new_id
from storage.model.clocks import Notice, NoticeKind, Stage

_WHEN = {NoticeKind.ROUTED: "routed", NoticeKind.NUDGE: "nudge", NoticeKind.BREACH: "breach"}


@dataclass(slots=True)
class Directory:
    """Accounts, groups and duty as one transaction sees them: looked up once for many timers."""

    tx: Transaction
    at: datetime
    zone: ZoneInfo
    _users: list[User] | None = None
    _groups: Mapping[str, Group] | None = None
    _duty: dict[str, tuple[str, ...]] | None = None
    _on_duty: dict[str, list[User]] = field(default_factory=dict)

    def users(self) -> list[User]:
        """Enabled accounts."""
        if self._users is None:
            self._users = [user for user in self.tx.users.all() if user.is_enabled]
        return self._users

    def group(self, group_id: str) -> Group | None:
        """A duty group as the active rules have it."""
        return self.groups().get(group_id)

    def groups(self) -> Mapping[str, Group]:
        """The duty groups; none where the active rules cannot be read: then everybody who may read is told."""
        if self._groups is None:
            try:
                self._groups = groups_in_force(self.tx)
            except InvalidRules:
                self._groups = {}
        return self._groups

    def on_duty(self, group_id: str, site_id: str) -> list[User]:
        """Who of the group (or of who covers for it) is there and may read for the site; a group without anybody on
        duty is all its members, and one without members every reader."""
        if group_id not in self._on_duty:
            self._on_duty[group_id] = self._there(group_id)
        return [user for user in self._on_duty[group_id] if _reads(user, site_id)]

    def heads(self, group_id: str) -> list[User]:
        """To whom unclaimed work climbs."""
        group = self.group(group_id)
        return [user for user in self.users() if group is not None and user.login in group.head]

    def clinic(self, site_id: str) -> list[User]:
        """The clinic's own people; whoever has the role for the whole alliance is not of this clinic."""
        return [user for user in self.users()
                if any(grant.role is Role.CLINIC and grant.site_id == site_id for grant in user.grants)]

    def _there(self, group_id: str) -> list[User]:
        groups = self.groups()
        group = groups.get(group_id)
        if group is None:
            return self.users()
        if self._duty is None:
            self._duty = duty_now(self.tx, self.at, self.zone)
        standing, logins = standing_in(group, groups, self.at.astimezone(self.zone), self._duty)
        named = set(logins) or set(standing.members) | {m for shift in standing.shifts for m in shift.members}
        return [user for user in self.users() if not named or user.login in named]


def in_charge(directory: Directory, reading: Reading) -> list[User]:
    """Whom the reading waits for now. After the signature: the clinic."""
    users = {user.id: user for user in directory.users()}
    if reading.state in (ReadingState.IN_PROGRESS, ReadingState.IN_REVIEW):
        return _named(users, reading.claimed_by)
    if reading.state is ReadingState.REJECTED:
        return _named(users, reading.writer_id)
    if reading.state is ReadingState.AWAITING_REVIEW:
        return _named(users, reading.assigned_to) or [
            user for user in directory.on_duty(reading.group, reading.site_id)
            if user.has_role(Role.REVIEWER, reading.site_id) and user.id != reading.writer_id]
    if reading.state is ReadingState.UNREAD:
        return _named(users, reading.assigned_to) or directory.on_duty(reading.group, reading.site_id)
    return directory.clinic(reading.site_id)


def wanted(directory: Directory, reading: Reading, plan: Plan, kind: NoticeKind) -> list[User]:
    """Whom a rule wants to be told at this moment."""
    when = _WHEN.get(kind, "")
    users = {user.id: user for user in directory.users()}
    told: list[User] = []
    if plan.wants_told("clinic", when):
        told += directory.clinic(reading.site_id)
    if plan.wants_told("group", when):
        told += directory.on_duty(reading.group, reading.site_id)
    if plan.wants_told("reader", when):
        told += _named(users, reading.claimed_by or reading.assigned_to)
    if plan.wants_told("head", when):
        told += directory.heads(reading.group)
    return told


def notices_for(reading: Reading, people: Iterable[User], kind: NoticeKind, *, at: datetime, stage: Stage | None,
                round_: int = 1, percent: int = 0, **detail: Any) -> list[Notice]:
    """One for each of them."""
    return [Notice(new_id(), at, user_id, kind, reading.id, reading.study_id, reading.site_id, stage, round_, percent,
                   detail) for user_id in {user.id: user for user in people}]


def tell_wanted(tx: Transaction, reading: Reading, plan: Plan, kind: NoticeKind, *, stage: Stage | None, round_: int,
                at: datetime, zone: ZoneInfo) -> None:
    """What a rule wants said, where it wants anything at all."""
    if any(when == _WHEN[kind] for _, when in plan.notify):
        directory = Directory(tx, at, zone)
        tx.notices.add(notices_for(reading, wanted(directory, reading, plan, kind), kind, at=at, stage=stage,
                                   round_=round_, group=reading.group))


def _named(users: dict[str, User], user_id: str | None) -> list[User]:
    return [users[user_id]] if user_id is not None and user_id in users else []


def _reads(user: User, site_id: str) -> bool:
    return user.has_role(Role.READER, site_id) or user.has_role(Role.REVIEWER, site_id)
