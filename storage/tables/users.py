"""People: accounts, grants, sessions, machine tokens."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.model import Grant, User


class Users:
    """Passwords and tokens are stored as hashes alone."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, user: User, *, password_hash: str, at: datetime) -> None:
        """Add an account with its grants (raises ValueError when the login is taken)."""
        raise NotImplementedError

    def get(self, user_id: str) -> User | None:
        """One account."""
        raise NotImplementedError

    def find_login(self, login: str) -> tuple[User, str, int] | None:
        """Account, password hash, failed logins in a row."""
        raise NotImplementedError

    def all(self) -> list[User]:
        """By login."""
        raise NotImplementedError

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Replace the password hash and end the user's sessions."""
        raise NotImplementedError

    def set_grants(self, user_id: str, grants: tuple[Grant, ...]) -> None:
        """Replace the grants."""
        raise NotImplementedError

    def set_enabled(self, user_id: str, is_enabled: bool) -> None:
        """A disabled account loses its sessions."""
        raise NotImplementedError

    def count_failure(self, user_id: str, *, locked_until: datetime | None) -> None:
        """One more failed login; locked when a time is given."""
        raise NotImplementedError

    def clear_failures(self, user_id: str) -> None:
        """After a good login."""
        raise NotImplementedError

    def add_session(self, token_sha256: str, user_id: str, *, at: datetime, expires_at: datetime, address: str) -> None:
        """Remember a login."""
        raise NotImplementedError

    def session_user(self, token_sha256: str, *, now: datetime) -> User | None:
        """The enabled account behind a live session."""
        raise NotImplementedError

    def touch_session(self, token_sha256: str, *, at: datetime, expires_at: datetime) -> None:
        """Move the idle limit."""
        raise NotImplementedError

    def end_session(self, token_sha256: str) -> None:
        """Log out."""
        raise NotImplementedError

    def add_token(self, token_id: str, *, token_sha256: str, name: str, site_id: str, scope: str, at: datetime) -> None:
        """A machine token: scope is ingest, read or admin."""
        raise NotImplementedError

    def find_token(self, token_sha256: str) -> tuple[str, str, str] | None:
        """(token id, site id, scope) of an enabled token."""
        raise NotImplementedError

    def tokens(self) -> list[dict[str, str]]:
        """id, name, site_id, scope, state; never the secret."""
        raise NotImplementedError

    def disable_token(self, token_id: str) -> bool:
        """True if it existed."""
        raise NotImplementedError

    def signing_key(self, user_id: str) -> tuple[str, str] | None:
        """(certificate PEM, encrypted key PEM) of a user."""
        raise NotImplementedError

    def add_signing_key(self, user_id: str, *, certificate_pem: str, encrypted_key_pem: str, at: datetime) -> None:
        """Once per user."""
        raise NotImplementedError
