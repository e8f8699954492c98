"""Versions, approval, differences and simulations at the terminal, the gateway running or not (D6, J1)."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from gateway.cli.local_socket import LocalSocket
from gateway.cli.program import main
from gateway.services.activate_rules import ensure_rules, packaged_rules
from gateway.services.route_study import route_study
from storage.model import Role
from tests.support.routing_builders import add_study
from tests.support.stores import ManualClock, open_parts
from tests.support.web import PASSWORD, add_person

FIRST = packaged_rules()
DRAFT = FIRST.replace("rules:\n", """rules:
  - name: CT 交兜底 / CT to the inbox
    when: ['study.modality == "CT"']
    then: {group: fallback}
""")
STRICT = {"READING_GATEWAY_RULES_NEED_APPROVAL": "1", "READING_GATEWAY_PASSWORD": PASSWORD}


def run(*arguments, env=None):
    return CliRunner(env={"READING_GATEWAY_NODE": "test-node", **(env or {})}).invoke(
        main, ["rules", *map(str, arguments)])


@pytest.fixture
async def data(tmp_path):
    """A store with two administrators of the alliance, one of a site, and six routed studies of today."""
    folder = tmp_path / "data"
    async with open_parts(folder, clock=ManualClock(datetime.now(UTC))) as parts:
        await ensure_rules(parts)
        for login, site in (("head", None), ("deputy", None), ("clerk", "east")):
            await add_person(parts, login, (Role.ADMIN, site))
        for modality in ("CT", "DX", "ECG", "CT", "US", "CT"):
            parts.clock.advance(-3600)
            await route_study(parts, (await add_study(parts, modality=modality)).id)
    return folder


@pytest.fixture
def draft(tmp_path):
    path = tmp_path / "draft.yaml"
    path.write_text(DRAFT, encoding="utf-8")
    return path


async def terminal(*arguments, env=None):
    return await asyncio.to_thread(run, *arguments, env=env)


async def test_two_people_are_asked_for_at_the_terminal_too(data, draft):
    async def done(*arguments):
        return await terminal(*arguments, "--data", data, env=STRICT)

    nobody = await done("activate", draft)
    assert (nobody.exit_code, "known by name" in nobody.output) == (1, True), nobody.output
    made = await done("activate", draft, "--login", "head", "--note", "试行", "--json")
    assert json.loads(made.output) == {"version": 2, "state": "awaiting_approval"}
    for arguments, why in ((("--login", "head"), "Another person"), ((), "known by name"),
                           (("--login", "clerk"), "whole alliance"), (("--login", "nobody"), "wrong")):
        refused = await done("approve", 2, *arguments)
        assert (refused.exit_code, why in refused.output) == (1, True), refused.output
    approved = await done("approve", 2, "--login", "deputy", "--json")
    assert json.loads(approved.output) == {"version": 2, "state": "active"}
    rows = json.loads((await done("list", "--json")).output)["rows"]
    assert [(row["version"], row["state"], row["by"], row["approved_by"]) for row in rows] == [
        (2, "active", "演示head", "演示deputy"), (1, "superseded", "gateway", "")]


async def test_refusing_and_rolling_back(data, draft):
    await terminal("activate", draft, "--data", data, "--login", "head", env=STRICT)
    refused = await terminal("refuse", 2, "--reason", "没人值班", "--data", data, "--json")
    assert json.loads(refused.output) == {"version": 2, "state": "refused"}
    await terminal("activate", draft, "--data", data)
    back = await terminal("roll-back", 1, "--data", data, "--json")
    assert json.loads(back.output) == {"version": 4, "state": "active"}
    told = await terminal("show", "--data", data)
    assert told.output == "# version 4\n" + FIRST


async def test_the_exported_file_is_the_activated_one_to_the_byte(data, draft, tmp_path):
    await terminal("activate", draft, "--data", data)
    out = tmp_path / "out.yaml"
    assert (await terminal("export", "--data", data, "-o", out)).exit_code == 0
    assert out.read_bytes() == draft.read_bytes()
    assert (await terminal("export", "--data", data, "--version", 1)).output == FIRST
    again = await terminal("activate", out, "--data", data, "--json")
    assert json.loads(again.output)["version"] == 2, "the same text is the same version"


async def test_an_activation_on_an_older_version_is_told(data, draft):
    await terminal("activate", draft, "--data", data)
    draft.write_text(DRAFT + "# 后来\n", encoding="utf-8")
    late = await terminal("activate", draft, "--data", data, "--based-on", 1)
    assert (late.exit_code, "Version 2 has come into force" in late.output) == (1, True)


async def test_the_difference_is_told_in_words(data, draft):
    told = await terminal("diff", draft, "--data", data)
    assert (told.exit_code, "CT 交兜底" in told.output) == (0, True), told.output
    await terminal("activate", draft, "--data", data)
    as_json = json.loads((await terminal("diff", 1, 2, "--data", data, "--json")).output)
    assert [change["kind"] for change in as_json["changes"]] == ["rule-added"]
    assert "no difference" in (await terminal("diff", 2, "--data", data)).output
    assert (await terminal("diff", "no-such-file", "--data", data)).exit_code == 2


async def test_a_draft_is_simulated_with_the_gateway_stopped(data, draft):
    told = await terminal("simulate", draft, "--data", data, "--json")
    answer = json.loads(told.stdout)
    assert (answer["studies"], answer["moved"]) == (6, 3)
    [move] = answer["moves"]
    assert (move["from_group"], move["to_group"], move["studies"]) == ("imaging", "fallback", 3)
    shown = await terminal("simulate", draft, "--data", data)
    assert "CT 交兜底" in shown.output
    assert "evenly" in shown.output


async def test_and_beside_a_gateway_that_holds_the_store(data, draft):
    async with open_parts(data) as parts:
        local = LocalSocket(parts)
        await local.start()
        try:
            assert json.loads((await terminal("simulate", draft, "--data", data, "--json")).stdout)["moved"] == 3
            assert json.loads((await terminal("activate", draft, "--data", data, "--json")).output)["version"] == 2
        finally:
            await local.stop()


async def test_the_active_version_replays_and_a_changed_past_is_an_exit_code(data):
    whole = await terminal("simulate", "--active", "--whole", "--data", data)
    assert (whole.exit_code, "replayed 6, equal 6 (100.00 %)" in whole.output) == (0, True), whole.output
    async with open_parts(data) as parts:
        await parts.database.write(lambda tx: tx.connection.exec_driver_sql(
            "UPDATE decision SET facts = replace(facts, '\"ecg\"', '\"image\"')"))
    found = await terminal("simulate", "--active", "--data", data)
    assert (found.exit_code, "equal 5" in found.output) == (1, True), found.output


async def test_simulate_wants_a_file_or_the_active_version_and_a_store(draft, tmp_path):
    assert (await terminal("simulate", "--data", tmp_path)).exit_code == 2
    assert (await terminal("simulate", draft, "--active", "--data", tmp_path)).exit_code == 2
    missing = await terminal("simulate", draft, "--data", tmp_path / "nothing")
    assert (missing.exit_code, "no store" in missing.output) == (1, True)


async def test_explain_names_who_answers_for_the_version_and_every_rule_in_order(data, draft):
    await terminal("activate", draft, "--data", data, "--login", "head", env=STRICT)
    await terminal("approve", 2, "--data", data, "--login", "deputy", env=STRICT)
    async with open_parts(data, clock=ManualClock(datetime.now(UTC))) as parts:
        study = await add_study(parts, modality="CT")
        await route_study(parts, study.id)
    told = json.loads((await terminal("explain", study.accession_number, "--data", data, "--json")).output)
    assert (told["rules_version"], told["group"]) == (2, "fallback")
    assert (told["rules"]["proposed_by"], told["rules"]["approved_by"]) == ("演示head", "演示deputy")
    names = [line.strip().removeprefix("- name: ") for line in DRAFT.splitlines() if "- name: " in line]
    assert [entry["rule"] for entry in told["because"]][:len(names)] == names
    shown = (await terminal("explain", study.id, "--data", data)).output
    assert "of 演示head, approved by 演示deputy" in shown
