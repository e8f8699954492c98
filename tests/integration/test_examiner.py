"""The process that looks at ECGs may die, hang or be left alone: the gateway never does (B8, promise 2)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.services.examine_samples import HEAD_BYTES, answer_of, length_of, look, request_of
from gateway.services.examiner import Examiner, ExaminerDied
from tests.support.beating_ecgs import ecg_with_beats
from tests.support.ecg_builders import aecg
from tests.support.waiting import until

ZONE = "Asia/Shanghai"


def is_alive(pid: int | None) -> bool:
    """False also for a process that has ended and waits for its parent."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_the_child_finds_what_the_function_finds_and_says_why_it_can_not():
    examiner, data = Examiner(), aecg(ecg_with_beats())
    try:
        assert await examiner.look(data, ZONE) == look(data, ZONE)
        assert (await examiner.look(b"no ECG", ZONE)).reason == look(b"no ECG", ZONE).reason != ""
        assert await examiner.look(data, ZONE) == look(data, ZONE)
    finally:
        await examiner.stop()
    assert examiner.pid is None


async def test_many_who_ask_at_once_get_each_their_own_answer_from_one_child():
    examiner = Examiner()
    files = [aecg(ecg_with_beats(seed=seed)) for seed in range(4)]
    try:
        found = await asyncio.gather(*(examiner.look(data, ZONE) for data in files))
        assert [one.content for one in found] == [look(data, ZONE).content for data in files]
        assert len({str(one.content) for one in found}) == 4
    finally:
        await examiner.stop()


async def test_a_child_that_is_killed_in_the_middle_fails_one_examination_and_the_next_is_served():
    examiner, data = Examiner(), aecg(ecg_with_beats())
    try:
        await examiner.look(data, ZONE)
        assert examiner.pid is not None
        os.kill(examiner.pid, signal.SIGSTOP)               # it has the question and does not answer
        asking = asyncio.create_task(examiner.look(data, ZONE))
        await asyncio.sleep(0)
        os.kill(examiner.pid, signal.SIGKILL)
        with pytest.raises(ExaminerDied):
            await asking
        assert await examiner.look(data, ZONE) == look(data, ZONE)
    finally:
        await examiner.stop()


async def test_a_child_that_does_not_answer_is_ended_after_its_time():
    examiner, data = Examiner(longest_s=60.0), aecg(ecg_with_beats())
    try:
        await examiner.look(data, ZONE)
        stuck = examiner.pid
        assert stuck is not None
        os.kill(stuck, signal.SIGSTOP)
        examiner._longest_s = 0.3
        with pytest.raises(ExaminerDied, match="TimeoutError"):
            await examiner.look(data, ZONE)
        assert not is_alive(stuck)
    finally:
        await examiner.stop()


async def test_a_child_that_nobody_asks_any_more_goes_and_comes_back():
    examiner, data = Examiner(idle_s=0.05), aecg(ecg_with_beats())
    try:
        await examiner.look(data, ZONE)
        await until(lambda: examiner.pid is None)
        assert await examiner.look(data, ZONE) == look(data, ZONE)
    finally:
        await examiner.stop()


def test_the_child_ends_when_its_gateway_was_killed():
    program = ("import asyncio, sys\n"
               "from gateway.services.examiner import Examiner\n"
               "async def run():\n"
               "    examiner = Examiner()\n"
               "    await examiner.look(b'', 'UTC')\n"
               "    print(examiner.pid, flush=True)\n"
               "    await asyncio.sleep(600)\n"
               "asyncio.run(run())\n")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    asyncio.run(until(lambda: not is_alive(child)))


def test_what_a_library_prints_does_not_get_between_the_answers():
    with subprocess.Popen([sys.executable, "-m", "gateway.services.examine_samples"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        data = aecg(ecg_with_beats())
        child.stdin.write(request_of(data, ZONE))
        child.stdin.flush()
        assert answer_of(child.stdout.read(length_of(child.stdout.read(HEAD_BYTES)))) == look(data, ZONE)
        child.stdin.close()
        assert child.wait(timeout=30) == 0
