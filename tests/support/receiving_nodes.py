"""The clinic's side: dcmtk's storescp and Debian's Orthanc, as real processes on free ports."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import struct
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.peers import free_ports, stop, wait_until_up


@dataclass(frozen=True)
class StoreScp:
    """A running storescp and the folder in which it keeps what it takes."""

    port: int
    folder: Path

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file() and path.name != "log.txt")


@contextmanager
def storescp(folder: Path, *options: str, port: int = 0, ae_title: str = "CLINIC") -> Iterator[StoreScp]:
    """dcmtk's storescp; it is called `ae_title` and takes every storage class."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_ports(1)[0]
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["storescp", "-aet", ae_title, "-od", str(folder), "+B", "-pm", *options, str(port)], stdout=output,
            stderr=subprocess.STDOUT)
    try:
        wait_until_up(process, lambda: listens(port), log, timeout_s=15)
        yield StoreScp(port, folder)
    finally:
        stop(process)


@contextmanager
def rejecting_node(result: int, source: int, reason: int) -> Iterator[int]:
    """A node that answers every association with an A-ASSOCIATE-RJ of these three (PS3.8 9.3.4); yields its port."""
    class Rejecting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            self.request.sendall(b"\x03\x00" + struct.pack(">L4B", 4, 0, result, source, reason))
            while self.request.recv(1 << 16):
                """Until the requestor closes: to close first, with bytes unread, would reset the connection."""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rejecting) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc without login."""

    port: int
    dicom_port: int

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            body = answer.read()
            return json.loads(body) if "json" in answer.headers["Content-Type"] else body

    def post(self, path: str, body: Any, *, content_type: str = "application/json") -> Any:
        """What Orthanc answers to a POST of JSON, or of bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data,
                                       {"Content-Type": content_type})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            found = answer.read()
            return json.loads(found) if "json" in answer.headers["Content-Type"] else found


DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def with_dicomweb(**servers: dict[str, Any]) -> dict[str, Any]:
    """Settings of an Orthanc that serves DICOMweb, and is a client of these servers."""
    return {"Plugins": [str(DICOMWEB_PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": servers}}


@contextmanager
def orthanc(folder: Path, *, port: int = 0, is_as_shipped: bool = False, **settings: Any) -> Iterator[Orthanc]:
    """Debian's Orthanc, bare: no plug-in, its own folder; only as shipped with 44 ms of Nagle's algorithm an answer.

    `settings` are added to its configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    http, dicom = free_ports(2)
    http = port or http
    config = folder / "orthanc.json"
    config.write_text(json.dumps({
        "StorageDirectory": str(folder / "storage"), "IndexDirectory": str(folder / "index"), "HttpPort": http,
        "DicomPort": dicom, "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [],
        **settings}))
    log = folder / "orthanc.log"
    with log.open("wb") as output:
        process = subprocess.Popen(["Orthanc", str(config)], stdout=output, stderr=subprocess.STDOUT,
                                   env=os.environ | ({} if is_as_shipped else {"TCP_NODELAY": "1"}))
    try:
        wait_until_up(process, lambda: listens(http), log, timeout_s=30)
        yield Orthanc(http, dicom)
    finally:
        stop(process)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
