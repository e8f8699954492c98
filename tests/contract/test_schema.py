"""Revisions and tables say the same on both engines, and a database that is ahead of us is left alone."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage.engines.postgres import PostgresDatabase
from storage.engines.preparing import prepare
from storage.engines.sqlite import SqliteDatabase
from storage.errors import SchemaTooNew
from storage.interface import Transaction
from storage.migrations.upgrading import configuration, current_revision, drift, revisions, upgrade
from storage.model import Device
from storage.tables.schema import metadata


async def test_the_revisions_make_exactly_the_tables_that_the_code_speaks_of(database):
    assert await database.write(lambda tx: drift(tx.connection)) == []


async def test_the_comparison_would_find_a_column_that_nobody_made_a_revision_for(database):
    def change_and_compare(tx):
        tx.connection.execute(sa.text("ALTER TABLE site ADD COLUMN motto TEXT"))
        raise LookupError(drift(tx.connection))  # so that the column is not kept

    with pytest.raises(LookupError, match="motto"):
        await database.write(change_and_compare)
    assert await database.read(lambda tx: drift(tx.connection)) == []


async def test_every_table_of_the_code_is_there_and_can_be_read(database):
    def count_all(tx):
        return {table.name: tx.connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in metadata.sorted_tables}

    counts = await database.read(count_all)
    assert {name: count for name, count in counts.items() if count} == {"site": 1}  # the inbox


async def test_upgrading_again_changes_nothing(database):
    def again(tx):
        before = current_revision(tx.connection)
        upgrade(tx.connection)
        return before, current_revision(tx.connection)

    before, after = await database.write(again)
    assert before == after is not None


async def _make_newer(database):
    await database.write(lambda tx: tx.connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()


async def test_a_sqlite_store_of_a_newer_release_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "gateway.db"
    await _make_newer(SqliteDatabase(path, node="node-a", prepare=prepare))
    with pytest.raises(SchemaTooNew, match="9999"):
        SqliteDatabase(path, node="node-a", prepare=prepare)
    onlooker = SqliteDatabase(path, node="node-a", prepare=prepare, is_read_only=True)
    assert await onlooker.read(lambda tx: current_revision(tx.connection)) == "9999"
    await onlooker.close()


async def test_a_postgresql_store_of_a_newer_release_is_refused(postgres_server):
    url = postgres_server.new_database()
    await _make_newer(PostgresDatabase(url, node="node-a", prepare=prepare))
    with pytest.raises(SchemaTooNew, match="9999"):
        PostgresDatabase(url, node="node-a", prepare=prepare)


def _first_release(connection: sa.Connection) -> None:
    """The schema of the first release, with a site and a device in it."""
    from alembic import command

    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    connection.execute(sa.text("INSERT INTO site (id, name, kind) VALUES ('yangchang', '演示卫生院', 'township')"))
    connection.execute(sa.text(
        "INSERT INTO device (id, site_id, name, ae_title) VALUES ('dr-1', 'yangchang', 'DR', 'DR_YANGCHANG')"))


def _upgraded(engine: sa.Engine) -> tuple[list[object], Device | None]:
    with engine.connect() as connection, connection.begin():
        _first_release(connection)
    with engine.connect() as connection, connection.begin():
        upgrade(connection)
        device = Transaction(connection, node="node-a").sites.device("dr-1")
        return drift(connection), device


@pytest.mark.parametrize("engine_name", ["sqlite", "postgres"])
def test_a_store_of_the_first_release_is_upgraded_with_what_it_holds(engine_name, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'gateway.db'}" if engine_name == "sqlite" else request.getfixturevalue(
        "postgres_url").replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    try:
        differences, device = _upgraded(engine)
    finally:
        engine.dispose()
    assert differences == []
    assert device is not None
    assert device.site_id == "yangchang"
    assert (device.port, device.is_relay, device.quiet_period_s) == (0, False, None)


def test_the_revisions_are_one_line_each_named_after_its_file():
    from alembic.script import ScriptDirectory

    line = [step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()]
    assert line[::-1] == revisions()
