"""Run `reading-gateway …` as a process of its own without starting an interpreter each time.

A helper imports the program once and forks for every command: own arguments, environment and standard streams,
nothing shared with the test. A set-up of ten commands takes a tenth of a second so, not five. Cold starts of the
program have tests of their own.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypedDict


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class _Wanted(TypedDict):
    arguments: list[str]
    environment: dict[str, str]
    files: list[str]                     # what its standard streams are
    folder: str


class _Helper:
    """One for each test process; commands of several threads queue up."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, arguments: Sequence[str], *, environment: Mapping[str, str], input: str, timeout_s: float) -> Done:
        with self._busy, tempfile.TemporaryDirectory(prefix="rg-command-") as folder:
            files = [Path(folder, name) for name in ("in", "out", "err")]
            files[0].write_text(input, encoding="utf-8")
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            wanted = _Wanted(arguments=list(arguments), environment=dict(environment), files=[*map(str, files)],
                             folder=str(Path.cwd()))
            process.stdin.write(json.dumps(wanted).encode() + b"\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], timeout_s)[0]:
                self.stop()
                raise subprocess.TimeoutExpired(list(arguments), timeout_s)
            code = process.stdout.readline()
            assert code, "the helper that runs commands has ended"
            return Done(int(code), *(file.read_text("utf-8") for file in files[1:]))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen([sys.executable, "-m", "tests.support.commands"], cwd=_PROJECT,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._process


_PROJECT = Path(__file__).parents[2]
_helper = _Helper()
atexit.register(_helper.stop)
run_command = _helper.run


def _serve() -> None:
    """The helper itself: a line of JSON in, the exit code out; ends with its standard input."""
    import gateway.cli.admin
    import gateway.cli.ask_running
    import gateway.cli.bridge
    import gateway.cli.keeping
    import gateway.cli.program
    import gateway.cli.rules  # noqa: F401 - imported once, before the forks

    for line in iter(sys.stdin.buffer.readline, b""):
        child = os.fork()
        if child == 0:
            _be_the_program(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _be_the_program(wanted: _Wanted) -> NoReturn:
    for number, (name, mode) in enumerate(zip(wanted["files"], (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2),
                                              strict=True)):
        os.dup2(os.open(name, mode, 0o600), number)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    sys.argv = ["reading-gateway", *wanted["arguments"]]
    code = 1
    try:
        from gateway.cli.program import main

        main()
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
