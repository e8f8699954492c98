"""The bytes, their folder and the index are on the disk before the answer leaves (B2, promise 1).

A page cache survives a kill, so a kill proves nothing about power cuts. The system calls of the shipped program do:
strace records them while a modality sends, and each C-STORE answer must come after the object file was fsynced, then
linked to its name, then the folder of that name fsynced, then the database's log written and synced.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
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
            begun[pid] = rest.removesuffix("<unfinished ...>").rstrip()
            if _P_DATA.match(begun[pid]):
                calls.append(begun.pop(pid))
        elif rest.startswith("<... "):
            if pid in begun:
                calls.append(begun.pop(pid) + rest.partition("resumed>")[2])
        else:
            calls.append(rest)
    return calls


STEPS = (
    ("the object file is fsynced", re.compile(r"^f(data)?sync\(\d+<[^>]*/objects/parts/[^>]+>\) += 0")),
    ("the object has its name", re.compile(r"^(link|rename)\w*\(.*/objects/parts/.*/objects/[0-9a-f]{2}/.*\) += 0")),
    ("the folder of the name is fsynced", re.compile(r"^f(data)?sync\(\d+<[^>]*/objects/[0-9a-f]{2}>\) += 0")),
    ("the index is written to the log", re.compile(r"^pwrite64\(\d+<[^>]*/gateway\.db-wal>")),
    ("the log is synced", re.compile(r"^f(data)?sync\(\d+<[^>]*/gateway\.db-wal>\) += 0")),
)


def answers_too_early(trace: str) -> tuple[int, list[str]]:
    """Number of C-STORE answers, and for each that came too early what was missing before it."""
    faults, answers, at = [], 0, 0
    for call in calls_in_order(trace):
        if at < len(STEPS) and STEPS[at][1].match(call):
            at += 1
        elif _P_DATA.match(call):
            answers += 1
            if at < len(STEPS):
                faults.append(f"answer {answers} left before: {STEPS[at][0]}")
            at = 0
    return answers, faults


async def traced_run(tmp_path: Path) -> str:
    """Send COUNT objects in one association to the shipped program under strace; returns the trace of the sending."""
    trace = tmp_path / "trace"
    files = build.write_all(tmp_path / "in", [build.ct_slice(n, ids=IDS) for n in range(COUNT)])
    # -D: the tracer is not our child, the gateway is, so that it gets our signals.
    gateway = RunningGateway(tmp_path / "var", prefix=(
        "strace", "-D", "-f", "-yy", "-s", "32", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace)))
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
    for words, step in STEPS:
        broken = "\n".join(line for line in _joined(trace) if not step.match(line.partition(" ")[2]))
        assert answers_too_early(broken)[1], f"a run in which it is not true that {words} went unnoticed"


def _joined(trace: str) -> list[str]:
    return [f"1 {call}" for call in calls_in_order(trace)]
