"""Administer accounts: an administrator gives out no more than they have."""

from __future__ import annotations

from gateway.core.errors import NotAllowed
from gateway.services.administer_sites import By, require_site
from gateway.services.log_in import make_user
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Grant, Scope, User


async def add_user(parts: Parts, by: By, *, login: str, display_name: str, password: str, grants: tuple[Grant, ...],
                   title: str = "") -> User:
    """Add an account with roles at sites that the administrator administers. Raises NotAllowed, InvalidRequest."""
    def check(tx: Transaction) -> None:
        for grant in grants:
            if grant.site_id is not None:
                require_site(tx, by.scope, grant.site_id)
            elif by.scope.site_ids is not None:
                raise NotAllowed("Only an administrator of the whole alliance may grant a role for every site.",
                                 reason="alliance-only")

    await parts.database.read(check)
    return await make_user(parts, login=login, display_name=display_name, password=password, grants=grants,
                           title=title, actor=by.actor, address=by.address)


async def list_users(parts: Parts, scope: Scope) -> list[User]:
    """Accounts with a role at a site within the scope; of others' roles elsewhere an administrator sees nothing."""
    users = await parts.database.read(lambda tx: tx.users.all())
    if scope.site_ids is None:
        return users
    return [_as_seen(user, scope) for user in users if _as_seen(user, scope).grants]


def _as_seen(user: User, scope: Scope) -> User:
    grants = tuple(g for g in user.grants if g.site_id is not None and scope.allows(g.site_id))
    return User(user.id, user.login, user.display_name, user.title, grants, user.is_enabled, user.locked_until)
