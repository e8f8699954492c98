"""The demo county: made once, played over the real ports of the shipped program, never with a default password."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys

import aiohttp
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from gateway.core.errors import NotFound
from gateway.demo.clinic_node import ENCAPSULATED_PDF, ClinicNode
from gateway.demo.county import PEOPLE, make_county, new_password, study_states
from gateway.services.activate_rules import activate_rules, packaged_rules
from gateway.services.log_in import log_in, sha256_of
from storage.model import EVERYWHERE
from tests.support.running_gateway import RunningGateway

PORTS = {"node_ports": {"demo-east": 11113, "demo-west": 11114}}


async def test_the_county_is_made_once_and_its_passwords_are_random_and_shown_once(parts):
    """J1: no default passwords."""
    first = await make_county(parts, PORTS)
    assert first["is_new"]
    passwords = {row["login"]: row["password"] for row in first["logins"]}
    assert len(set(passwords.values())) == len(PEOPLE)
    for login, password in passwords.items():
        _, user = await log_in(parts, login, password, address="127.0.0.1")
        assert user.display_name.startswith("演示")
    again = await make_county(parts, PORTS)
    assert not again["is_new"]
    assert {row["password"] for row in again["logins"]} == {None}
    assert again["nodes"] == first["nodes"]

    def count(tx):
        return [len(tx.sites.sites(EVERYWHERE)), len(tx.sites.devices(EVERYWHERE)), len(tx.users.all()),
                len(tx.sites.destinations(EVERYWHERE)), len(tx.decisions.rule_sets())]
    assert (await parts.database.read(count))[1:] == [4, 6, 5, 1]


async def test_only_the_newest_ingest_token_is_good(parts):
    old, new = [(await make_county(parts, PORTS))["ingest_token"] for _ in range(2)]
    assert await parts.database.read(lambda tx: tx.users.find_token(sha256_of(old))) is None
    token = await parts.database.read(lambda tx: tx.users.find_token(sha256_of(new)))
    assert token[1:] == ("demo-east", "ingest")


async def test_new_passwords_replace_the_old_ones_when_asked_for(parts):
    await make_county(parts, PORTS)
    renewed = await make_county(parts, {**PORTS, "new_passwords": True})
    for row in renewed["logins"]:
        await log_in(parts, row["login"], row["password"], address="")


async def test_rules_that_somebody_activated_are_left_in_force(parts):
    own = packaged_rules().replace("默认阅片规则", "自己的规则")
    version = await activate_rules(parts, own, by="someone")
    await make_county(parts, PORTS)
    assert (await parts.database.read(lambda tx: tx.decisions.active_rule_set())) == (version, own)


async def test_asking_for_a_study_that_is_not_there_is_a_plain_error(parts):
    with pytest.raises(NotFound, match="no study"):
        await study_states(parts, {"studies": ["1.2.3"]})


def test_passwords_are_long_and_differ():
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(p) == 14 for p in made)


def test_a_clinic_node_keeps_what_it_is_sent_and_frees_its_port(tmp_path):
    node = ClinicNode("DEMO_PACS_E", 0, tmp_path / "node")
    port = node.start()
    ae = AE(ae_title="GATEWAY")
    ae.add_requested_context(ENCAPSULATED_PDF, ImplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", port)
    try:
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID, ds.PatientID = ENCAPSULATED_PDF, generate_uid(), "DEMO-1"
        assert association.send_c_store(ds).Status == 0
        assert association.send_c_store(ds).Status == 0, "the same report twice is one file"
    finally:
        association.release()
        node.stop()
    [kept] = (tmp_path / "node").iterdir()
    assert kept.name == f"{ds.SOPInstanceUID}.dcm"
    assert kept.read_bytes()[128:132] == b"DICM"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_the_demo_plays_its_studies_into_the_shipped_program(tmp_path):
    """The command as a newcomer calls it: DICOM by C-STORE, the aECG by HTTP, all on the worklist at the end."""
    with RunningGateway(tmp_path / "var") as gateway:
        command = [sys.executable, "-m", "gateway", "demo", "--data", str(gateway.data_dir), "--http", gateway.http,
                   "--dicom", f"{gateway.host}:{gateway.port}", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr + "".join(gateway.output[-20:])
        told = json.loads(done.stdout)
        assert [row["instances"] for row in told["studies"]] == [1, 1, 1, 1, 40]
        assert [row["priority"] for row in told["studies"]] == ["emergency"] * 2 + ["routine"] * 3
        assert "ingest_token" not in told

        kept = gateway.data_dir / "demo-logins.txt"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        logins = dict(line.split("\t")[:2] for line in kept.read_text(encoding="utf-8").splitlines())
        async with aiohttp.ClientSession(gateway.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            async with browser.post("/api/session", json={
                    "login": "demo-radiologist", "password": logins["demo-radiologist"]}) as answer:
                assert answer.status == 200, await answer.text()
            async with browser.get("/api/readings") as answer:
                listed = await answer.json()
        assert listed["total"] == 5
        film, ecg = (next(r for r in listed["items"] if r["kind"] == kind and r["priority"] == "emergency")
                     for kind in ("image", "ecg"))
        assert film["patient"]["id"] == ecg["patient"]["id"], "film and ECG of the same patient"
        assert film["patient"]["name"]["display"] == "演示患者甲"

        why = gateway.command("rules", "explain", ecg["study_id"])
        assert "提示排序,不代表诊断" in why["tags"]
        again = subprocess.run([*command, "--no-studies"], capture_output=True, text=True, timeout=60, check=False)
        assert json.loads(again.stdout)["is_new"] is False
        assert gateway.command("verify")["is_sound"]


def test_a_gateway_that_is_not_there_is_told_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*taken.getsockname())
        done = subprocess.run([sys.executable, "-m", "gateway", "demo", "--data", str(tmp_path), "--http", address,
                               "--dicom", address], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Error: ECG" in done.stderr
    assert "Traceback" not in done.stderr
