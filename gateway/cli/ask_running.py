"""Ask the running gateway through the Unix socket in its data folder. A command that asks loads no gateway."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

SOCKET_NAME = "admin.sock"
MAX_PATH_BYTES = 100      # sun_path holds 108 bytes


class CommandFailed(Exception):
    """The command was understood and refused; the text says why."""


class _LocalConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("local")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


def ask_running(data_dir: Path, command: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Have the running gateway do it; None if no gateway runs on this folder. Raises CommandFailed."""
    path = socket_path(data_dir)
    if not path.exists():
        return None
    connection = _LocalConnection(path)
    try:
        connection.request("POST", "/command", json.dumps({"command": command, "arguments": arguments}),
                           {"Content-Type": "application/json"})
    except ConnectionError:
        return None               # left behind by a killed process
    try:
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise CommandFailed("The gateway stopped before it answered; look whether it was done.") from exc
    finally:
        connection.close()
    if "error" in body:
        raise CommandFailed(body["error"])
    result: dict[str, Any] = body["result"]
    return result


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
