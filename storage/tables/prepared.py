"""Statements that every arrival and every decision run: once for both engines, on SQLite run on the driver itself.

SQLAlchemy needs ten times as long as SQLite does to run a statement that it has compiled before. A `Prepared` one is
compiled once a dialect, with the same conversions of values and results, and then goes past that. PostgreSQL, where
the way to the server costs more, keeps to SQLAlchemy. Whatever SQLite's driver raises comes out as it is
(`storage/engines/sqlite.py` translates both kinds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

_Processor = Callable[[Any], Any] | None


class Prepared:
    """One statement; the names of its values are the same at every run."""

    def __init__(self, statement: sa.Executable | Callable[[str], sa.Executable]) -> None:
        """Where the engines need different ones: what makes it from the name of the dialect."""
        self._statement = statement
        self._by_dialect: dict[tuple[str, tuple[str, ...]], sa.Executable | _OnDriver] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> int:
        """Run it; returns how many rows it changed."""
        found = self._of(connection, values)
        if isinstance(found, _OnDriver):
            return int(found.execute(connection, values).rowcount)
        return connection.execute(found, values).rowcount

    def first(self, connection: sa.Connection, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Run it; returns the first row by the names of its columns."""
        found = self._of(connection, values)
        if isinstance(found, _OnDriver):
            return found.first(connection, values)
        row = connection.execute(found, values).first()
        return None if row is None else _plain(row)

    def all(self, connection: sa.Connection, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Run it; returns every row by the names of its columns."""
        found = self._of(connection, values)
        if isinstance(found, _OnDriver):
            return found.all(connection, values)
        return [_plain(row) for row in connection.execute(found, values)]

    def run_many(self, connection: sa.Connection, several: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each of these, in their order."""
        if not several:
            return
        found = self._of(connection, several[0])
        if isinstance(found, _OnDriver):
            for values in several:
                found.execute(connection, values)
        else:
            connection.execute(found, several)

    def _of(self, connection: sa.Connection, values: Mapping[str, Any]) -> sa.Executable | _OnDriver:
        key = (connection.dialect.name, tuple(values))
        found = self._by_dialect.get(key)
        if found is None:
            statement = self._statement(key[0]) if callable(self._statement) else self._statement
            found = statement if key[0] != "sqlite" else _OnDriver(statement, connection.dialect, key[1])
            self._by_dialect[key] = found
        return found


class _OnDriver:
    """The SQL of a statement, and how its values and results are converted."""

    def __init__(self, statement: Any, dialect: sa.Dialect, names: tuple[str, ...]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names) if statement.is_dml else None)
        self._sql = str(compiled)
        if "[POSTCOMPILE_" in self._sql:
            raise ValueError("the text of a prepared statement stays: say it with OR, not with a list")
        self._inputs: list[tuple[str, Any, _Processor]] = [
            (name, compiled.params.get(name), _of_type(compiled.binds[name].type, dialect, "bind_processor"))
            for name in compiled.positiontup]
        columns = statement.exported_columns            # of a SELECT, or of RETURNING
        self._columns: list[str] = [column.name for column in columns]
        self._outputs: list[tuple[int, _Processor]] = [
            (index, processor) for index, column in enumerate(columns)
            if (processor := _of_type(column.type, dialect, "result_processor", None)) is not None]

    def execute(self, connection: sa.Connection, values: Mapping[str, Any]) -> Any:
        driver: Any = connection.connection.driver_connection
        return driver.execute(self._sql, [
            values.get(name, fixed) if processor is None else processor(values.get(name, fixed))
            for name, fixed, processor in self._inputs])

    def first(self, connection: sa.Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        cursor = self.execute(connection, values)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else self._named(row)

    def all(self, connection: sa.Connection, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [self._named(row) for row in self.execute(connection, values).fetchall()]

    def _named(self, row: Sequence[Any]) -> dict[str, Any]:
        found = list(row)
        for index, processor in self._outputs:
            found[index] = processor(found[index])      # type: ignore[misc]
        return dict(zip(self._columns, found, strict=True))


def _plain(row: sa.Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}


def _of_type(kind: Any, dialect: sa.Dialect, which: str, *more: Any) -> _Processor:
    processor: _Processor = getattr(kind.dialect_impl(dialect), which)(dialect, *more)
    return processor
