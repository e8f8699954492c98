"""Who the readers are: what each can read, whether they are there, and how much they have in hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound
from gateway.services.administer_sites import By, require_site
from gateway.services.people.duty import duty_now, on_leave
from gateway.services.people.hand_over import HandedOver, announce, hand_over
from gateway.services.people.presence import note_presence
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import INBOX_SITE_ID, AuditEntry, Role, Scope, User
from storage.model.rosters import Presence, ReaderPresence, ReaderProfile

LONGEST_LIST = 60
MOST_OPEN = 1000


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader as colleagues and administrators see them; nothing of any patient."""

    user: User
    profile: ReaderProfile | None
    presence: ReaderPresence | None
    is_logged_in: bool
    is_on_leave: bool
    duty_groups: tuple[str, ...]         # by the dated roster, now
    open_count: int


async def list_readers(parts: Parts, scope: Scope) -> list[Reader]:
    """Readers with a role at a site of the scope, by login."""
    return await parts.database.read(lambda tx: readers_of(tx, parts, scope))


def readers_of(tx: Transaction, parts: Parts, scope: Scope, user_ids: Sequence[str] | None = None) -> list[Reader]:
    """The same in a transaction, of these people if any are named."""
    now = parts.clock()
    users = [user for user in tx.users.all() if user.is_enabled and is_reader_in(user, scope)
             and (user_ids is None or user.id in user_ids)]
    ids = [user.id for user in users]
    profiles, presence, work = tx.rosters.profiles(ids), tx.rosters.presence(ids), tx.rosters.open_work(ids)
    logged_in, away = tx.rosters.logged_in(ids, now=now), on_leave(tx, now)
    duty = duty_now(tx, now, ZoneInfo(parts.settings.time_zone))
    return [Reader(
        user=_as_seen(user, scope), profile=_profile_as_seen(profiles.get(user.id), scope),
        presence=presence.get(user.id), is_logged_in=user.id in logged_in, is_on_leave=user.id in away,
        duty_groups=tuple(group for group, logins in duty.items() if user.login in logins),
        open_count=work[user.id].count) for user in users]


def is_reader_in(user: User, scope: Scope) -> bool:
    """True if they read or review for a site of the scope; who reads for the whole alliance does so for each."""
    return any(g.role in (Role.READER, Role.REVIEWER) and (g.site_id is None or scope.allows(g.site_id))
               for g in user.grants)


async def put_profile(parts: Parts, profile: ReaderProfile, by: By) -> ReaderProfile:
    """Say what a reader can read. Raises NotFound, NotAllowed ("other-site"), InvalidRequest."""
    profile = _checked(profile)

    def work(tx: Transaction) -> ReaderProfile:
        _reader(tx, profile.user_id, by.scope)
        for site_id in (*profile.site_ids, *((profile.home_site_id,) if profile.home_site_id else ())):
            require_site(tx, by.scope, site_id)
        kept = replace(profile, updated_by=by.actor, updated_at=parts.clock())
        tx.rosters.put_profile(kept)
        _note(tx, parts, by, "reader.profile_set", kept.user_id, {
            "grade": kept.grade.value, "modalities": list(kept.modalities), "body_parts": list(kept.body_parts),
            "reads_ecg": kept.reads_ecg, "sites": list(kept.site_ids), "max_open": kept.max_open,
            "home_site": kept.home_site_id})
        return kept

    kept = await parts.database.write(work)
    parts.events.publish(Event("reader", kept.home_site_id or INBOX_SITE_ID))
    return kept


async def drop_profile(parts: Parts, user_id: str, by: By) -> None:
    """The reader is restricted by the grants alone again. Raises NotFound, NotAllowed."""
    def work(tx: Transaction) -> None:
        _reader(tx, user_id, by.scope)
        if tx.rosters.drop_profile(user_id):
            _note(tx, parts, by, "reader.profile_dropped", user_id, {})

    await parts.database.write(work)


async def say_presence(parts: Parts, user: User, presence: Presence, *, address: str = "") -> HandedOver:
    """A reader says that they are there, away, or off; going off hands open work back at once."""
    def work(tx: Transaction) -> HandedOver:
        now = parts.clock()
        note_presence(tx, user.id, presence, now)
        tx.audit.append(AuditEntry(now, user.id, "reader.presence", address=address,
                                   detail={"presence": presence.value}))
        if presence is not Presence.OFF:
            return HandedOver(())
        return hand_over(tx, parts, user.id, at=now, actor=user.id, why="off", spares_writing=False, address=address)

    done = await parts.database.write(work)
    announce(parts, done.readings)
    return done


def _reader(tx: Transaction, user_id: str, scope: Scope) -> User:
    user = tx.users.get(user_id)
    if user is None or not is_reader_in(user, scope):
        raise NotFound("There is no such reader.")
    if scope.site_ids is not None and any(
            g.site_id is None or not scope.allows(g.site_id) for g in user.grants
            if g.role in (Role.READER, Role.REVIEWER)):
        raise NotAllowed("They read for other sites, too: an administrator of the whole alliance does this.",
                         reason="alliance-only")
    return user


def _checked(profile: ReaderProfile) -> ReaderProfile:
    def tidy(values: Sequence[str]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(word for value in values if (word := value.strip().upper())))
        if len(found) > LONGEST_LIST or any(len(word) > 64 or not word.isprintable() for word in found):
            raise InvalidRequest("A list of a profile has at most 60 words of at most 64 characters.")
        return found

    if not 0 <= profile.max_open <= MOST_OPEN:
        raise InvalidRequest(f"max_open: 0 (no limit) to {MOST_OPEN} is meant.")
    return replace(profile, modalities=tuple(word for word in tidy(profile.modalities) if word != "ECG"),
                   body_parts=tidy(profile.body_parts), site_ids=tuple(dict.fromkeys(profile.site_ids)))


def _as_seen(user: User, scope: Scope) -> User:
    grants = tuple(g for g in user.grants if g.role in (Role.READER, Role.REVIEWER)
                   and (g.site_id is None or scope.allows(g.site_id)))
    return replace(user, grants=grants)


def _profile_as_seen(profile: ReaderProfile | None, scope: Scope) -> ReaderProfile | None:
    if profile is None or scope.site_ids is None:
        return profile
    return replace(profile, site_ids=tuple(site for site in profile.site_ids if scope.allows(site)),
                   home_site_id=profile.home_site_id if scope.allows(profile.home_site_id) else "")


def _note(tx: Transaction, parts: Parts, by: By, action: str, user_id: str, detail: dict[str, object]) -> None:
    tx.audit.append(AuditEntry(parts.clock(), by.actor, action, address=by.address,
                               detail={"user": user_id, **detail}))
