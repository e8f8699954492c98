"""Accounts, grants, sessions, tokens and keys on both engines (requirement J1)."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from storage.model import Grant, Role, User
from tests.support.stores import START

READER = User("u-reader", "demo-reader", "演示阅片医生", "主治医师",
              (Grant(Role.READER, None), Grant(Role.CLINIC, "yangchang")))
LATER = START + timedelta(hours=1)


@pytest.fixture
async def users(database):
    await database.write(lambda tx: tx.users.add(READER, password_hash="hash-1", at=START))
    return database


async def session(database, token="t1", *, expires_at=LATER):
    await database.write(lambda tx: tx.users.add_session(token, READER.id, at=START, expires_at=expires_at,
                                                         address="10.0.0.7"))


async def who(database, token="t1", now=START):
    return await database.read(lambda tx: tx.users.session_user(token, now=now))


async def test_an_account_comes_back_with_its_grants(users):
    assert await users.read(lambda tx: tx.users.get(READER.id)) == READER
    assert await users.read(lambda tx: tx.users.find_login("demo-reader")) == (READER, "hash-1", 0)
    assert await users.read(lambda tx: tx.users.password_hash(READER.id)) == ("hash-1", 0)
    assert await users.read(lambda tx: tx.users.all()) == [READER]
    assert await users.read(lambda tx: tx.users.get("nobody")) is None
    assert await users.read(lambda tx: tx.users.find_login("nobody")) is None


async def test_a_login_is_given_once(users):
    twin = dataclasses.replace(READER, id="u-twin")
    with pytest.raises(ValueError, match="demo-reader"):
        await users.write(lambda tx: tx.users.add(twin, password_hash="x", at=START))
    assert await users.read(lambda tx: tx.users.get("u-twin")) is None


async def test_grants_are_replaced_whole(users):
    grants = (Grant(Role.REVIEWER, "bazhu"), Grant(Role.ADMIN, None), Grant(Role.READER, "bazhu"))
    await users.write(lambda tx: tx.users.set_grants(READER.id, grants))
    assert (await users.read(lambda tx: tx.users.get(READER.id))).grants == grants


async def test_failures_are_counted_lock_the_account_and_are_cleared(users):
    await users.write(lambda tx: tx.users.count_failure(READER.id, locked_until=None))
    await users.write(lambda tx: tx.users.count_failure(READER.id, locked_until=LATER))
    user, _, failures = await users.read(lambda tx: tx.users.find_login("demo-reader"))
    assert (failures, user.locked_until) == (2, LATER)
    await users.write(lambda tx: tx.users.clear_failures(READER.id))
    user, _, failures = await users.read(lambda tx: tx.users.find_login("demo-reader"))
    assert (failures, user.locked_until) == (0, None)


async def test_a_session_lives_until_it_expires_or_ends(users):
    await session(users)
    assert await who(users) == READER
    assert await who(users, now=LATER) is None
    assert await who(users, "another token") is None
    await users.write(lambda tx: tx.users.touch_session("t1", at=LATER, expires_at=LATER + timedelta(hours=1)))
    assert await who(users, now=LATER) == READER
    assert await users.read(lambda tx: tx.users.session_times("t1")) == (START, LATER, LATER + timedelta(hours=1))
    await users.write(lambda tx: tx.users.end_session("t1"))
    assert await who(users) is None


async def test_a_new_password_ends_every_session(users):
    await session(users)
    await users.write(lambda tx: tx.users.set_password(READER.id, "hash-2"))
    assert await who(users) is None
    assert (await users.read(lambda tx: tx.users.password_hash(READER.id)))[0] == "hash-2"


async def test_a_disabled_account_loses_its_sessions_and_gets_none_back(users):
    await session(users)
    await users.write(lambda tx: tx.users.set_enabled(READER.id, False))
    await session(users, "t2")
    assert await who(users) is None
    assert await who(users, "t2") is None
    await users.write(lambda tx: tx.users.set_enabled(READER.id, True))
    assert await who(users) is None
    assert await who(users, "t2") == READER


async def test_expired_sessions_are_forgotten(users):
    await session(users)
    await session(users, "t2", expires_at=LATER + timedelta(hours=1))
    assert await users.write(lambda tx: tx.users.remove_expired_sessions(LATER)) == 1
    assert await who(users, "t2") == READER


async def test_a_machine_token_opens_until_it_is_disabled_and_is_never_shown(users):
    await users.write(lambda tx: tx.users.add_token("k1", token_sha256="f00d", name="心电盒子", site_id="yangchang",
                                                    scope="ingest", at=START))
    assert await users.read(lambda tx: tx.users.find_token("f00d")) == ("k1", "yangchang", "ingest")
    assert await users.read(lambda tx: tx.users.find_token("beef")) is None
    [listed] = await users.read(lambda tx: tx.users.tokens())
    assert listed == {"id": "k1", "name": "心电盒子", "site_id": "yangchang", "scope": "ingest", "state": "enabled"}
    assert await users.write(lambda tx: tx.users.disable_token("k1")) is True
    assert await users.write(lambda tx: tx.users.disable_token("k2")) is False
    assert await users.read(lambda tx: tx.users.find_token("f00d")) is None
    assert (await users.read(lambda tx: tx.users.tokens()))[0]["state"] == "disabled"


async def test_a_user_has_one_signing_key(users):
    assert await users.read(lambda tx: tx.users.signing_key(READER.id)) is None
    keep = {"certificate_pem": "certificate", "encrypted_key_pem": "key", "at": START}
    await users.write(lambda tx: tx.users.add_signing_key(READER.id, **keep))
    assert await users.read(lambda tx: tx.users.signing_key(READER.id)) == ("certificate", "key")
    with pytest.raises(ValueError, match="already"):
        await users.write(lambda tx: tx.users.add_signing_key(READER.id, **keep))
