"""The secure DICOM port: the "BCP 195 RFC 8996" profile, mutual authentication, a certificate per device (J4)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import ssl
import threading
import time
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE

from gateway.wire.tls_context import ServerTls, TlsFault, TlsFiles
from storage.model import EVERYWHERE, Device
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.certificates import Authority
from tests.support.dicom_receiver import SITE, open_receiver
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("wire")

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "pki")


@pytest.fixture
def server(authority):
    return authority.issue("gateway", is_rsa=True)


@pytest.fixture
def client(authority):
    return authority.issue("Demo DR 1", is_rsa=True)


def secure(server, authority, **more):
    return {"dicom_tls": "127.0.0.1:0", "tls_certificate_file": str(server.certificate_file),
            "tls_key_file": str(server.key_file), "tls_trusted_file": str(authority.file), **more}


@pytest.fixture
async def receiver(tmp_path, authority, server):
    async with open_receiver(tmp_path / "data", **secure(server, authority)) as opened:
        yield opened


async def s_client(receiver, authority, *options):
    """Shake hands with openssl s_client; true with what it printed if the gateway then still listens to it.

    With TLS 1.3 the server checks the client's certificate after the client is done, so the end of the handshake says
    nothing: an A-ASSOCIATE-RQ is sent, and any answer to it shows that we were let in.
    """
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", receiver.scp.tls_address, "-CAfile", str(authority.file),
        "-verify_return_error", "-brief", "-quiet", *options, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    answer = b""
    try:
        async with asyncio.timeout(20):
            process.stdin.write(bytes.fromhex("01000000004400010000") + b"GATEWAY".ljust(16)
                                + b"MODALITY".ljust(16) + bytes(32))
            await process.stdin.drain()
            answer = await process.stdout.read(1)
    except (ConnectionError, TimeoutError):
        pass
    finally:
        if process.returncode is None:
            process.kill()
    said = (await process.stderr.read()).decode()
    await process.wait()
    return bool(answer), said


def showing(issued):
    return ("-cert", str(issued.certificate_file), "-key", str(issued.key_file))


@pytest.mark.parametrize(("version", "suites"), [
    ("-tls1_3", ("-ciphersuites", "TLS_AES_256_GCM_SHA384")),
    ("-tls1_3", ("-ciphersuites", "TLS_AES_128_GCM_SHA256")),
    ("-tls1_2", ("-cipher", "ECDHE-RSA-AES256-GCM-SHA384")),
    ("-tls1_2", ("-cipher", "ECDHE-RSA-AES128-GCM-SHA256")),
])
async def test_openssl_is_let_in_with_the_suites_of_the_profile(receiver, authority, client, version, suites):
    is_in, said = await s_client(receiver, authority, version, *suites, *showing(client))
    assert is_in, said


async def test_an_elliptic_certificate_of_our_own_serves_the_ecdsa_suites(tmp_path, authority, client):
    own = authority.issue("gateway ec")
    async with open_receiver(tmp_path / "ec", **secure(own, authority)) as receiver:
        for suite in ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"):
            is_in, said = await s_client(receiver, authority, "-tls1_2", "-cipher", suite, *showing(client))
            assert is_in, said


@pytest.mark.parametrize("options", [
    ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
    ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"),
    ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"),
    ("-tls1_2", "-cipher", "AES256-GCM-SHA384"),
    ("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"),
    ("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"),
])
async def test_older_versions_and_other_suites_are_refused(receiver, authority, client, options):
    is_in, said = await s_client(receiver, authority, *options, *showing(client))
    assert not is_in
    assert "alert" in said, said
    assert (await s_client(receiver, authority, *showing(client)))[0], "and the next one is served"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_nobody_is_let_in_without_a_certificate_that_is_trusted(receiver, authority, tmp_path, version):
    assert not (await s_client(receiver, authority, version))[0]
    stranger = Authority(tmp_path / "elsewhere", "Elsewhere").issue("Demo DR 1")
    assert not (await s_client(receiver, authority, version, *showing(stranger)))[0]
    expired = authority.issue("late", days=-0.5)
    assert not (await s_client(receiver, authority, version, *showing(expired)))[0]


async def test_a_peer_may_not_renegotiate(receiver, authority, client):
    """s_client asks for a new handshake on a line that is "R"."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", receiver.scp.tls_address, "-CAfile", str(authority.file), "-tls1_2",
        *showing(client), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    assert process.stdin is not None
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(20):
        while b"Extended master secret" not in said:
            said += await process.stdout.readline()
        process.stdin.write(b"R\n")
        await process.stdin.drain()
        said += await process.stdout.read()
    await process.wait()
    assert b"RENEGOTIATING" in said
    assert b"no renegotiation" in said
    assert b"Compression: NONE" in said


