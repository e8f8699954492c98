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


@pytest.fixture
async def parts(tmp_path, clock, events):
    """Real SQLite and files in a temporary folder, a manual clock, events that are only remembered."""
    async with open_parts(tmp_path / "data", clock=clock, events=events) as opened:
        yield opened
