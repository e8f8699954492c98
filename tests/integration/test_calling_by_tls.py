"""The gateway as the caller on secured ports: objects, C-MOVE, commitments, each peer checked (J4, 2.N).

Peers: our own secure port (the profile itself), dcmtk's storescp +tls (an older profile that overlaps), pynetdicom
with a context of its own, and openssl s_server, which alone says which versions and suites we offer.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from pynetdicom import AE, evt

from gateway.core.errors import InvalidRequest
from gateway.services.administer_sites import By, add_destination, add_device
from gateway.wire.requestor import PeerNotTrusted, RemoteNode
from gateway.wire.store_scu import part10_instance, send_instance, send_instances
from gateway.wire.tls_context import ClientTls, TlsFault, TlsFiles, client_context
from storage.model import EVERYWHERE, Destination, DestinationKind
from tests.support import dicom_builders as build
from tests.support.certificates import Authority
from tests.support.commitment_user import COMMITMENT, CommitmentUser, references_of
from tests.support.committing import ask, opened, run_jobs, run_until_told, state_of
from tests.support.dicom_receiver import MODALITY, SITE, open_receiver
from tests.support.peers import free_ports
from tests.support.query_peers import count_of, dataset_bytes, movescu
from tests.support.receiving_nodes import storescp

BOSS = By("boss", "10.0.0.9", EVERYWHERE)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "pki")


@pytest.fixture
def own(authority):
    return authority.issue("gateway", is_rsa=True)


@pytest.fixture
def theirs(authority):
    """Of the node that is called; it names localhost and 127.0.0.1."""
    return authority.issue("Demo clinic node", is_rsa=True)


@pytest.fixture
async def receiver(tmp_path, authority, own):
    """Listens on a secured port and calls by TLS, with the same certificate."""
    async with open_receiver(
            tmp_path / "data", dicom_tls="127.0.0.1:0", tls_certificate_file=str(own.certificate_file),
            tls_key_file=str(own.key_file), tls_trusted_file=str(authority.file)) as opened_one:
        yield opened_one


def calls_with(issued, authority, **more):
    return ClientTls(TlsFiles(issued.certificate_file, issued.key_file, authority.file, **more))


@contextmanager
def secure_storescp(folder, theirs, authority, port=0):
    """It demands a certificate of its caller and checks it."""
    with storescp(folder, "+tls", str(theirs.key_file), str(theirs.certificate_file), "+cf", str(authority.file),
                  "--require-peer-cert", "--profile-bcp195", "+xa", port=port) as node:
        yield node


def to_our_port(receiver, context, *, host=""):
    bound, port = receiver.scp.tls_address.rsplit(":", 1)
    return {"host": host or bound, "port": int(port), "called_ae_title": "GATEWAY", "calling_ae_title": "MODALITY",
            "timeout_s": 10.0, "ssl_context": context}


# -------------------------------------------------------------------------------------------------- who is trusted
async def test_objects_go_into_a_secured_port_that_demands_certificates(receiver, authority, own, theirs):
    """By the name of the host, and by the fingerprint of the peer's certificate."""
    ids = build.StudyIds()
    for number, pinned in enumerate(("", own.sha256), start=1):
        context = calls_with(theirs, authority).context(pinned)
        assert await send_instance(build.ct_slice(number, ids=ids), **to_our_port(receiver, context)) == 0x0000
    [kept, _] = await receiver.instances(ids.study)
    [arrival, _] = await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(kept.study_id, EVERYWHERE))
    assert arrival.certificate_sha256 == theirs.sha256


async def test_a_peer_that_is_not_the_one_meant_gets_no_object(receiver, authority, own, theirs, tmp_path):
    elsewhere = Authority(tmp_path / "elsewhere", "Elsewhere")
    stranger = elsewhere.issue("stranger")
    ids = build.StudyIds()
    for context, why in [
            (calls_with(theirs, elsewhere).context(), "signed by an authority that we do not trust"),
            (calls_with(theirs, authority).context(theirs.sha256), "not the certificate that is registered"),
            (calls_with(stranger, authority).context(), "it does not trust ours")]:
        with pytest.raises(PeerNotTrusted):
            pytest.fail(f"{why}: {await send_instance(build.ct_slice(ids=ids), **to_our_port(receiver, context))}")
    assert await receiver.study(ids.study) is None


