"""The bytes, their folder and the index are on the disk before the answer leaves (B2, promise 1).

A page cache survives a kill, so a kill proves nothing about power cuts. The system calls of the shipped program do:
strace records them while a modality sends, and each C-STORE answer must come after the object file was linked to its
name, then fsynced with it, then the folder of that name fsynced, then the database's log written and synced.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.test_killed_while_receiving import register, send
from tests.support import dicom_builders as build
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.usefixtures("wire")

COUNT = 8
CALLS = "fsync,fdatasync,sync_file_range,link,linkat,rename,renameat,renameat2,pwrite64,write,sendto,sendmsg"
_LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<rest>.*)$")
_P_DATA = re.compile(r'^(?:sendto|write|sendmsg)\(\d+<TCP:\[[^\]]*\]>, "\\4\\0')
_TO_A_PEER = re.compile(r"^(?:sendto|write|writev|sendmsg)\(\d+<TCP:")


def calls_in_order(trace: str) -> list[str]:
    """The calls by the time they ended; a call that another thread interrupted counts when it resumed.

    A call that sends counts when it began: from then on the peer may have the answer.
    """
    begun: dict[str, str] = {}
    calls = []
    for line in trace.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        pid, rest = found["pid"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>").rstrip() + " "   # as where nothing interrupted it
            if _TO_A_PEER.match(begun[pid]):
                calls.append(begun.pop(pid))
        elif rest.startswith("<... "):
            if pid in begun:
                calls.append(begun.pop(pid) + rest.partition("resumed>")[2])
        else:
            calls.append(rest)
    return calls


Steps = Sequence[tuple[str, re.Pattern[str]]]

FILES_AND_SQLITE: Steps = (
    ("the object has its name", re.compile(r'^linkat\(.*"/proc/self/fd/\d+", .*/objects/[0-9a-f]{2}/.*\) += 0')),
    ("the object file is fsynced", re.compile(r"^f(data)?sync\(\d+<[^>]*/objects/(parts/#|[0-9a-f]{2}/)\d.*\) += 0")),
    ("the folder of the name is fsynced", re.compile(r"^f(data)?sync\(\d+<[^>]*/objects/[0-9a-f]{2}>\) += 0")),
    ("the index is written to the log", re.compile(r"^pwrite64\(\d+<[^>]*/gateway\.db-wal>")),
    ("the log is synced", re.compile(r"^f(data)?sync\(\d+<[^>]*/gateway\.db-wal>\) += 0")),
)


def s3_and_postgresql(s3_port: int, postgres_port: int) -> Steps:
    """The same order where the bytes go to an S3 service and the index to PostgreSQL, by what was said to them."""
    to = r"(?:sendto|sendmsg|write|writev)\(\d+<TCP:\[[^\]]*->127\.0\.0\.1:{}\]>, .*{}"
    told = r"(?:recvfrom|recvmsg|read|readv)\(\d+<TCP:\[[^\]]*->127\.0\.0\.1:{}\]>, .*{}"
    return (
        ("the object is put into the bucket", re.compile(to.format(s3_port, r'"PUT /'))),
        ("the bucket has it", re.compile(told.format(s3_port, r"HTTP/1\.1 200"))),
        ("the index is committed", re.compile(to.format(postgres_port, "COMMIT"))),
        ("PostgreSQL says that it is", re.compile(told.format(postgres_port, r"COMMIT\\0"))),
    )


def answers_too_early(trace: str, steps: Steps = FILES_AND_SQLITE) -> tuple[int, list[str]]:
    """Number of C-STORE answers, and for each that came too early what was missing before it."""
    faults, answers, at = [], 0, 0
    for call in calls_in_order(trace):
        if at < len(steps) and steps[at][1].match(call):
            at += 1
        elif _P_DATA.match(call):
            answers += 1
            if at < len(steps):
                faults.append(f"answer {answers} left before: {steps[at][0]}")
            at = 0
    return answers, faults


async def traced_run(tmp_path: Path, *, calls: str = CALLS, shown_bytes: int = 32,
                     environment: dict[str, str] | None = None) -> str:
    """Send COUNT objects in one association to the shipped program under strace; returns the trace of the sending."""
    trace = tmp_path / "trace"
    files = build.write_all(tmp_path / "in", [build.ct_slice(n, ids=IDS) for n in range(COUNT)])
    # -D: the tracer is not our child, the gateway is, so that it gets our signals.
    gateway = RunningGateway(tmp_path / "var", environment=environment or {}, prefix=(
        "strace", "-D", "-f", "-yy", "-s", str(shown_bytes), "-e", f"trace={calls}", "-e", "signal=none",
        "-o", str(trace)))
    try:
        await asyncio.to_thread(gateway.start)
        await asyncio.to_thread(register, gateway)
        before = trace.stat().st_size
        sent = await send(gateway, files)
        assert sent.statuses == [0] * COUNT, sent.output[-2000:]
        os.kill(gateway.pid, signal.SIGTERM)
        await asyncio.to_thread(gateway.stop)
    finally:
        await asyncio.to_thread(gateway.kill)
    return trace.read_text(errors="replace")[before:]


IDS = build.StudyIds()


@pytest.mark.faults
async def test_file_folder_and_log_are_synced_before_each_answer_leaves(tmp_path):
    trace = await traced_run(tmp_path)
    answers, faults = answers_too_early(trace)
    assert faults == []
    assert answers == COUNT
    # The same trace without one kind of sync must be found out: the test can fail.
    for words, step in FILES_AND_SQLITE:
        assert answers_too_early(_without(trace, step))[1], f"a run in which not {words} went unnoticed"


@pytest.mark.faults
async def test_the_bucket_and_postgresql_have_said_yes_before_each_answer_leaves(
        tmp_path, postgres_server, postgres_url, seaweed_server):
    bucket = seaweed_server.new_bucket()
    trace = await traced_run(
        tmp_path, calls=f"{CALLS},read,recvfrom,recvmsg,readv,writev", shown_bytes=160, environment={
            "READING_GATEWAY_DATABASE_URL": postgres_url, "READING_GATEWAY_OBJECTS_URL": bucket.objects_url,
            "READING_GATEWAY_S3_ENDPOINT": bucket.s3_endpoint,
            "READING_GATEWAY_S3_ACCESS_KEY_ID": bucket.s3_access_key_id,
            "READING_GATEWAY_S3_SECRET_ACCESS_KEY": bucket.s3_secret_access_key})
    steps = s3_and_postgresql(int(bucket.s3_endpoint.rpartition(":")[2]), postgres_server.port)
    answers, faults = answers_too_early(trace, steps)
    assert faults == [], "\n".join(call[:140] for call in calls_in_order(trace)
                                   if _P_DATA.match(call) or any(step.match(call) for _, step in steps))
    assert answers == COUNT
    for words, step in steps:
        assert answers_too_early(_without(trace, step), steps)[1], f"a run in which not {words} went unnoticed"


def _without(trace: str, step: re.Pattern[str]) -> str:
    """The trace as it would be if these calls had not been made."""
    return "\n".join(f"1 {call}" for call in calls_in_order(trace) if not step.match(call))
