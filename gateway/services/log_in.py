"""Know who is asking: passwords, lockout and login sessions.

Passwords are kept as argon2id hashes, sessions as the SHA-256 of a token that only the browser holds. A session ends
after a while without use (`session_idle_minutes`) and in any case after `session_hours`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import ARGON2_VERSION

from gateway.core.errors import InvalidRequest, NotAllowed
from gateway.services.people.presence import say_away, say_there
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import AuditEntry, Grant, User, new_id

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 1024
MAX_LOGIN_LENGTH = 64

_HASHER = PasswordHasher()
# Each hash takes 64 MiB and a core: two at a time, so that a storm of guesses cannot starve the receiving of studies.
_HASHING = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def log_in(parts: Parts, login: str, password: str, *, address: str) -> tuple[str, User]:
    """Return a fresh session token and the account.

    Raises NotAllowed: "bad-login" for a wrong login, a wrong password and a disabled account alike (and after the
    same work), "locked" after too many failures in a row.
    """
    found = await parts.database.read(lambda tx: tx.users.find_login(login[:MAX_LOGIN_LENGTH]))
    if found is None:
        await _matches(_nobodys_hash(), password)
        await parts.database.write(lambda tx: _note(tx, parts.clock(), "unknown", "login.failed", address,
                                                    is_success=False))
        raise NotAllowed("Login or password is wrong.", reason="bad-login")
    user, password_hash, _ = found
    is_right = await _matches(password_hash, password) and user.is_enabled
    if not await _count(parts, user.login, is_right=is_right, address=address, action="login.failed"):
        raise NotAllowed("Login or password is wrong.", reason="bad-login")
    now = parts.clock()
    token = secrets.token_urlsafe(32)
    expires_at = _idle_limit(parts, now)

    def remember(tx: Transaction) -> None:
        tx.users.remove_expired_sessions(now)
        tx.users.add_session(sha256_of(token), user.id, at=now, expires_at=expires_at, address=address)
        say_there(tx, user, at=now)
        _note(tx, now, user.id, "login.ok", address)

    await parts.database.write(remember)
    return token, user


async def log_out(parts: Parts, token: str, user_id: str, *, address: str) -> None:
    """End one session."""
    def end(tx: Transaction) -> None:
        tx.users.end_session(sha256_of(token))
        say_away(tx, user_id, at=parts.clock())
        _note(tx, parts.clock(), user_id, "login.ended", address)

    await parts.database.write(end)


def session_user(tx: Transaction, parts: Parts, token: str) -> User | None:
    """Return the account behind a live session, within a transaction of the caller's."""
    now, key = parts.clock(), sha256_of(token)
    times = tx.users.session_times(key)
    if times is None or now >= times[0] + timedelta(hours=parts.settings.session_hours):
        return None
    return tx.users.session_user(key, now=now)


async def keep_session(parts: Parts, token: str) -> None:
    """The session was used: move its idle limit."""
    now = parts.clock()
    await parts.database.write(
        lambda tx: tx.users.touch_session(sha256_of(token), at=now, expires_at=_idle_limit(parts, now)))


async def check_password(parts: Parts, user_id: str, password: str, *, address: str = "") -> bool:
    """True if it is the user's password. A wrong one counts as a failed login; raises NotAllowed("locked")."""
    def look_up(tx: Transaction) -> tuple[User, str, int] | None:
        user = tx.users.get(user_id)
        return None if user is None else tx.users.find_login(user.login)

    found = await parts.database.read(look_up)
    if found is None:
        await _matches(_nobodys_hash(), password)
        return False
    user, password_hash, _ = found
    is_right = await _matches(password_hash, password) and user.is_enabled
    return await _count(parts, user.login, is_right=is_right, address=address, action="password.failed")


def hash_password(text: str) -> str:
    """Return the argon2id hash in its own text form. Blocking, a fifth of a second: call it from a thread."""
    return _HASHER.hash(text)


