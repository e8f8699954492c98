"""MLLP connections: many messages, broken frames, limits, stopping, and the client of the hl7 package (2.M, H1)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace

import hl7.mllp
import pytest

from storage.errors import StorageFull, StorageUnavailable
from tests.support.mllp import code_of, errors_of, framed, listening, omi, parsed
from tests.support.running_gateway import RunningGateway
from tests.support.waiting import until


@pytest.fixture
async def centre(tmp_path):
    async with listening(tmp_path / "data", max_hl7_bytes=20_000, mllp_connections=3) as opened:
        yield opened


async def reasons(centre) -> list[str]:
    return sorted(kept.reason for kept in await centre.quarantine())


async def test_many_messages_of_one_connection_are_answered_in_their_order(centre):
    async with centre.peer() as peer:
        peer.write(b"".join(framed(omi(control_id=f"M{n}", placer=f"O{n}", accession="", study_uid=""))
                            for n in range(30)))
        answers = [parsed(await peer.answer()) for _ in range(30)]
    assert [str(answer.segment("MSA")[2]) for answer in answers] == [f"M{n}" for n in range(30)]
    assert {code_of(answer) for answer in answers} == {"AA"}
    assert len(await centre.orders()) == 30


async def test_the_client_of_the_hl7_package_gets_its_answer(centre):
    host, port = centre.listener.address.split(":")
    reader, writer = await hl7.mllp.open_hl7_connection(host, int(port), encoding="utf-8")
    writer.writemessage(hl7.parse(omi()))
    async with asyncio.timeout(20):
        answer = await reader.readmessage()
    assert code_of(answer) == "AA"
    writer.close()


async def test_a_program_of_the_hl7_package_sends_a_file_to_the_shipped_program(tmp_path):
    (tmp_path / "orders.hl7").write_bytes(framed(omi(facility="YCHIS", character_set=""), "gb18030"))
    with RunningGateway(tmp_path / "var") as gateway:
        gateway.command("site", "add", "yangchang", "--name", "羊场镇卫生院")
        made = gateway.command("partner", "add", "YCHIS", "--site", "yangchang", "--character-set", "GB18030")
        assert gateway.command("partner", "list")["rows"] == [made]
        assert gateway.command("partner", "show", made["id"]) == made
        host, port = gateway.mllp.rsplit(":", 1)
        done = await asyncio.to_thread(subprocess.run, [
            sys.executable, "-c", "from hl7.client import mllp_send; mllp_send()", "--port", port, "--file",
            str(tmp_path / "orders.hl7"), host], capture_output=True, timeout=60)
        assert b"MSA|AA|M1" in done.stdout, (done.stdout, done.stderr)
        assert gateway.command("partner", "disable", made["id"])["is_enabled"] is False


async def test_broken_frames_are_kept_with_a_reason_and_the_next_message_is_served(centre):
    async with centre.peer() as peer:
        peer.write(b"junk" + framed(omi()) + b"\x0bMSH|half" + framed(omi(control_id="M2", placer="O2")))
        assert [code_of(parsed(await peer.answer())) for _ in range(2)] == ["AA", "AA"]
        peer.write(b"\x0bno end \x1c here")
        assert await peer.is_closed()
    assert await reasons(centre) == ["mllp-cut", "mllp-end", "mllp-no-start"]


async def test_what_is_not_mllp_at_all_is_kept_and_let_go(centre):
    async with centre.peer() as peer:
        peer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        peer.writer.write_eof()
        assert await peer.is_closed()
    [kept] = await centre.quarantine()
    assert kept.reason == "mllp-no-start"
    assert centre.parts.objects.get(kept.object_sha256) == b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_frame_without_a_header_is_answered_and_kept(centre):
    async with centre.peer() as peer:
        peer.write(b"\x0bhello\x1c\r")
        answer = parsed(await peer.answer())
    assert code_of(answer) == "AE"
    assert await reasons(centre) == ["hl7-no-header"]


async def test_a_message_over_the_limit_is_refused_by_its_control_id_and_let_go(centre):
    async with centre.peer() as peer:
        peer.write(framed(omi(diagnosis="x" * 30_000)))
        answer = parsed(await peer.answer())
        assert (code_of(answer), str(answer.segment("MSA")[2])) == ("AE", "M1")
        assert await peer.is_closed()
    assert await reasons(centre) == ["mllp-too-large"]


async def test_a_peer_that_stops_in_the_middle_is_cut_off_and_what_it_sent_is_kept(tmp_path):
    async with listening(tmp_path / "data", network_timeout_s=0.2, mllp_idle_s=30.0) as centre, centre.peer() as peer:
        peer.write(b"\x0bMSH|half a mess")
        assert await peer.is_closed()
        assert await reasons(centre) == ["mllp-cut"]


async def test_an_idle_connection_is_closed_and_leaves_nothing(tmp_path):
    async with listening(tmp_path / "data", mllp_idle_s=0.2) as centre, centre.peer() as peer:
        assert code_of(await peer.send(omi())) == "AA"
        assert await peer.is_closed()
        await until(lambda: centre.listener.open_connections == 0)
        assert await reasons(centre) == []


async def test_connections_over_the_limit_are_refused_and_room_comes_back(centre):
    async with centre.peer() as one, centre.peer() as two, centre.peer() as three:
        for n, peer in enumerate((one, two, three)):
            assert code_of(await peer.send(omi(control_id=f"M{n}", placer=f"O{n}"))) == "AA"
        async with centre.peer() as four:
            assert await four.is_closed()
    await until(lambda: centre.listener.open_connections == 0)
    assert code_of(await centre.send(omi(control_id="M9", placer="O9"))) == "AA"


async def test_two_hundred_broken_connections_leave_nothing_behind(centre):
    for n in range(200):
        async with centre.peer() as peer:
            peer.write([b"", b"\x0bMSH", b"\x0b", b"x"][n % 4])
            if n % 2:
                peer.writer.transport.abort()
    await until(lambda: centre.listener.open_connections == 0)
    assert code_of(await centre.send(omi())) == "AA"


@pytest.mark.parametrize("error", [StorageFull, StorageUnavailable])
async def test_while_storage_fails_the_answer_is_reject_and_the_message_passes_later(centre, error):
    whole = centre.listener._parts
    centre.listener._parts = replace(whole, database=_BrokenDatabase(error))
    answer = await centre.send(omi())
    assert (code_of(answer), errors_of(answer)) == ("AR", [("", "207", "E")])
    centre.listener._parts = whole
    assert await centre.orders() == []
    assert code_of(await centre.send(omi())) == "AA"


async def test_a_message_that_is_being_kept_when_the_gateway_stops_is_answered(centre):
    slow = _SlowDatabase(centre.parts.database)
    centre.listener._parts = replace(centre.parts, database=slow)
    async with centre.peer() as peer:
        peer.write(framed(omi()))
        await until(slow.is_writing.is_set)
        stopping = asyncio.create_task(centre.listener.stop())
        await asyncio.sleep(0)                       # the connection has been told
        slow.may_go_on.set()
        assert code_of(parsed(await peer.answer())) == "AA"
        assert await peer.is_closed()
        await stopping
    assert len(await centre.orders()) == 1


async def test_kill_9_between_answers_loses_no_order_that_was_accepted(tmp_path):
    accepted: list[str] = []
    with RunningGateway(tmp_path / "var") as gateway:
        gateway.command("site", "add", "yangchang", "--name", "羊场镇卫生院")
        host, port = gateway.mllp.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"".join(framed(omi(control_id=f"M{n}", placer=f"O{n}", accession="", study_uid=""))
                              for n in range(200)))
        try:
            while True:
                async with asyncio.timeout(20):
                    answer = parsed((await reader.readuntil(b"\x1c\r"))[1:-2])
                assert code_of(answer) == "AA"
                accepted.append(str(answer.segment("MSA")[2])[1:])
                if len(accepted) == 60:
                    gateway.kill()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        assert 60 <= len(accepted) < 200
        gateway.start()
        host, port = gateway.mllp.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        for n in (*accepted, "199"):                 # repeated: the same answer for those, a new order for this
            writer.write(framed(omi(control_id=f"M{n}", placer=f"O{n}", accession="", study_uid="")))
            async with asyncio.timeout(20):
                assert code_of(parsed((await reader.readuntil(b"\x1c\r"))[1:-2])) == "AA"
        writer.close()
        assert gateway.command("verify")["missing"] == []


class _SlowDatabase:
    """The real one, but a write waits until it may go on."""

    def __init__(self, database) -> None:
        self._database = database
        self.is_writing, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.read = database.read

    async def write(self, work):
        self.is_writing.set()
        await self.may_go_on.wait()
        return await self._database.write(work)


class _BrokenDatabase:
    """A database that does not answer: what we cannot own."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    async def read(self, work):
        raise self._error("broken for the test")

    write = read
