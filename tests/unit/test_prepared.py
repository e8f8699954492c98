"""A prepared statement answers as SQLAlchemy would, on SQLite without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from storage.tables.prepared import Prepared
from storage.tables.schema import UtcDateTime

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", UtcDateTime),
                 sa.Column("content", sa.JSON), sa.Column("is_so", sa.Boolean))
_ADD = Prepared(sa.insert(table))
_ALL = Prepared(sa.select(table).order_by(table.c.id))
_MOVE = Prepared(sa.update(table).where(table.c.at < sa.bindparam("before")).values(
    at=sa.bindparam("moved_to")).returning(table.c.id, table.c.at))


@pytest.fixture
def connection():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as opened:
        table.metadata.create_all(opened)
        yield opened
    engine.dispose()


def row(number: int) -> dict[str, object]:
    return {"id": number, "at": AT + timedelta(hours=number), "content": {"n": [number]}, "is_so": number == 1}


def test_rows_come_back_as_they_were_put_one_by_one_or_many_at_once(connection):
    _ADD.run(connection, row(1))
    _ADD.run_many(connection, [row(2), row(3)])
    _ADD.run_many(connection, [])
    assert _ALL.all(connection, {}) == [row(1), row(2), row(3)]
    assert _ALL.first(connection, {}) == row(1)
    assert [dict(found) for found in connection.execute(sa.select(table)).mappings()] == _ALL.all(connection, {})


def test_what_a_change_returns_is_converted_too(connection):
    _ADD.run_many(connection, [row(1), row(2), row(3)])
    moved = _MOVE.all(connection, {"before": AT + timedelta(hours=3), "moved_to": AT})
    assert sorted(moved, key=lambda one: one["id"]) == [{"id": 1, "at": AT}, {"id": 2, "at": AT}]
    assert _MOVE.first(connection, {"before": AT, "moved_to": AT}) is None


def test_a_list_that_grows_is_refused(connection):
    some = Prepared(sa.select(table).where(table.c.id.in_([1, 2])))
    with pytest.raises(ValueError, match="say it with OR"):
        some.all(connection, {})
