"""`rules` at the terminal: exit codes, places of errors, and the same answers with the gateway stopped."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from gateway.cli.program import main
from gateway.services.activate_rules import packaged_rules
from gateway.services.route_study import route_study
from tests.support.routing_builders import add_study
from tests.support.stores import open_parts


def run(*arguments):
    return CliRunner().invoke(main, ["rules", *map(str, arguments)])


@pytest.fixture
def rules_file(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(packaged_rules(), encoding="utf-8")
    return path


def test_check_says_that_a_sound_file_is_sound(rules_file):
    done = run("check", rules_file)
    assert (done.exit_code, done.output) == (0, f"{rules_file}: 正确 / correct\n")


def test_check_names_file_line_and_column_and_exits_1(rules_file):
    rules_file.write_text(packaged_rules().replace('study.kind == "image"', "study.kindd == 1"), encoding="utf-8")
    done = run("check", rules_file)
    assert done.exit_code == 1
    line = 1 + rules_file.read_text(encoding="utf-8").splitlines().index("      - study.kindd == 1")
    assert done.output.startswith(f"{rules_file}:{line}:9: error: ")
    assert "study.kind" in done.output
    told = json.loads(run("check", rules_file, "--json").output)
    assert told["is_valid"] is False
    assert (told["problems"][0]["line"], told["problems"][0]["column"]) == (line, 9)


def test_check_of_something_that_is_no_text_is_an_error_without_a_trace(rules_file):
    rules_file.write_bytes(b"\xff\xfe\x00rules")
    done = run("check", rules_file)
    assert done.exit_code == 1
    assert "UTF-8" in done.output


def test_a_missing_file_is_used_wrongly():
    assert run("check", "no-such-file.yaml").exit_code == 2


def test_activate_puts_a_version_into_force_and_show_prints_it(rules_file, tmp_path):
    data = tmp_path / "data"
    assert run("show", "--data", data).exit_code == 1
    assert json.loads(run("activate", rules_file, "--data", data, "--json").output) == {
        "version": 1, "state": "active"}
    rules_file.write_text(packaged_rules() + "# 改过\n", encoding="utf-8")
    assert json.loads(run("activate", rules_file, "--data", data, "--json").output) == {
        "version": 2, "state": "active"}
    assert run("show", "--data", data).output == "# version 2\n" + rules_file.read_text(encoding="utf-8")
    assert run("show", "--data", data, "--version", 1).output == "# version 1\n" + packaged_rules()
    assert run("show", "--data", data, "--version", 3).exit_code == 1


def test_activate_refuses_what_check_lets_pass_when_nobody_has_the_login(rules_file, tmp_path):
    rules_file.write_text(packaged_rules("county.yaml"), encoding="utf-8")
    assert run("check", rules_file).exit_code == 0
    done = run("activate", rules_file, "--data", tmp_path / "data")
    assert done.exit_code == 1
    assert "demo-radiologist" in done.output
    assert run("show", "--data", tmp_path / "data").exit_code == 1, "nothing was activated"


async def test_explain_prints_the_stored_reasons(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        study = await add_study(parts, modality="ECG", statements=("窦性心律",))
        await route_study(parts, study.id)
    done = await asyncio.to_thread(run, "explain", study.study_instance_uid, "--data", tmp_path / "data")
    assert done.exit_code == 0, done.output
    assert "→ group ecg, reader -, routine" in done.output
    assert '✓ study.kind == "ecg"    [study.kind = "ecg"]' in done.output
    assert '["窦性心律"]' in done.output
    missing = await asyncio.to_thread(run, "explain", "1.2.3.4", "--data", tmp_path / "data")
    assert missing.exit_code == 1
    assert "no study" in missing.output
