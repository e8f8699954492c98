"""Fixtures that several rooms share; anything larger lives in tests/support."""

from __future__ import annotations

import pytest

from tests.support.engines import engine
from tests.support.postgres import postgres_server, postgres_url
from tests.support.seaweedfs import seaweed_server
from tests.support.stores import ManualClock, RecordingEvents, open_parts

# Imported here alone: a module that imported them would start servers of its own.
__all__ = ["engine", "postgres_server", "postgres_url", "seaweed_server"]


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def events():
    return RecordingEvents()


@pytest.fixture(params=["lean", "stock"])
def wire(request, monkeypatch):
    """Both ways in which the data of a C-STORE is read; for the receivers and the programs that the test starts."""
    monkeypatch.setenv("READING_GATEWAY_WIRE", request.param)
    return request.param


@pytest.fixture
async def parts(tmp_path, clock, events):
    """Real SQLite and files in a temporary folder, a manual clock, events that are only remembered."""
    async with open_parts(tmp_path / "data", clock=clock, events=events) as opened:
        yield opened
