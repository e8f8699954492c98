"""HL7 v2 on a port secured by TLS: a message goes in, its ACK comes out, and only for those who are known (J4, I5).

openssl s_client is the peer: it brings its own TLS and knows nothing of the gateway.
"""

from __future__ import annotations

import asyncio
import ssl

import pytest

from tests.support.certificates import Authority
from tests.support.mllp import Peer, code_of, framed, listening, omi, parsed


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "pki")


@pytest.fixture
async def secured(tmp_path, authority):
    own = authority.issue("gateway", is_rsa=True)
    async with listening(tmp_path / "data", mllp_tls="127.0.0.1:0", tls_certificate_file=str(own.certificate_file),
                         tls_key_file=str(own.key_file), tls_trusted_file=str(authority.file)) as opened:
        yield opened


async def s_client(secured, authority, data, *options):
    """Send it through openssl s_client; returns what came back, b"" if nothing did, and what openssl said."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", secured.listener.tls_address, "-CAfile", str(authority.file),
        "-verify_return_error", "-brief", "-quiet", *options, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    answer = b""
    try:
        async with asyncio.timeout(20):
            process.stdin.write(data)
            await process.stdin.drain()
            answer = await process.stdout.readuntil(b"\x1c\r")
    except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
        """It was not let in."""
    finally:
        if process.returncode is None:
            process.kill()
    said = (await process.stderr.read()).decode()
    await process.wait()
    return answer, said


def showing(issued):
    return ("-cert", str(issued.certificate_file), "-key", str(issued.key_file))


@pytest.mark.parametrize("options", [("-tls1_3",), ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384")])
async def test_an_order_is_kept_and_acknowledged_over_openssl(secured, authority, options):
    answer, said = await s_client(secured, authority, framed(omi()), *options, *showing(authority.issue("Demo HIS")))
    assert answer[:1] == b"\x0b", said
    assert code_of(parsed(answer[1:-2])) in ("AA", "CA")
    assert len(await secured.orders()) == 1


@pytest.mark.parametrize("options", [("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES256-SHA")])
async def test_older_versions_and_suites_get_no_answer(secured, authority, options):
    answer, said = await s_client(secured, authority, framed(omi()), *options, *showing(authority.issue("Demo HIS")))
    assert answer == b"", said
    assert await secured.orders() == []


async def test_who_shows_no_trusted_certificate_gets_no_answer(secured, authority, tmp_path):
    for options in ((), showing(Authority(tmp_path / "elsewhere", "Elsewhere").issue("Demo HIS"))):
        answer, said = await s_client(secured, authority, framed(omi()), *options)
        assert answer == b"", said
    assert await secured.orders() == []
    assert await secured.send(omi()), "the plain port goes on beside it"


async def test_many_messages_pass_one_after_the_other_on_one_secured_connection(secured, authority):
    client = authority.issue("Demo HIS")
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(client.certificate_file, client.key_file)
    host, port = secured.listener.tls_address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    try:
        peer = Peer(reader, writer)
        codes = [code_of(await peer.send(omi(control_id=f"M{n}", placer=f"ORD{n}"))) for n in range(20)]
    finally:
        writer.close()
    assert set(codes) <= {"AA", "CA"}
    assert len(await secured.orders()) == 20


async def test_a_new_certificate_counts_without_a_restart(secured, authority):
    """And a revoked or newly trusted peer with it: each handshake looks at the files as they are then."""
    client = authority.issue("Demo HIS")
    other = Authority(authority.folder / "new", "New Authority")
    newcomer = other.issue("Demo new HIS")
    assert (await s_client(secured, authority, framed(omi()), *showing(newcomer)))[0] == b""
    authority.file.write_bytes(authority.file.read_bytes() + other.file.read_bytes())
    answer, said = await s_client(secured, authority, framed(omi()), *showing(newcomer))
    assert answer, said
    assert (await s_client(secured, authority, framed(omi()), *showing(client)))[0]
