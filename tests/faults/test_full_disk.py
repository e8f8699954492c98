"""A real disk that fills up: people are told first, renditions give way, senders hear A700 and 503, nothing is lost.

B2. The disk is a tmpfs of its own, so root is needed for the first test; elsewhere it is skipped and says so.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pynetdicom import AE

from tests.support import dicom_builders as build
from tests.support import ecg_builders
from tests.support.running_gateway import RunningGateway
from tests.support.waiting import until

MB = 1 << 20
DISK_BYTES = 160 * MB
OUT_OF_RESOURCES = 0xA700
LIMITS = {"READING_GATEWAY_RESERVE_BYTES": str(16 * MB), "READING_GATEWAY_SPACE_WARNING_BYTES": str(40 * MB)}


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 160 MB, mounted at `folder`."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting a small file system is not allowed here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def modality(gateway: RunningGateway) -> Iterator[Callable[[build.StudyIds], int]]:
    """One association that sends films."""
    ae = AE(ae_title="DR1")
    ae.add_requested_context(build.DX, build.SYNTAXES["explicit"])
    association = ae.associate(gateway.host, gateway.port, ae_title="GATEWAY")
    assert association.is_established

    def send(ids: build.StudyIds) -> int:
        film = build.dx_image(ids=ids, rows=1024, columns=1024)      # 2 MB
        return int(association.send_c_store(dcmread(DicomBytesIO(film))).Status)

    try:
        yield send
    finally:
        association.release()


def post(gateway: RunningGateway, path: str, body: bytes, kind: str, token: str) -> tuple[int, str]:
    """(status, Retry-After) of an upload."""
    request = urllib.request.Request(f"{gateway.url}{path}", body, {
        "Content-Type": kind, "Authorization": f"Bearer {token}", "Accept": "application/dicom+json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers.get("Retry-After", "")


def stow(gateway: RunningGateway, film: bytes, token: str) -> tuple[int, str]:
    body = b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + film + b"\r\n--edge--\r\n"
    return post(gateway, "/dicom-web/studies", body,
                'multipart/related; type="application/dicom"; boundary=edge', token)


def furnish(gateway: RunningGateway) -> str:
    """A site, a device that may send, and a token for uploads."""
    gateway.command("site", "add", "town", "--name", "演示镇卫生院")
    gateway.command("device", "add", "DR1", "--site", "town", "--name", "演示DR")
    return str(gateway.command("token", "add", "--site", "town", "--scope", "ingest")["token"])


def metric(gateway: RunningGateway, name: str) -> float:
    with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def line_of(gateway: RunningGateway, words: str) -> int:
    """Where the log says it first; -1 if it does not."""
    return next((number for number, line in enumerate(gateway.output) if words in line), -1)


def leave_free(disk: Path, free_bytes: int) -> Path:
    """Something else fills the disk until so much is left."""
    filler = disk / "filler"
    found = os.statvfs(disk)
    size = found.f_bavail * found.f_frsize - free_bytes + (filler.stat().st_size if filler.exists() else 0)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return filler


async def test_a_full_disk_refuses_after_a_warning_and_takes_again_when_space_returns(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, RunningGateway(disk / "var", LIMITS) as gateway:
        token = furnish(gateway)
        ids, acknowledged = build.StudyIds(), 0
        with modality(gateway) as send:
            assert send(ids) == 0
            acknowledged += 1
            await until(lambda: metric(gateway, "reading_gateway_kept_objects") == 1, timeout_s=20, every_s=0.2)
            leave_free(disk, 48 * MB)                    # 32 MB above the reserve: less than the warning's 40 MB
            await until(lambda: metric(gateway, "reading_gateway_space_level") == 1, timeout_s=20, every_s=0.2)
            assert line_of(gateway, "Room is running out") >= 0
            assert line_of(gateway, "NO ROOM") == -1, "people hear of it before anything is refused"
            assert space_state(gateway) == "warning"
            assert send(ids) == 0, "low is not full"
            acknowledged += 1

            renditions = disk / "var" / "renditions" / "ab" / "ab12"
            renditions.mkdir(parents=True, exist_ok=True)
            for number in range(8):
                (renditions / f"frame-{number}.preview.jpg").write_bytes(b"x" * MB)
            leave_free(disk, 15 * MB)                    # below the reserve
            assert send(ids) == 0, "renditions give way before anything is refused"
            acknowledged += 1
            assert not list(renditions.glob("*.jpg"))

            leave_free(disk, 15 * MB)
            assert send(ids) == OUT_OF_RESOURCES
            assert send(ids) == OUT_OF_RESOURCES
            assert stow(gateway, build.dx_image(ids=build.StudyIds()), token)[0] == 503
            status, retry_after = post(gateway, "/api/ecg", ecg_builders.aecg(), "application/xml", token)
            assert status == 503
            assert int(retry_after) > 0
            assert line_of(gateway, "NO ROOM") >= 0
            await until(lambda: metric(gateway, "reading_gateway_space_level") == 2, timeout_s=20, every_s=0.2)
            kinds = [row["kind"] for row in alarms(gateway)]
            assert kinds.count("space-full") == 1
            assert "space-low" not in kinds, "the alarm of the level before is closed"

            (disk / "filler").unlink()
            assert send(ids) == 0, "storing works again at once"
            acknowledged += 1
        await until(lambda: metric(gateway, "reading_gateway_space_level") == 0, timeout_s=20, every_s=0.2)
        assert not [row for row in alarms(gateway) if row["kind"].startswith("space")], "cleared by itself"
        assert metric(gateway, "reading_gateway_refused_for_space_total") >= 3
        found = gateway.command("verify")
        assert (found["objects_checked"], found["missing"], found["is_sound"]) == (acknowledged, [], True)


def space_state(gateway: RunningGateway) -> str:
    """What the command `doctor` says."""
    rows = gateway.command("doctor", check=False)["rows"]
    return next(str(row["state"]) for row in rows if row["about"] == "space")


def alarms(gateway: RunningGateway) -> list[dict[str, str]]:
    """Open alarms, by the database itself: the page needs a login."""
    with sqlite3.connect(f"file:{gateway.data_dir / 'gateway.db'}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM alarm WHERE acknowledged_at IS NULL")]


async def test_a_quota_refuses_before_the_disk_does_and_is_remembered_over_a_restart(tmp_path: Path) -> None:
    quota = {"READING_GATEWAY_QUOTA_BYTES": str(10 * MB)}
    ids, acknowledged = build.StudyIds(), 0
    with RunningGateway(tmp_path / "var", quota) as gateway:
        furnish(gateway)
        with modality(gateway) as send:
            statuses = [send(ids) for _ in range(7)]
        acknowledged = statuses.count(0)
        assert statuses == [0] * 5 + [OUT_OF_RESOURCES] * 2
        await until(lambda: metric(gateway, "reading_gateway_space_level") == 2, timeout_s=20, every_s=0.2)
        assert space_state(gateway) == "bad"
    with RunningGateway(tmp_path / "var", quota) as gateway, modality(gateway) as send:
        assert send(ids) == OUT_OF_RESOURCES, "the first object after a restart already"
    with RunningGateway(tmp_path / "var", {"READING_GATEWAY_QUOTA_BYTES": str(30 * MB)}) as gateway:
        with modality(gateway) as send:
            assert send(ids) == 0
        found = gateway.command("verify")
        assert (found["objects_checked"], found["missing"]) == (acknowledged + 1, [])
