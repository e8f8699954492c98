"""Fixtures that several rooms share; anything larger lives in tests/support."""

from __future__ import annotations

import pytest

from tests.support.stores import ManualClock, RecordingEvents, open_parts


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
