"""Start and stop real servers of others: on loopback, on free ports, ended by their own process id."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


def lasting_ports(count: int) -> list[int]:
    """Free ports that the system gives to no outgoing connection, so that a killed server can come back on them."""
    lowest_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    for port in random.SystemRandom().sample(range(lowest_given // 2, lowest_given), 200):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"not {count} free ports below {lowest_given}")


def wait_until_up(process: subprocess.Popen[bytes], is_up: Callable[[], bool], log: Path, *,
                  timeout_s: float) -> None:
    """Return once `is_up`; fail with the end of the log when the process ends or the deadline passes."""
    deadline = time.monotonic() + timeout_s
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise RuntimeError(f"{process.args!r} did not come up:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], *, how: int = signal.SIGTERM, timeout_s: float = 10.0) -> None:
    """End a process that we started, by its id; kill it when it does not obey in time."""
    if process.poll() is None:
        os.kill(process.pid, how)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
