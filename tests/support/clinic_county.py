"""A small county in a running gateway, set up from the terminal as hospital IT would: a clinic, people, devices."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import requests

from tests.support.peers import free_ports
from tests.support.running_gateway import RunningGateway

T = TypeVar("T")
PASSWORD = "a long test password 42"
SITE = "yangchang"
PEOPLE = {
    "writer": ("测试书写医师", "主治医师", ("reader@all",)),
    "reviewer": ("测试审核医师", "副主任医师", ("reviewer@all",)),
    "clinic": ("测试卫生院医生", "", (f"clinic@{SITE}",)),
    "admin": ("测试管理员", "", ("admin@all",)),
}


def set_up(gateway: RunningGateway, *, node_port: int = 0) -> str:
    """Register site, devices, people and the clinic's node; returns the ECG cart's token."""
    gateway.command("site", "add", SITE, "--name", "测试羊昌卫生院", "--name-en", "Test Yangchang")
    gateway.command("device", "add", "DR_YANGCHANG", "--site", SITE, "--name", "DR 1室", "--modality", "DX")
    for login, (name, title, grants) in PEOPLE.items():
        words = [word for grant in grants for word in ("--grant", grant)]
        add_user(gateway, login, name, title, words)
    if node_port:
        gateway.command("destination", "add", "--site", SITE, "--name", "卫生院影像节点", "--ae-title", "CLINIC_NODE",
                        "--host", "127.0.0.1", "--port", str(node_port))
    token: str = gateway.command("token", "add", "--site", SITE, "--scope", "ingest", "--name", "cart")["token"]
    return token


def add_user(gateway: RunningGateway, login: str, name: str, title: str, grants: list[str]) -> None:
    """Add a person whose password the test knows."""
    gateway.command("user", "add", login, "--name", name, "--title", title, *grants, "--password-stdin",
                    input=PASSWORD + "\n")


def log_in(gateway: RunningGateway, login: str) -> requests.Session:
    """A person's session with the API, as the browser would hold it."""
    session = requests.Session()
    answer = session.post(f"{gateway.url}/api/session", json={"login": login, "password": PASSWORD}, timeout=30)
    assert answer.status_code == 200, answer.text
    return session


def wait_for(what: Callable[[], T | None], *, within_s: float = 30.0, why: str = "") -> T:
    """Ask until the answer is neither None nor False; fails with the reason after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        answer = what()
        if answer is not None and answer is not False:
            return answer
        assert time.monotonic() < deadline, f"not within {within_s} s: {why or what}"
        time.sleep(0.05)


@dataclass
class Storescp:
    """DCMTK's storescp as the clinic's node; every object that arrives becomes a file."""

    folder: Path
    port: int = 0
    ae_title: str = "CLINIC_NODE"
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Storescp:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_ports(1)[0]
        self._process = subprocess.Popen(
            ["storescp", "-aet", self.ae_title, "--output-directory", str(self.folder), "+xa", str(self.port)],
            env={**os.environ, "TCP_NODELAY": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())


def storescu(gateway: RunningGateway, *files: Path, calling: str = "DR_YANGCHANG",
             options: tuple[str, ...] = ()) -> None:
    """Send with DCMTK's storescu as a modality would; every status must be success."""
    done = subprocess.run(
        ["storescu", "-R", *options, "-aet", calling, "-aec", "GATEWAY", gateway.host, str(gateway.port),
         *map(str, files)],
        capture_output=True, text=True, env={**os.environ, "TCP_NODELAY": "1"}, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def readings(session: requests.Session, gateway: RunningGateway, **filters: str) -> list[dict[str, Any]]:
    """The worklist as this person sees it."""
    answer = session.get(f"{gateway.url}/api/readings", params=filters, timeout=30)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
