"""The local socket: administration commands reach a running gateway through a Unix socket in its data folder.

The socket is readable by its owner alone; whoever can open it could read the store anyway. One request, one
command of `gateway.cli.commands`, one JSON answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import structlog
from aiohttp import ClientSession, UnixConnector, web

from gateway.cli.commands import COMMANDS
from gateway.core.errors import GatewayError
from gateway.services.ports import Parts
from storage.errors import StorageError

log = structlog.get_logger("gateway.cli")

SOCKET_NAME = "admin.sock"
MAX_PATH_BYTES = 100      # sun_path holds 108 bytes


class CommandFailed(Exception):
    """The command was understood and refused; the text says why."""


class LocalSocket:
    """Serves the commands while the gateway runs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        path = socket_path(self._parts.settings.data_dir)
        path.unlink(missing_ok=True)
        app = web.Application(client_max_size=16 << 20)
        app.router.add_post("/command", self._command)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(path)).start()
        path.chmod(0o600)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        socket_path(self._parts.settings.data_dir).unlink(missing_ok=True)

    async def _command(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            result = await run_command(self._parts, asked["command"], asked["arguments"])
        except CommandFailed as exc:
            return web.json_response({"error": str(exc)}, status=409)
        return web.json_response({"result": result})


async def run_command(parts: Parts, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run one command on the store. Raises CommandFailed with a sentence for the person at the terminal."""
    try:
        return await COMMANDS[command](parts, arguments)
    except (GatewayError, StorageError, ValueError) as exc:
        raise CommandFailed(str(exc) or type(exc).__name__) from exc


def socket_path(data_dir: Path) -> Path:
    """Where the socket of this data folder lies."""
    path = data_dir.resolve() / SOCKET_NAME
    if len(str(path).encode()) <= MAX_PATH_BYTES:
        return path
    # Too long for a socket: a name made from the folder's own, in a folder that only this account can enter.
    folder = Path(tempfile.gettempdir()) / f"reading-gateway-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise CommandFailed(f"{folder} is open to others; remove it and start again.")
    return folder / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.sock"


async def ask_running(data_dir: Path, command: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Have the running gateway do it; None if no gateway runs on this folder."""
    path = socket_path(data_dir)
    if not path.exists():
        return None
    try:
        async with ClientSession(connector=UnixConnector(str(path))) as client, client.post(
            "http://local/command", data=json.dumps({"command": command, "arguments": arguments}),
            headers={"Content-Type": "application/json"},
        ) as answer:
            body = await answer.json()
    except OSError:
        return None               # left behind by a killed process
    if "error" in body:
        raise CommandFailed(body["error"])
    result: dict[str, Any] = body["result"]
    return result