async def test_a_revoked_certificate_is_refused_as_soon_as_the_list_says_so(tmp_path, authority, server, client):
    other = authority.issue("Demo DR 2")
    revoked = authority.revoke(other)
    settings = secure(server, authority, tls_revoked_file=str(revoked))
    async with open_receiver(tmp_path / "data", **settings) as receiver:
        assert not (await s_client(receiver, authority, *showing(other)))[0]
        assert (await s_client(receiver, authority, *showing(client)))[0]
        authority.revoke(other, client)
        assert not (await s_client(receiver, authority, *showing(client)))[0], "read again without a restart"


async def test_a_new_certificate_of_our_own_is_used_without_a_restart(tmp_path, authority, client):
    own = authority.issue("gateway")
    async with open_receiver(tmp_path / "data", **secure(own, authority)) as receiver:
        assert _certificate_of(receiver, authority, client) == own.sha256
        renewed = authority.issue("gateway")
        assert _certificate_of(receiver, authority, client) == renewed.sha256 != own.sha256
        renewed.key_file.write_bytes(b"not a key")
        assert _certificate_of(receiver, authority, client) == renewed.sha256, "the last good one stays"


def _certificate_of(receiver, authority, client):
    with _connected(receiver, authority, client) as connection:
        return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()


def _connected(receiver, authority, client):
    host, port = receiver.scp.tls_address.rsplit(":", 1)
    return _client_context(authority, client).wrap_socket(socket.create_connection((host, int(port)), 10))


