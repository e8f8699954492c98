"""Commands reach a running gateway through its local socket, and a fault in one is told as what it is."""

from __future__ import annotations

import asyncio
import stat

import pytest

from gateway.cli.ask_running import CommandFailed, ask_running, socket_path
from gateway.cli.local_socket import LocalSocket


@pytest.fixture
async def data_dir(parts):
    local = LocalSocket(parts)
    await local.start()
    yield parts.settings.data_dir
    await local.stop()


async def test_a_command_is_done_by_the_gateway_that_runs(data_dir):
    answer = await asyncio.to_thread(ask_running, data_dir, "site list", {})
    assert answer is not None
    assert [row["id"] for row in answer["rows"]] == ["inbox"]


async def test_only_the_owner_can_open_the_socket(data_dir):
    assert stat.S_IMODE(socket_path(data_dir).stat().st_mode) == 0o600


async def test_a_refusal_and_a_fault_are_told_apart_and_the_next_command_is_served(data_dir):
    with pytest.raises(CommandFailed, match="no site nowhere"):
        await asyncio.to_thread(ask_running, data_dir, "site show", {"id": "nowhere"})
    with pytest.raises(CommandFailed, match="went wrong in the gateway"):
        await asyncio.to_thread(ask_running, data_dir, "no such command", {})
    assert await asyncio.to_thread(ask_running, data_dir, "site list", {})


async def test_where_no_gateway_runs_nobody_answers(tmp_path):
    assert await asyncio.to_thread(ask_running, tmp_path, "site list", {}) is None
