"""The process of one simulation: its job as JSON on standard input, progress and result as JSON lines on the output.

Started by services/rules/simulations.py. It opens the store for reading only, beside the gateway that holds it, and
ends by itself when nobody listens any more.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.services.rules.simulate import GARBAGE_THRESHOLDS, Simulation, simulate
from routing_rules.model import InvalidRules
from storage.errors import StorageError
from storage.opening import open_storage

NICENESS = 10


async def work(job: dict[str, Any]) -> Simulation:
    """Do what the job says."""
    storage = await open_storage(data_dir=Path(job["data_dir"]), database_url=job["database_url"], node="simulation",
                                 is_read_only=True)
    try:
        return await simulate(
            storage.database, job["source"], since=datetime.fromisoformat(job["since"]),
            until=datetime.fromisoformat(job["until"]), zone=ZoneInfo(job["zone"]), against=job["against"],
            on_progress=lambda done, total: _tell({"done": done, "total": total}))
    finally:
        await storage.database.close()


def main() -> None:
    os.nice(NICENESS)
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    job = json.loads(sys.stdin.buffer.read())
    try:
        result = asyncio.run(work(job))
    except (StorageError, InvalidRules) as exc:
        _tell({"error": str(exc) or type(exc).__name__})
        raise SystemExit(1) from exc
    _tell({"result": msgspec.to_builtins(result)})


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
