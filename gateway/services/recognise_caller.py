"""Who stands behind a session cookie or a machine token.

A role for "every site" is spelled out here into the sites there are, for everyone but administrators, because the
inbox is no site like the others: it holds studies of devices that nobody has registered and of those whose site
nobody can tell. Who reads or reviews for every site reads it too, so that an emergency does not wait for an
administrator; nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.services.log_in import session_user, sha256_of
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, INBOX_SITE_ID, Grant, Role, Scope, User

_READ_THE_INBOX = frozenset({Role.READER, Role.REVIEWER})


@dataclass(frozen=True, slots=True)
class Machine:
    """A sender or reader that is no person; bound to one site."""

    token_id: str
    site_id: str
    token_scope: str                     # "ingest", "read", "perform", "admin"

    @property
    def scope(self) -> Scope:
        return Scope(frozenset({self.site_id}))


async def recognise_person(parts: Parts, token: str) -> User | None:
    """Return the account behind a live session, with its roles spelled out; does not prolong the session."""
    def look_up(tx: Transaction) -> User | None:
        user = session_user(tx, parts, token)
        return None if user is None else _spelled_out(tx, user)

    return await parts.database.read(look_up)


async def recognise_machine(parts: Parts, token: str) -> Machine | None:
    """Return whose token it is, None if it is unknown or switched off."""
    found = await parts.database.read(lambda tx: tx.users.find_token(sha256_of(token)))
    return None if found is None else Machine(*found)


def _spelled_out(tx: Transaction, user: User) -> User:
    if not any(grant.site_id is None and grant.role is not Role.ADMIN for grant in user.grants):
        return user
    site_ids = [site.id for site in tx.sites.sites(EVERYWHERE) if site.id != INBOX_SITE_ID]
    grants = [named for grant in user.grants
              for named in ([grant] if grant.site_id is not None or grant.role is Role.ADMIN
                            else [Grant(grant.role, site_id) for site_id in (
                                *site_ids, *([INBOX_SITE_ID] if grant.role in _READ_THE_INBOX else []))])]
    return replace(user, grants=tuple(grants))
