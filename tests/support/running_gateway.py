"""The shipped program in a process of its own, on free loopback ports, as a customer would run it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.commands import run_command
from tests.support.peers import lasting_ports

READY = re.compile(r"ready: http://(?P<http>\S+) dicom (?P<ae>\S+)@(?P<host>\S+):(?P<port>\d+)"
                   r"(?:.* mllp (?P<mllp>\S+))?")
START_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0


@dataclass
class RunningGateway:
    """`with RunningGateway(tmp_path / "var") as gateway:`; killed at the end if it does not stop by itself."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()                  # e.g. ("strace", "-f", …)
    http: str = ""
    host: str = ""
    port: int = 0
    mllp: str = ""
    output: list[str] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None

    def __enter__(self) -> RunningGateway:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait for the ready line; a killed one comes back on the ports that it had."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not self.http and not self.port:
            http, self.port = lasting_ports(2)
            self.http = f"127.0.0.1:{http}"
        command = [*self.prefix, sys.executable, "-m", "gateway", "serve", "--data", str(self.data_dir),
                   "--http", self.http or "127.0.0.1:0", "--dicom", f"127.0.0.1:{self.port}"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONUNBUFFERED": "1", "READING_GATEWAY_RESERVE_BYTES": "1000000",
                 "READING_GATEWAY_MLLP": "127.0.0.1:0",
                 **self.environment},
        )
        ready, ended = threading.Event(), threading.Event()
        threading.Thread(target=self._listen, args=(self._process, ready, ended), daemon=True).start()
        if not ready.wait(START_WITHIN_S) or ended.is_set():
            self.kill()
            raise AssertionError("the gateway did not start:\n" + "".join(self.output[-40:]))

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event, ended: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output.append(line)
            if match := READY.search(line):
                self.http, self.host, self.port = match["http"], match["host"], int(match["port"])
                self.mllp = match["mllp"] or ""
                ready.set()
        ended.set()
        ready.set()

    @property
    def url(self) -> str:
        return f"http://{self.http}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """SIGTERM, as the service manager does; returns the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the gateway did not stop:\n" + "".join(self.output[-40:])) from None
        self._process = None
        return code

    def command(self, *arguments: str, check: bool = True, input: str = "", timeout_s: float = 120,
                ) -> dict[str, Any]:
        """Run `reading-gateway … --data … --json` beside it and return its answer."""
        done = run_command([*arguments, "--data", str(self.data_dir), "--json"], input=input, timeout_s=timeout_s,
                           environment={**os.environ, **self.environment})
        if check:
            assert done.returncode == 0, done.stderr + done.stdout
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        return answer
