"""DCMTK's senders as peers: the modality of the tests, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Sent:
    """How a sender ended: its exit code, the status of every C-STORE in order, and everything that it printed."""

    code: int
    statuses: list[int]
    output: str

    @property
    def is_success(self) -> bool:
        return self.code == 0 and all(status == 0 for status in self.statuses)


async def storescu(address: str, files: Iterable[Path], *, calling: str = "MODALITY", called: str = "GATEWAY",
                   options: tuple[str, ...] = ("-R",)) -> Sent:
    """One association with DCMTK's storescu; -R proposes only what the files need. Bad files are sent as well."""
    host, port = address.rsplit(":", 1)
    code, output = await run("storescu", "-d", "-aet", calling, "-aec", called, "+sd", "-nh", *options, host, port,
                             *[str(f) for f in files])
    return Sent(code, _statuses(output), output)


async def dcmsend(address: str, files: Iterable[Path], *, calling: str = "MODALITY", called: str = "GATEWAY",
                  options: tuple[str, ...] = ()) -> Sent:
    """One association with DCMTK's dcmsend, the transfer syntax of the files as it is."""
    host, port = address.rsplit(":", 1)
    code, output = await run("dcmsend", "-d", "-aet", calling, "-aec", called, "-nh", "+sd", *options, host, port,
                             *[str(f) for f in files])
    return Sent(code, _statuses(output), output)


async def echoscu(address: str, *, calling: str = "MODALITY", called: str = "GATEWAY") -> Sent:
    """A C-ECHO."""
    host, port = address.rsplit(":", 1)
    code, output = await run("echoscu", "-d", "-aet", calling, "-aec", called, host, port)
    return Sent(code, _statuses(output), output)


async def run(*command: str) -> tuple[int, str]:
    """Run a program to its end; returns its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"TCP_NODELAY": "1"})
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace")


def _statuses(output: str) -> list[int]:
    return [int(found, 16) for found in re.findall(r"DIMSE Status\s*:\s*0x([0-9a-fA-F]{4})", output)]
