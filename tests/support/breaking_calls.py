"""Make system calls of a running process fail, by Debian's strace: the program itself is the shipped one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.peers import stop


@contextmanager
def breaking(pid: int, calls: str, error: str, *, first: int, step: int) -> Iterator[Path]:
    """While this is open, the `first`-th call and then every `step`-th one fails with `error`, in each thread.

    `calls` as strace names them, e.g. "fsync,fdatasync". Yields the trace of these calls. Skips where tracing a
    process is not allowed.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    with tempfile.TemporaryDirectory(prefix="rg-strace-") as folder:
        trace = Path(folder) / "trace"
        process = subprocess.Popen(
            ["strace", "-f", "-yy", "-p", str(pid), "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace),
             "-e", f"inject={calls}:error={error}:when={first}+{step}"],
            stderr=subprocess.PIPE)
        try:
            assert process.stderr is not None
            line = process.stderr.readline().decode(errors="replace")
            if "attached" not in line:
                pytest.skip(f"strace may not trace here: {line.strip()}")
            yield trace
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)       # detaches; the traced program goes on
            stop(process)


def injected(trace: Path) -> int:
    """How many calls were made to fail."""
    return trace.read_text(errors="replace").count("(INJECTED)")
