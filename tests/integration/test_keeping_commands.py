"""Keeping from a terminal, with the gateway running and stopped (B10, B11)."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request

import pytest

from gateway.cli.ask_running import CommandFailed
from gateway.cli.local_socket import run_command
from gateway.main import utc_now
from storage.model import EVERYWHERE
from tests.support.kept_studies import add_old_study
from tests.support.running_gateway import RunningGateway
from tests.support.stores import open_parts
from tests.support.waiting import until
from tests.support.web import add_site


async def furnish(data_dir):
    async with open_parts(data_dir, clock=utc_now) as parts:
        await add_site(parts, "town", "演示镇卫生院")
        study_id = await add_old_study(parts, "town", "演示陈旧")
        study = await parts.database.read(lambda tx: tx.studies.get(study_id, EVERYWHERE))
        return study_id, study.study_instance_uid


def gauges(gateway):
    with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=10) as answer:
        lines = [line.split() for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {line[0]: float(line[1]) for line in lines if len(line) == 2}


async def test_a_study_is_sealed_shown_and_released_from_the_terminal(tmp_path):
    study_id, uid = await furnish(tmp_path / "var")
    gateway = RunningGateway(tmp_path / "var")              # not started: the commands open the store themselves
    placed = gateway.command("hold", "place", uid, "--reason", "纠纷", "--demanded-by", "演示家属")
    assert placed["study_id"] == study_id
    [row] = gateway.command("keeping", "retention", uid)["rows"]
    assert (row["class"], row["years"], row["holds"], row["obstacles"]) == ("unknown", 30, 1, "legal-hold")
    out = tmp_path / "manifest.json"
    done = subprocess.run([sys.executable, "-m", "gateway", "hold", "manifest", placed["id"], "--out", str(out),
                           "--data", str(tmp_path / "var")], capture_output=True, text=True, check=True)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == placed["manifest_sha256"]
    assert placed["manifest_sha256"] in done.stdout
    assert json.loads(out.read_text(encoding="utf-8"))["study_instance_uid"] == uid
    gateway.command("hold", "release", placed["id"], "--reason", "结束")
    async with open_parts(tmp_path / "var", clock=utc_now) as parts:     # what the other commands answer
        assert (await run_command(parts, "keeping retention", {"words": ""}))["rows"][0]["obstacles"] == ""
        assert (await run_command(parts, "hold list", {}))["rows"] == []
        assert len((await run_command(parts, "hold list", {"released": True}))["rows"]) == 1
        assert (await run_command(parts, "deletion list", {}))["rows"] == []
        for command, given in (("hold place", {"study": "none", "reason": "x", "demanded_by": "y"}),
                               ("hold release", {"id": placed["id"], "reason": "again"}),
                               ("keeping begin-copies", {})):
            with pytest.raises(CommandFailed):
                await run_command(parts, command, given)


async def test_the_running_gateway_copies_checks_and_says_so_everywhere(tmp_path):
    await furnish(tmp_path / "var")
    second = tmp_path / "second"
    with RunningGateway(tmp_path / "var", {"READING_GATEWAY_SECOND_COPY_DIR": str(second)}) as gateway:
        await until(lambda: len(list(second.glob("objects/??/*"))) == 1, timeout_s=30, every_s=0.2)
        shown = gateway.command("keeping", "show")
        assert (shown["second_copy"], shown["second_copy_problem"], shown["damaged"]) == (str(second), "", 0)
        rows = {row["about"]: row for row in gateway.command("doctor")["rows"]}
        assert rows["second copy"]["state"] == "warning", "it lies on the same disk here"
        assert {"space", "objects", "clock"} <= set(rows)
        found = gauges(gateway)
        assert found["reading_gateway_kept_objects"] == 1
        assert found["reading_gateway_space_room_bytes"] > 0
        for path in second.glob("**/*"):
            if path.is_file():
                path.unlink()                               # a new disk under the old name
        assert gateway.command("doctor", check=False)["is_well"] is False
        gateway.command("keeping", "begin-copies")
        await until(lambda: len(list(second.glob("objects/??/*"))) == 1, timeout_s=30, every_s=0.2)
        verified = gateway.command("verify")
        assert (verified["copies_checked"], verified["copies_bad"], verified["is_sound"]) == (1, [], True)