async def test_a_trusted_certificate_of_another_host_is_not_enough(authority, own, theirs, tmp_path):
    """Every device of the county is signed by one authority: none may stand for another."""
    with secure_storescp(tmp_path / "clinic", theirs, authority) as node:
        def to(host, context):
            return send_instance(build.ct_slice(), host=host, port=node.port, called_ae_title="CLINIC",
                                 calling_ae_title="GATEWAY", timeout_s=10, ssl_context=context)

        tls = calls_with(own, authority)
        with pytest.raises(PeerNotTrusted, match=r"127\.0\.0\.2"):
            await to("127.0.0.2", tls.context())
        assert await to("127.0.0.2", tls.context(theirs.sha256)) == 0x0000, "known by its own certificate"
        assert await to("127.0.0.1", tls.context()) == 0x0000
        assert len(node.files()) == 2


async def test_a_revoked_peer_is_not_called_as_soon_as_the_list_says_so(authority, own, theirs, tmp_path):
    revoked = authority.revoke()
    tls = calls_with(own, authority, revoked=revoked)
    with secure_storescp(tmp_path / "clinic", theirs, authority) as node:
        to = {"host": "127.0.0.1", "port": node.port, "called_ae_title": "CLINIC", "calling_ae_title": "GATEWAY",
              "timeout_s": 10.0}
        assert await send_instance(build.ct_slice(), **to, ssl_context=tls.context()) == 0x0000
        authority.revoke(theirs)
        with pytest.raises(PeerNotTrusted, match="revoked"):
            await send_instance(build.ct_slice(), **to, ssl_context=tls.context())


async def test_a_plain_port_is_never_spoken_to_in_plain(authority, own, tmp_path):
    with storescp(tmp_path / "plain") as node:
        with pytest.raises(PeerNotTrusted):
            await send_instance(build.ct_slice(), host="127.0.0.1", port=node.port, called_ae_title="CLINIC",
                                calling_ae_title="GATEWAY", timeout_s=10,
                                ssl_context=calls_with(own, authority).context())
        assert node.files() == []


def test_without_a_certificate_or_somebody_trusted_nothing_is_called(authority, own):
    with pytest.raises(TlsFault, match="no certificate of its own"):
        client_context(None)
    with pytest.raises(TlsFault, match="trusted"):
        ClientTls(TlsFiles(own.certificate_file, own.key_file))


# ----------------------------------------------------------------------------------------------------- the profile
@pytest.mark.parametrize(("options", "is_agreed"), [
    (("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"), True),
    (("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"), True),
    (("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"), True),
    (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), True),
    (("-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"), False),
    (("-tls1_2", "-cipher", "AES256-GCM-SHA384"), False),
    (("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"), False),
    (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), False),
])
async def test_openssl_agrees_with_us_on_the_suites_of_the_profile_alone(authority, own, theirs, options, is_agreed):
    [port] = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(theirs.certificate_file), "-key",
        str(theirs.key_file), "-CAfile", str(authority.file), "-Verify", "2", "-verify_return_error", "-naccept", "1",
        *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(20):
            while b"ACCEPT" not in said:
                said += await process.stdout.readline()
            node = RemoteNode("127.0.0.1", port, "CLINIC", "GATEWAY", 3.0, calls_with(own, authority).context())
            kind = await asyncio.to_thread(_failure_of, node)
            with suppress(ProcessLookupError):                   # it ends by itself after one connection
                process.kill()
            said += await process.stdout.read()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert (b"CIPHER is " in said) is is_agreed, said.decode()
    assert (kind is not PeerNotTrusted) is is_agreed, "s_server takes a handshake and never answers as DICOM"
    if is_agreed:
        assert b"CN = gateway" in said, "our own certificate was shown, and verified"