def _client_context(authority, client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(authority.file)
    context.load_cert_chain(client.certificate_file, client.key_file)
    return context


def tls_options(authority, client, profile):
    return ("+tls", str(client.key_file), str(client.certificate_file), "+cf", str(authority.file), profile)


@pytest.mark.parametrize("profile", ["--profile-bcp195-nd", "--profile-bcp195", "--profile-bcp195-ex"])
async def test_dcmtk_sends_an_object_that_is_kept_as_it_was(receiver, authority, client, tmp_path, profile):
    """DCMTK 3.6.7 knows the profiles before this one; their suites overlap with ours."""
    ids = build.StudyIds()
    [path] = build.write_all(tmp_path / "in", [build.ct_slice(ids=ids)])
    sent = await dcmtk.storescu(receiver.scp.tls_address, [path],
                                options=("-R", *tls_options(authority, client, profile)))
    assert sent.is_success, sent.output
    [instance] = await receiver.instances(ids.study)
    kept = await receiver.kept_bytes(instance)
    assert hashlib.sha256(kept).hexdigest() == instance.object_sha256
    assert _dataset_sha256(kept) == _dataset_sha256(path.read_bytes())
    [arrival] = await receiver.parts.database.read(
        lambda tx: tx.arrivals.of_study(instance.study_id, EVERYWHERE))
    assert arrival.certificate_sha256 == client.sha256


@pytest.mark.parametrize("profile", ["--profile-aes", "--profile-null"])
async def test_dcmtks_retired_profiles_are_refused(receiver, authority, client, tmp_path, profile):
    """CBC and NULL suites with keys that are not ephemeral."""
    [path] = build.write_all(tmp_path / "in", [build.ct_slice()])
    sent = await dcmtk.storescu(receiver.scp.tls_address, [path],
                                options=("-R", *tls_options(authority, client, profile)))
    assert sent.code != 0


async def test_pynetdicom_sends_many_objects_over_one_secured_association(receiver, authority, client):
    ids = build.StudyIds()
    parts10 = [build.ct_slice(number, ids=ids) for number in range(1, 21)]

    def send():
        ae = AE(ae_title="MODALITY")
        ae.add_requested_context(CT_STORAGE)
        host, port = receiver.scp.tls_address.rsplit(":", 1)
        association = ae.associate(host, int(port), ae_title="GATEWAY",
                                   tls_args=(_client_context(authority, client), "localhost"))
        assert association.is_established
        statuses = [association.send_c_store(dcmread(BytesIO(part10))).Status for part10 in parts10]
        association.release()
        return statuses

    assert await asyncio.to_thread(send) == [0] * 20
    kept = {_dataset_sha256(await receiver.kept_bytes(instance)) for instance in await receiver.instances(ids.study)}
    assert len(kept) == 20


async def test_a_large_object_passes_whole(receiver, authority, client, tmp_path):
    """Larger than any buffer on the way, so that records and PDUs end in different places."""
    ids = build.StudyIds()
    dataset = dcmread(BytesIO(build.ct_slice(ids=ids)))
    dataset.Rows, dataset.Columns = 2048, 2000
    dataset.PixelData = os.urandom(2048 * 2000 * 2)
    path = tmp_path / "large.dcm"
    dataset.save_as(path)
    sent = await dcmtk.storescu(receiver.scp.tls_address, [path],
                                options=("-R", *tls_options(authority, client, "--profile-bcp195")))
    assert sent.is_success, sent.output
    [instance] = await receiver.instances(ids.study)
    assert dcmread(BytesIO(await receiver.kept_bytes(instance))).PixelData == dataset.PixelData


async def test_a_registered_device_is_let_in_with_its_own_certificate_alone(receiver, authority, client):
    other = authority.issue("Demo somebody else", is_rsa=True)
    await receiver.add_device(Device("us-1", SITE.id, "US 1", "US_1", None, "US", certificate_sha256=client.sha256))
    assert (await _echo(receiver, authority, client, "US_1")).code == 0
    refused = await _echo(receiver, authority, other, "US_1")
    assert "Calling AE Title Not Recognized" in refused.output
    on_plain = await dcmtk.echoscu(receiver.address, calling="US_1")
    assert "Calling AE Title Not Recognized" in on_plain.output, "the plain port is no way around it"
    assert "certificate-mismatch" in await receiver.alarm_kinds()
    trail = await receiver.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))
    rejected = [t.entry for t in trail if t.entry.action == "association.rejected"]
    assert {entry.detail["certificate"] for entry in rejected} == {other.sha256, ""}
    assert all(not entry.is_success and entry.site_id == SITE.id for entry in rejected)


async def test_what_a_caller_showed_is_remembered_with_its_end(receiver, authority, client):
    await _echo(receiver, authority, client, "MODALITY")
    await _echo(receiver, authority, client, "STRANGER")
    seen = {one.ae_title: one for one in await receiver.parts.database.read(lambda tx: tx.origins.certificates())}
    assert (seen["MODALITY"].sha256, seen["MODALITY"].is_admitted) == (client.sha256, True)
    assert (seen["STRANGER"].sha256, seen["STRANGER"].is_admitted) == (client.sha256, False)
    assert seen["MODALITY"].subject == "CN=Demo DR 1"
    assert seen["MODALITY"].not_after == client.certificate.not_valid_after_utc


async def _echo(receiver, authority, client, calling):
    host, port = receiver.scp.tls_address.rsplit(":", 1)
    code, output = await dcmtk.run("echoscu", "-d", "-aet", calling, "-aec", "GATEWAY",
                                   *tls_options(authority, client, "--profile-bcp195"), host, port)
    return dcmtk.Sent(code, [], output)


