"""The container files, as far as they can be checked without an engine: linted, valid, true, and their steps run."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway.settings import Settings
from tests.support.running_gateway import READY

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE_FILES = ("compose.one-box.yaml", "compose.scale.yaml")
BIN = Path(sys.executable).parent


def compose(name: str) -> dict[str, Any]:
    return YAML(typ="safe").load((DOCKER / name).read_text())  # type: ignore[no-any-return]


def settings_named_in(environment: dict[str, str]) -> set[str]:
    return {re.sub(r"_FILE$", "", name).removeprefix("READING_GATEWAY_").lower() for name in environment}


def test_hadolint_finds_no_fault_in_the_image() -> None:
    done = subprocess.run([str(BIN / "hadolint"), str(DOCKER / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_files_follow_the_specification(name: str) -> None:
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DOCKER / name)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_files_name_only_settings_secrets_and_volumes_that_exist(name: str) -> None:
    file = compose(name)
    known = {setting.name for setting in dataclasses.fields(Settings)}
    gateway = file["services"]["gateway"]
    assert settings_named_in(gateway.get("environment", {})) <= known
    for service in file["services"].values():
        assert set(service.get("secrets", [])) <= set(file.get("secrets", {}))
        named = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert named <= set(file["volumes"])
    assert (DOCKER / gateway["build"]["context"]).resolve() == ROOT
    assert (ROOT / gateway["build"]["dockerfile"]).exists()
    ports = {str(port).rpartition(":")[2] for port in gateway["ports"]}
    assert ports == {"8080", "11112", "2575"}


def test_the_image_runs_as_nobody_special_with_a_health_check_and_copies_what_exists() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*CMD", text, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(f"!{source.rstrip('/')}".startswith(keep) for keep in ignored if keep.startswith("!")), source
    environment = dict(re.findall(r"(READING_GATEWAY_\w+)=(\S+)", text))
    assert settings_named_in(environment) <= {setting.name for setting in dataclasses.fields(Settings)}


def entry_point(tmp_path: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1",
                   "READING_GATEWAY_DATA_DIR": str(tmp_path / "data"), "READING_GATEWAY_HTTP": "127.0.0.1:0",
                   "READING_GATEWAY_DICOM": "127.0.0.1:0", "READING_GATEWAY_RESERVE_BYTES": "1000000", **more}
    return subprocess.Popen(["/bin/sh", str(DOCKER / "entrypoint.sh"), *arguments], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_entry_point_becomes_a_healthy_gateway_and_stops_when_told(tmp_path: Path) -> None:
    process = entry_point(tmp_path)
    try:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if match := READY.search(line):
                break
        else:
            pytest.fail("".join(seen))
        healthy = subprocess.run([sys.executable, str(DOCKER / "healthcheck.py")], capture_output=True, text=True,
                                 env={**os.environ, "READING_GATEWAY_HTTP": match["http"]})
        assert healthy.returncode == 0, healthy.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
    dead = subprocess.run([sys.executable, str(DOCKER / "healthcheck.py")], capture_output=True,
                          env={**os.environ, "READING_GATEWAY_HTTP": match["http"]})
    assert dead.returncode == 1


def test_the_entry_point_passes_a_command_on(tmp_path: Path) -> None:
    process = entry_point(tmp_path, "site", "list", "--data", str(tmp_path / "data"), "--json")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert '"rows"' in out


def test_the_entry_point_says_what_to_do_about_a_folder_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = entry_point(tmp_path, READING_GATEWAY_DATA_DIR=str(tmp_path / "file" / "data"))
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "not writable" in out
