"""People: accounts, grants, sessions, machine tokens, signing keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import Grant, Role, User, new_id
from storage.tables.prepared import Prepared
from storage.tables.schema import api_token, login_session, role_grant, signing_key, user_account
from storage.tables.upserts import add_if_absent

# Built once: every request of somebody who is logged in runs these.
_USER_OF_SESSION = (
    sa.select(user_account).join(login_session, login_session.c.user_id == user_account.c.id)
    .where(login_session.c.token_sha256 == sa.bindparam("token"), login_session.c.expires_at > sa.bindparam("now"),
           user_account.c.is_enabled))
_TIMES_OF_SESSION = (
    sa.select(login_session.c.created_at, login_session.c.last_seen_at, login_session.c.expires_at)
    .where(login_session.c.token_sha256 == sa.bindparam("token")))
_OF_LOGIN = Prepared(sa.select(user_account).where(user_account.c.login == sa.bindparam("name")))
_EVERYBODY = Prepared(sa.select(user_account).order_by(user_account.c.login))
_GRANTS_OF_USER = Prepared(sa.select(role_grant).where(role_grant.c.user_id == sa.bindparam("of_user"))
                           .order_by(role_grant.c.id))
_GRANTS_OF_EVERYBODY = Prepared(sa.select(role_grant).order_by(role_grant.c.id))
_GRANTS_OF_USERS = (sa.select(role_grant).where(role_grant.c.user_id.in_(sa.bindparam("ids", expanding=True)))
                    .order_by(role_grant.c.id))


class Users:
    """Passwords and tokens are stored as hashes alone."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # --------------------------------------------------------------------------------------------------- accounts
    def add(self, user: User, *, password_hash: str, at: datetime) -> None:
        """Add an account with its grants (raises ValueError when the login is taken)."""
        values = {"id": user.id, "login": user.login, "display_name": user.display_name, "title": user.title,
                  "password_hash": password_hash, "is_enabled": user.is_enabled, "locked_until": user.locked_until,
                  "created_at": at}
        if not add_if_absent(self._connection, user_account, values):
            raise ValueError(f"the login {user.login!r} is taken")
        self._add_grants(user.id, user.grants)

    def get(self, user_id: str) -> User | None:
        """One account."""
        return self._one(user_account.c.id == user_id)

    def find_login(self, login: str) -> tuple[User, str, int] | None:
        """Account, password hash, failed logins in a row."""
        row = _OF_LOGIN.first(self._connection, {"name": login})
        if row is None:
            return None
        grants = _GRANTS_OF_USER.all(self._connection, {"of_user": row["id"]})
        return _users([row], grants)[0], row["password_hash"], row["failed_logins"]

    def all(self) -> list[User]:
        """By login."""
        return _users(_EVERYBODY.all(self._connection, {}), _GRANTS_OF_EVERYBODY.all(self._connection, {}))

    def password_hash(self, user_id: str) -> tuple[str, int] | None:
        """Password hash and failed logins in a row, for asking again before a signature."""
        row = self._connection.execute(sa.select(user_account.c.password_hash, user_account.c.failed_logins)
                                       .where(user_account.c.id == user_id)).first()
        return None if row is None else (row.password_hash, row.failed_logins)

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Replace the password hash and end the user's sessions."""
        self._update(user_id, password_hash=password_hash)
        self._end_sessions(user_id)

    def set_grants(self, user_id: str, grants: tuple[Grant, ...]) -> None:
        """Replace the grants."""
        self._connection.execute(sa.delete(role_grant).where(role_grant.c.user_id == user_id))
        self._add_grants(user_id, grants)

    def set_enabled(self, user_id: str, is_enabled: bool) -> None:
        """A disabled account loses its sessions."""
        self._update(user_id, is_enabled=is_enabled)
        if not is_enabled:
            self._end_sessions(user_id)

    def count_failure(self, user_id: str, *, locked_until: datetime | None) -> None:
        """One more failed login; locked when a time is given."""
        values: dict[str, Any] = {"failed_logins": user_account.c.failed_logins + 1}
        if locked_until is not None:
            values["locked_until"] = locked_until
        self._update(user_id, **values)

    def clear_failures(self, user_id: str) -> None:
        """After a good login."""
        self._update(user_id, failed_logins=0, locked_until=None)

    # --------------------------------------------------------------------------------------------------- sessions
    def add_session(self, token_sha256: str, user_id: str, *, at: datetime, expires_at: datetime,
                    address: str) -> None:
        """Remember a login."""
        self._connection.execute(sa.insert(login_session).values(
            token_sha256=token_sha256, user_id=user_id, created_at=at, last_seen_at=at, expires_at=expires_at,
            address=address))

    def session_user(self, token_sha256: str, *, now: datetime) -> User | None:
        """The enabled account behind a live session."""
        row = self._connection.execute(_USER_OF_SESSION, {"token": token_sha256, "now": now}).first()
        return None if row is None else self._with_grants([row])[0]

    def session_times(self, token_sha256: str) -> tuple[datetime, datetime, datetime] | None:
        """(created, last seen, expires) of a session: what the two limits of a login are counted from."""
        row = self._connection.execute(_TIMES_OF_SESSION, {"token": token_sha256}).first()
        return None if row is None else (row.created_at, row.last_seen_at, row.expires_at)

    def touch_session(self, token_sha256: str, *, at: datetime, expires_at: datetime) -> None:
        """Move the idle limit."""
        self._connection.execute(sa.update(login_session).where(login_session.c.token_sha256 == token_sha256)
                                 .values(last_seen_at=at, expires_at=expires_at))

    def end_session(self, token_sha256: str) -> None:
        """Log out."""
        self._connection.execute(sa.delete(login_session).where(login_session.c.token_sha256 == token_sha256))

    def remove_expired_sessions(self, now: datetime) -> int:
        """Forget sessions that nobody can use any more."""
        return self._connection.execute(sa.delete(login_session).where(login_session.c.expires_at <= now)).rowcount

    # ----------------------------------------------------------------------------------------------------- tokens
    def add_token(self, token_id: str, *, token_sha256: str, name: str, site_id: str, scope: str,
                  at: datetime) -> None:
        """A machine token: scope is ingest, read, perform or admin."""
        self._connection.execute(sa.insert(api_token).values(
            id=token_id, token_sha256=token_sha256, name=name, site_id=site_id, scope=scope, created_at=at))

    def find_token(self, token_sha256: str) -> tuple[str, str, str] | None:
        """(token id, site id, scope) of an enabled token."""
        row = self._connection.execute(sa.select(api_token.c.id, api_token.c.site_id, api_token.c.scope).where(
            api_token.c.token_sha256 == token_sha256, api_token.c.is_enabled)).first()
        return None if row is None else (row.id, row.site_id, row.scope)

    def tokens(self) -> list[dict[str, str]]:
        """id, name, site_id, scope, state; never the secret."""
        rows = self._connection.execute(sa.select(api_token).order_by(api_token.c.site_id, api_token.c.name))
        return [{"id": row.id, "name": row.name, "site_id": row.site_id, "scope": row.scope,
                 "state": "enabled" if row.is_enabled else "disabled"} for row in rows]

    def disable_token(self, token_id: str) -> bool:
        """True if it existed."""
        return self._connection.execute(sa.update(api_token).where(api_token.c.id == token_id)
                                        .values(is_enabled=False)).rowcount == 1

    # ----------------------------------------------------------------------------------------------- signing keys
    def signing_key(self, user_id: str) -> tuple[str, str] | None:
        """(certificate PEM, encrypted key PEM) of a user."""
        row = self._connection.execute(sa.select(signing_key).where(signing_key.c.user_id == user_id)).first()
        return None if row is None else (row.certificate_pem, row.encrypted_key_pem)

    def add_signing_key(self, user_id: str, *, certificate_pem: str, encrypted_key_pem: str, at: datetime) -> None:
        """Once per user (raises ValueError the second time)."""
        values = {"user_id": user_id, "certificate_pem": certificate_pem, "encrypted_key_pem": encrypted_key_pem,
                  "created_at": at}
        if not add_if_absent(self._connection, signing_key, values):
            raise ValueError(f"user {user_id!r} has a signing key already")

    # ---------------------------------------------------------------------------------------------------- helpers
    def _one(self, condition: sa.ColumnElement[bool]) -> User | None:
        row = self._connection.execute(sa.select(user_account).where(condition)).first()
        return None if row is None else self._with_grants([row])[0]

    def _with_grants(self, rows: Sequence[sa.Row[Any]]) -> list[User]:
        found = self._connection.execute(_GRANTS_OF_USERS, {"ids": [row.id for row in rows]})
        return _users([row._mapping for row in rows], [grant._mapping for grant in found])

    def _add_grants(self, user_id: str, grants: tuple[Grant, ...]) -> None:
        for number, grant in enumerate(grants):  # the number keeps the order in which they were given
            self._connection.execute(sa.insert(role_grant).values(
                id=f"{user_id}-{number:03d}-{new_id()[-6:]}", user_id=user_id, role=grant.role.value,
                site_id=grant.site_id))

    def _update(self, user_id: str, **values: Any) -> None:
        self._connection.execute(sa.update(user_account).where(user_account.c.id == user_id).values(**values))

    def _end_sessions(self, user_id: str) -> None:
        self._connection.execute(sa.delete(login_session).where(login_session.c.user_id == user_id))


def _users(rows: Sequence[Mapping[Any, Any]], grants: Sequence[Mapping[Any, Any]]) -> list[User]:
    given: defaultdict[str, list[Grant]] = defaultdict(list)
    for grant in grants:
        given[grant["user_id"]].append(Grant(Role(grant["role"]), grant["site_id"]))
    return [User(row["id"], row["login"], row["display_name"], row["title"], tuple(given[row["id"]]),
                 row["is_enabled"], row["locked_until"]) for row in rows]
