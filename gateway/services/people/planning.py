"""What may stand in a roster, and who writes it: alliance-wide administrators, and a group's head for the group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.people.groups import groups_in_force
from routing_rules.model import Group
from storage.interface import Transaction
from storage.model import Role, User
from storage.model.rosters import EntryKind, RosterEntry

LONGEST_DUTY = timedelta(days=7)
LONGEST_LEAVE = timedelta(days=366)
LONGEST_NOTE = 200


def may_plan(user: User, group: Group | None) -> bool:
    """True for an administrator of the whole alliance, and for a head of the group."""
    return plans_everything(user) or (group is not None and user.login in group.head)


def plans_everything(user: User) -> bool:
    """True for an administrator of the whole alliance."""
    return user.has_role(Role.ADMIN) and user.scope(Role.ADMIN).site_ids is None


def require_planner(tx: Transaction, user: User, entry: RosterEntry) -> None:
    """Raise NotAllowed unless the user may write this entry. One's own leave one writes oneself."""
    groups = groups_in_force(tx)
    if entry.kind is EntryKind.LEAVE:
        if entry.user_id == user.id or any(may_plan(user, group) for group in groups.values()):
            return
    elif may_plan(user, groups.get(entry.duty_group)):
        return
    raise NotAllowed("Only the head of the group or an administrator of the whole alliance plans this.",
                     reason="not-planner")


def check_entry(tx: Transaction, entry: RosterEntry) -> None:
    """Raise InvalidRequest or NotNow ("overlaps", "on-leave", "on-duty") where the entry cannot stand."""
    length = entry.ends_at - entry.starts_at
    longest = LONGEST_DUTY if entry.kind is EntryKind.DUTY else LONGEST_LEAVE
    if not timedelta(0) < length <= longest:
        raise InvalidRequest(f"It ends after it begins, and lasts at most {longest.days} days.", reason="bad-times")
    if len(entry.note) > LONGEST_NOTE:
        raise InvalidRequest(f"A note has at most {LONGEST_NOTE} characters.", reason="too-long")
    require_reader(tx, entry.user_id)
    groups: Mapping[str, Group] = groups_in_force(tx)
    if entry.kind is EntryKind.DUTY and entry.duty_group not in groups:
        raise InvalidRequest(f"There is no duty group {entry.duty_group[:40]!r}.", reason="unknown-group")
    for other in tx.rosters.entries(entry.starts_at, entry.ends_at, user_id=entry.user_id):
        if other.id == entry.id:
            continue
        if other.kind is not entry.kind:
            raise NotNow("The person is on leave then." if other.kind is EntryKind.LEAVE
                         else "The person has duty then: give it to somebody else first.",
                         reason="on-leave" if other.kind is EntryKind.LEAVE else "on-duty")
        if other.duty_group == entry.duty_group:
            raise NotNow("The person stands there already.", reason="overlaps")


def require_reader(tx: Transaction, user_id: str) -> User:
    """The reader of this id. Raises NotFound."""
    user = tx.users.get(user_id)
    if user is None or not user.is_enabled or not (user.has_role(Role.READER) or user.has_role(Role.REVIEWER)):
        raise NotFound("There is no such reader.")
    return user
