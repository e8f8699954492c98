"""The local socket: administration commands reach a running gateway through a Unix socket in its data folder.

The socket is readable by its owner alone; whoever can open it could read the store anyway. One request, one
command of `gateway.cli.commands`, one JSON answer.
"""

from __future__ import annotations

from typing import Any

import structlog
from aiohttp import web

from gateway.cli.ask_running import CommandFailed, socket_path
from gateway.cli.commands import COMMANDS
from gateway.core.errors import GatewayError
from gateway.services.ports import Parts
from storage.errors import StorageError

log = structlog.get_logger("gateway.cli")


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
        except Exception:  # the listener's outermost loop: say so at the terminal, and serve the next command
            log.exception("a command failed", command=asked.get("command"))
            return web.json_response({"error": "Something went wrong in the gateway; its log says what."}, status=500)
        return web.json_response({"result": result})


async def run_command(parts: Parts, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run one command on the store. Raises CommandFailed with a sentence for the person at the terminal."""
    try:
        return await COMMANDS[command](parts, arguments)
    except (GatewayError, StorageError, ValueError) as exc:
        raise CommandFailed(str(exc) or type(exc).__name__) from exc