def _failure_of(node):
    try:
        list(send_instances([part10_instance(build.ct_slice())], node))
    except OSError as exc:
        return type(exc)
    return None


# -------------------------------------------------------------------------------------------------------- services
async def test_a_study_is_moved_to_a_device_whose_port_is_secured(receiver, authority, theirs, tmp_path):
    ids = build.StudyIds()
    files = [build.ct_slice(number, ids=ids) for number in (1, 2, 3)]
    host, port = receiver.address.split(":")
    node = RemoteNode(host, int(port), "GATEWAY", "MODALITY", 30.0)
    await asyncio.to_thread(lambda: list(send_instances([part10_instance(one) for one in files], node)))
    with secure_storescp(tmp_path / "clinic", theirs, authority) as clinic:
        device = replace(MODALITY, id="clinic-1", ae_title="CLINIC", name="PACS", address="127.0.0.1",
                         port=clinic.port, uses_tls=True)
        await receiver.add_device(device)
        moved = await movescu(receiver.address, "CLINIC", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={ids.study}")
        assert moved.final == 0x0000
        assert count_of(moved.output, "Completed Suboperations") == 3
        assert sorted(dataset_bytes(one) for one in clinic.files()) == sorted(
            map(build.dataset_of, files))
        other = authority.issue("Demo other node")
        await receiver.parts.database.write(
            lambda tx: tx.sites.update_device(replace(device, certificate_sha256=other.sha256)))
        moved = await movescu(receiver.address, "CLINIC", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={ids.study}")
        assert moved.final == 0xA702
        assert len(clinic.files()) == 3


async def test_a_commitment_is_reported_on_a_secured_association_of_ours(receiver, authority, theirs):
    """N-EVENT-REPORT; the modality listens with a certificate of its own and demands ours."""
    user = CommitmentUser()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(theirs.certificate_file, theirs.key_file)
    context.verify_mode = ssl.CERT_REQUIRED
    file = build.ct_slice()
    try:
        await opened(user, receiver, file)
        status, uid = await ask(user, references_of(file))
        assert status == 0x0000
    finally:
        await asyncio.to_thread(user.release)
    ae = AE(ae_title="MODALITY")
    ae.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context,
                             evt_handlers=[(evt.EVT_N_EVENT_REPORT, user._on_report, [False])])
    assert server is not None
    try:
        port = server.server_address[1]
        device = replace(MODALITY, address="127.0.0.1", port=port, uses_tls=True)
        await receiver.parts.database.write(lambda tx: tx.sites.update_device(
            replace(device, certificate_sha256=authority.issue("Demo other").sha256)))
        await run_jobs(receiver)
        assert user.reports == [], "it showed another certificate than its own"
        await receiver.parts.database.write(lambda tx: tx.sites.update_device(device))
        receiver.clock.advance(3600)
        await run_until_told(receiver, user)
    finally:
        server.shutdown()
    assert user.reports[0].information.TransactionUID == uid
    assert str(await state_of(receiver, uid)) == "reported"


# ---------------------------------------------------------------------------------------------------- registration
async def test_tls_is_registered_only_where_the_gateway_can_call_by_it(receiver, theirs, tmp_path):
    node = Destination("n1", SITE.id, DestinationKind.DICOM, "PACS", "CLINIC", "127.0.0.1", 2762, uses_tls=True,
                       certificate_sha256=theirs.certificate_file.read_text())
    added = await add_destination(receiver.parts, node, BOSS)
    assert added.certificate_sha256 == theirs.sha256, "a certificate is taken for its fingerprint"
    with pytest.raises(InvalidRequest, match="DICOM node"):
        await add_destination(receiver.parts, replace(node, id="n2", kind=DestinationKind.ORTHANC), BOSS)
    async with open_receiver(tmp_path / "plain") as plain:
        with pytest.raises(InvalidRequest, match="tls_trusted_file"):
            await add_destination(plain.parts, node, BOSS)
        with pytest.raises(InvalidRequest, match="tls_trusted_file"):
            await add_device(plain.parts, replace(MODALITY, id="d9", ae_title="D9", uses_tls=True), BOSS)