def check_new_password(login: str, password: str) -> None:
    """Raise InvalidRequest("weak-password") for one that is too short, too long, or the login itself."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InvalidRequest(f"A password has at least {MIN_PASSWORD_LENGTH} characters.", reason="weak-password")
    if login.casefold() in (password.casefold(), password.casefold()[::-1]) or len(set(password)) < 4:
        raise InvalidRequest("A password must not be the login or a few repeated characters.",
                             reason="weak-password")


async def make_user(parts: Parts, *, login: str, display_name: str, password: str, grants: tuple[Grant, ...],
                    title: str = "", actor: str = "gateway", address: str = "") -> User:
    """Add an account. Raises InvalidRequest ("weak-password", "login-taken", "invalid")."""
    login = login.strip()
    if not 1 <= len(login) <= MAX_LOGIN_LENGTH or not login.isprintable() or " " in login:
        raise InvalidRequest("A login has 1 to 64 printable characters and no space.")
    if not display_name.strip():
        raise InvalidRequest("A person needs a name to be shown.")
    check_new_password(login, password)
    password_hash = await _in_thread_hash(password)
    user = User(new_id(), login, display_name.strip(), title.strip(), grants)
    now = parts.clock()

    def add(tx: Transaction) -> None:
        if tx.users.find_login(login) is not None:
            raise InvalidRequest(f"The login {login} is taken.", reason="login-taken")
        tx.users.add(user, password_hash=password_hash, at=now)
        _note(tx, now, actor, "user.added", address, detail={
            "user": user.id, "login": login, "grants": [[grant.role, grant.site_id] for grant in grants]})

    await parts.database.write(add)
    return user


async def set_password(parts: Parts, user: User, password: str, *, actor: str, address: str = "") -> None:
    """Replace a password; every session of the account ends."""
    check_new_password(user.login, password)
    password_hash = await _in_thread_hash(password)

    def change(tx: Transaction) -> None:
        tx.users.set_password(user.id, password_hash)
        tx.users.clear_failures(user.id)
        _note(tx, parts.clock(), actor, "user.password_set", address, detail={"user": user.id})

    await parts.database.write(change)


def sha256_of(token: str) -> str:
    """What the store keeps of a session or machine token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def _count(parts: Parts, login: str, *, is_right: bool, address: str, action: str) -> bool:
    """Book the outcome of one try and return it. The lock is looked at inside the transaction that counts, so that
    many guesses sent at once cannot slip past it, not even the right one."""
    settings, now = parts.settings, parts.clock()

    def book(tx: Transaction) -> str:
        found = tx.users.find_login(login)
        if found is None:
            return "wrong"
        user, _, failures = found
        if user.locked_until is not None and now < user.locked_until:
            _note(tx, now, user.id, action, address, is_success=False, detail={"why": "locked"})
            return "locked"
        if is_right:
            if failures:
                tx.users.clear_failures(user.id)
            return "right"
        if user.locked_until is not None:
            tx.users.clear_failures(user.id)
            failures = 0
        is_last = failures + 1 >= settings.failed_logins_allowed
        tx.users.count_failure(user.id, locked_until=now + timedelta(minutes=settings.lockout_minutes)
                               if is_last else None)
        _note(tx, now, user.id, action, address, is_success=False, detail={"failures": failures + 1})
        return "wrong"

    outcome = await parts.database.write(book)
    if outcome == "locked":
        raise NotAllowed("Too many failed logins. Wait, or ask an administrator.", reason="locked")
    return outcome == "right"


def _note(tx: Transaction, at: datetime, actor: str, action: str, address: str, *, is_success: bool = True,
          detail: dict[str, object] | None = None) -> None:
    tx.audit.append(AuditEntry(at, actor, action, is_success, address=address, detail=dict(detail or {})))


def _idle_limit(parts: Parts, now: datetime) -> datetime:
    return now + timedelta(minutes=parts.settings.session_idle_minutes)


@cache
def _nobodys_hash() -> str:
    """A hash that no password has. It costs as much to compare with as a real one, and nothing to make: its salt and
    digest are drawn instead of computed, so that neither a start nor the first unknown login takes longer."""
    salt, digest = (b64encode(secrets.token_bytes(length)).decode().rstrip("=")
                    for length in (_HASHER.salt_len, _HASHER.hash_len))
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


async def _matches(password_hash: str, password: str) -> bool:
    def verify() -> bool:
        try:
            return _HASHER.verify(password_hash, password[:MAX_PASSWORD_LENGTH])
        except (Argon2Error, InvalidHashError):
            return False

    return await asyncio.get_running_loop().run_in_executor(_HASHING, verify)


async def _in_thread_hash(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_HASHING, hash_password, password)
