"""Debian's PostgreSQL in a temporary folder, as its own user (it refuses to run as root).

The fixture `postgres_server` starts it once a test session; `new_database` makes an empty database for one test,
`new_store` one with our tables.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storage.model import new_id
from tests.support import peers
from tests.support.empty_stores import make_tables

_SYSTEM_USER = "postgres"


class PostgresServer:
    """A server of our own; `start` after `stop` continues with the same data."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(_SYSTEM_USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.port = peers.free_ports(1)[0]
        self._empty_store = ""
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run([binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "gateway", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd=folder,
                       **self._as_user)

    def start(self) -> None:
        log = self._folder / "server.log"
        with log.open("ab") as output:
            # fsync is off: these tests are about statements and lost connections, the disk is not ours to prove
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._folder / "data", "-h", "127.0.0.1", "-p", str(self.port),
                 "-k", self._folder, "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB"],
                stdout=output, stderr=output, cwd=self._folder, **self._as_user)
        peers.wait_until_up(self._process, self._answers, log, timeout_s=30)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop politely, or at once as in a crash (immediate shutdown: sessions are cut, recovery follows)."""
        if self._process is not None:
            peers.stop(self._process, how=signal.SIGQUIT if at_once else signal.SIGINT)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgresql://gateway@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; returns its address."""
        name = f"test_{new_id()}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")  # the name is ours
        return self.url(name)

    def new_store(self) -> str:
        """Make a database with the tables of this release and nothing in them; returns its address."""
        if not self._empty_store:
            url = self.new_database()
            make_tables(url)
            self._empty_store = url.rpartition("/")[2]
        name = f"test_{new_id()}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {self._empty_store}")  # both names are ours
        return self.url(name)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def find_binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found and (Path(found).parent / "postgres").exists() else None


def make_server():
    """Yield a running server; skip when PostgreSQL is not installed."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server programs are not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="rg-postgres-"))
    try:
        server = PostgresServer(binaries, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop(at_once=True)     # its data is thrown away
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server for the whole session."""
    yield from make_server()


@pytest.fixture
def postgres_url(postgres_server):
    """An empty database."""
    return postgres_server.new_database()
