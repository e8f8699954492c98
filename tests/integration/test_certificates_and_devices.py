"""The device form's facts by API and terminal, warnings before certificates end, and HTTPS on its own port (J4)."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.errors import InvalidRequest
from gateway.formats.certificates import fingerprint
from gateway.services.job_runner import JobRunner
from gateway.services.watch_certificates import HANDLERS, schedule_watch, warn_of_certificates
from storage.model import EVERYWHERE, Device, Role, SeenCertificate, Site, SiteKind, new_id
from tests.support import dcmtk
from tests.support.certificates import Authority
from tests.support.peers import free_ports
from tests.support.running_gateway import RunningGateway
from tests.support.web import add_person, serving

TOWN = Site("town", "演示镇卫生院", "Town", SiteKind.TOWNSHIP)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "pki")


def test_a_certificate_is_told_by_its_text_or_by_its_fingerprint_as_tools_print_it(authority):
    issued = authority.issue("Demo DR")
    command = ["openssl", "x509", "-in", str(issued.certificate_file), "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pem = issued.certificate_file.read_text()
    for text in (pem, "junk before\n" + pem, shown, issued.sha256.upper()):
        assert fingerprint(text) == issued.sha256
    assert fingerprint(" ") == ""
    for wrong in ("abc", issued.sha256[:-1], "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        with pytest.raises(InvalidRequest):
            fingerprint(wrong)


async def test_the_device_form_keeps_every_field_and_shows_what_the_device_showed(parts, authority, clock):
    issued = authority.issue("Demo DR")
    await parts.database.write(lambda tx: tx.sites.add_site(TOWN))
    seen = SeenCertificate(new_id(), "DR_1", "10.0.0.5", issued.sha256, "CN=Demo DR", "CN=Demo Authority",
                           clock() + timedelta(days=20), clock(), is_admitted=False)
    await parts.database.write(lambda tx: tx.origins.note_certificate(seen))
    async with serving(parts) as web:
        await add_person(parts, "boss", (Role.ADMIN, None))
        boss = await web.browser("boss")
        asked = {"site_id": "town", "name": "DR", "ae_title": "DR_1", "address": None, "modality": "dx",
                 "character_set": "gb18030", "port": 11112, "answer_character_set": "pinyin",
                 "certificate_sha256": issued.certificate_file.read_text(), "max_associations": 3,
                 "quiet_period_s": 2.5, "is_relay": True}
        async with boss.post("/api/admin/devices", json=asked) as answer:
            assert answer.status == 201, await answer.text()
        async with boss.get("/api/admin/devices") as answer:
            [device] = await answer.json()
        assert {name: device[name] for name in asked} == {
            **asked, "modality": "DX", "certificate_sha256": issued.sha256}
        shown = device["shown_certificate"]
        assert (shown["sha256"], shown["is_admitted"], shown["freshness"]) == (
            issued.sha256, False, "ends_in_a_month")
        async with boss.put(f"/api/admin/devices/{device['id']}", json=device) as answer:
            assert (await answer.json())["certificate_sha256"] == issued.sha256, "what was shown can be sent back"
        for wrong in ({"port": 70000}, {"max_associations": -1}, {"quiet_period_s": 0}, {"certificate_sha256": "x"},
                      {"answer_character_set": "klingon"}):
            async with boss.put(f"/api/admin/devices/{device['id']}", json={**device, **wrong}) as answer:
                assert answer.status == 400, wrong


async def test_an_alarm_comes_a_month_and_a_week_before_a_certificate_ends_and_once_each(parts, authority, clock):
    own = authority.issue("gateway", days=40)
    parts = replace(parts, settings=replace(parts.settings, tls_certificate_file=str(own.certificate_file)))
    clock.now = datetime.now(UTC)
    ends = own.certificate.not_valid_after_utc
    seen = SeenCertificate(new_id(), "DR_1", "10.0.0.5", "ab" * 32, "CN=Demo DR", "CN=Demo", ends, clock(), True)
    stranger = replace(seen, id=new_id(), ae_title="NOBODY")

    def prepare(tx):
        tx.sites.add_site(TOWN)
        tx.sites.add_device(Device("dr-1", "town", "DR 1", "DR_1", None, "DX"))
        tx.origins.note_certificate(seen)
        tx.origins.note_certificate(stranger)

    await parts.database.write(prepare)

    async def alarms():
        return await parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))

    assert await warn_of_certificates(parts) == 0
    clock.now = ends - timedelta(days=29)
    assert await warn_of_certificates(parts) == 2, "its own, and that of the one registered device"
    assert {alarm.site_id for alarm in await alarms()} == {"town", "inbox"}
    for alarm in await alarms():
        await parts.database.write(lambda tx, one=alarm: tx.alarms.acknowledge(one.id, "u", clock(), EVERYWHERE))
    clock.now = ends - timedelta(days=20)
    assert await warn_of_certificates(parts) == 0, "somebody has seen it"
    clock.now = ends - timedelta(days=6)
    assert await warn_of_certificates(parts) == 2
    assert await warn_of_certificates(parts) == 0
    clock.now = ends + timedelta(days=1)
    assert await warn_of_certificates(parts) == 2
    assert any(f"ended on {ends:%Y-%m-%d}" in alarm.detail for alarm in await alarms())
    own.certificate_file.write_bytes(b"no certificate")
    assert await warn_of_certificates(parts) == 1


async def test_the_watch_looks_by_itself_again_and_again(parts, authority, clock):
    own = authority.issue("gateway", days=3)
    parts = replace(parts, settings=replace(parts.settings, tls_certificate_file=str(own.certificate_file)))
    clock.now = datetime.now(UTC)
    await schedule_watch(parts)
    runner = JobRunner(parts, HANDLERS)
    assert await runner.run_due()
    assert len(await parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))) == 1
    assert not await runner.run_due()
    clock.advance(7 * 3600)
    assert await runner.run_due()


async def test_the_program_serves_dicom_tls_and_https_and_its_terminal_knows_devices_and_certificates(
        tmp_path, authority):
    own, client = authority.issue("gateway", days=20), authority.issue("Demo DR 1")
    tls_port, https_port = free_ports(2)
    environment = {f"READING_GATEWAY_{name}": value for name, value in {
        "DICOM_TLS": f"127.0.0.1:{tls_port}", "HTTPS": f"127.0.0.1:{https_port}",
        "TLS_CERTIFICATE_FILE": str(own.certificate_file), "TLS_KEY_FILE": str(own.key_file),
        "TLS_TRUSTED_FILE": str(authority.file)}.items()}
    with RunningGateway(tmp_path / "var", environment) as gateway:
        ready = next(line for line in gateway.output if "ready:" in line)
        assert f"https://127.0.0.1:{https_port} dicom-tls 127.0.0.1:{tls_port} " in ready
        gateway.command("site", "add", "town", "--name", "演示镇卫生院")
        gateway.command("device", "add", "DR_1", "--site", "town", "--name", "DR", "--certificate",
                        str(client.certificate_file), "--relay", "--quiet-period", "3")
        changed = gateway.command("device", "edit", "DR_1", "--port", "104", "--no-relay", "--quiet-period", "0")
        assert (changed["port"], changed["is_relay"], changed["quiet_period_s"], changed["certificate_sha256"],
                changed["name"]) == (104, False, None, client.sha256, "DR")
        code, output = await dcmtk.run(
            "echoscu", "-aet", "DR_1", "-aec", "GATEWAY", "+tls", str(client.key_file), str(client.certificate_file),
            "+cf", str(authority.file), "127.0.0.1", str(tls_port))
        assert code == 0, output
        found = gateway.command("doctor", check=False)
        assert not found["is_well"]
        assert [(row["about"], row["state"], row["sha256"]) for row in found["rows"] if row["sha256"]] == [
            ("gateway", "ends_in_a_month", own.sha256), ("DR", "good", client.sha256)]
        alarms = gateway.command("device", "edit", "DR_1", check=False)
        assert alarms == {}, "an edit that says nothing is refused"
        trusting = ssl.create_default_context(cafile=str(authority.file))
        gateway.command("user", "add", "demo", "--name", "演示", "--grant", "reader@all", "--password-stdin",
                        input="horse-battery-42\n")
        _logs_in_over_https(https_port, trusting)
        with pytest.raises(ssl.SSLError), closing(_https(https_port, _only_tls_1_1())) as connection:
            connection.request("GET", "/healthz")
        assert _certificate_at(https_port, trusting) == own.sha256
        renewed = authority.issue("gateway")
        assert _certificate_at(https_port, trusting) == renewed.sha256, "without a restart"
        assert gateway.command("doctor")["is_well"]


def _logs_in_over_https(port, context):
    with closing(_https(port, context)) as connection:
        connection.request("POST", "/api/session", json.dumps({"login": "demo", "password": "horse-battery-42"}),
                           {"Content-Type": "application/json", "Origin": f"https://127.0.0.1:{port}"})
        answer = connection.getresponse()
        assert answer.status == 200
        assert "Secure" in (answer.getheader("Set-Cookie") or ""), "the session never leaves by the plain port"
        assert isinstance(connection.sock, ssl.SSLSocket)
        assert connection.sock.version() == "TLSv1.3"


def _https(port, context):
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)


def _only_tls_1_1():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _certificate_at(port, context):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost") as open_:
        return hashlib.sha256(open_.getpeercert(binary_form=True)).hexdigest()