async def test_slow_and_silent_peers_in_the_handshake_hold_up_nobody(receiver, authority, client):
    host, port = receiver.scp.tls_address.rsplit(":", 1)
    silent = [socket.create_connection((host, int(port)), 10) for _ in range(20)]
    try:
        for one in silent[:10]:
            one.sendall(b"\x16\x03\x01")                       # the beginning of a ClientHello, and then nothing
        begun = time.monotonic()
        assert (await _echo(receiver, authority, client, "MODALITY")).code == 0
        assert time.monotonic() - begun < 10
    finally:
        for one in silent:
            one.close()


async def test_what_is_no_tls_at_all_is_refused_and_leaves_nothing_behind(receiver, authority, client):
    assert (await dcmtk.echoscu(receiver.scp.tls_address)).code != 0
    await until(lambda: not [thread for thread in threading.enumerate() if "process_request" in thread.name])
    assert (await _echo(receiver, authority, client, "MODALITY")).code == 0


async def test_a_certificate_may_be_optional_where_the_setting_says_so(tmp_path, authority, server, client):
    settings = secure(server, authority, tls_client_certificate="optional")
    async with open_receiver(tmp_path / "data", **settings) as receiver:
        assert (await s_client(receiver, authority))[0]
        await receiver.add_device(Device("us-1", SITE.id, "US 1", "US_1", None, "US",
                                         certificate_sha256=client.sha256))
        host, port = receiver.scp.tls_address.rsplit(":", 1)
        code, output = await dcmtk.run("echoscu", "-d", "-aet", "US_1", "-aec", "GATEWAY", "+tla", "+cf",
                                       str(authority.file), host, port)
        assert code != 0
        assert "Calling AE Title Not Recognized" in output


def test_files_that_cannot_be_used_are_named(tmp_path, authority, server):
    with pytest.raises(TlsFault, match="nowhere"):
        ServerTls(TlsFiles(tmp_path / "nowhere.pem", server.key_file))
    other = authority.issue("other")
    with pytest.raises(TlsFault, match=r"gateway\.pem"):
        ServerTls(TlsFiles(server.certificate_file, other.key_file))
    with pytest.raises(TlsFault, match="trusts"):
        ServerTls(TlsFiles(server.certificate_file, server.key_file, demands_certificate=True))


def _dataset_sha256(part10: bytes) -> str:
    """Of everything after the file meta information."""
    length = int.from_bytes(part10[140:144], "little")
    return hashlib.sha256(part10[144 + length:]).hexdigest()


async def test_broken_handshakes_and_cut_connections_leave_no_thread_and_no_descriptor(receiver, authority, client):
    host, port = receiver.scp.tls_address.rsplit(":", 1)
    assert (await _echo(receiver, authority, client, "MODALITY")).code == 0
    await until(lambda: not _busy_threads())
    context = _client_context(authority, client)
    before = _descriptors()

    def break_one(number):
        with socket.create_connection((host, int(port)), 10) as plain:
            if number % 4 == 0:
                return                                           # a port scan
            if number % 4 == 1:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                plain.recv(1)
                return
            with context.wrap_socket(plain) as secured:
                if number % 4 == 2:
                    secured.sendall(b"\x01\x00\x00\x00\x00")     # half a header
                    return
                secured.sendall(bytes(200))                      # no PDU at all

    def break_many(first):
        for number in range(first, first + 50):
            with contextlib.suppress(OSError):
                break_one(number)

    await asyncio.gather(*(asyncio.to_thread(break_many, first) for first in (0, 50, 100, 150)))
    await until(lambda: not _busy_threads(), timeout_s=30)
    assert _descriptors() <= before + 2
    assert (await _echo(receiver, authority, client, "MODALITY")).code == 0


def _descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def _busy_threads():
    return [thread.name for thread in threading.enumerate()
            if thread.name.startswith(("AcceptorThread", "dicom-dul")) or "process_request" in thread.name]
