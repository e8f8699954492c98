"""A process of its own that looks at the samples of ECGs, so that their arrival never waits for arithmetic.

One interpreter lock is shared by all that a gateway does: thirty milliseconds of numpy an ECG, twenty times a second,
held up answers and lists by half a second. The child is started by the first ECG and ended when none has come for a
while. A file on which it dies or hangs is the failure of one examination, never of the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from gateway.core.errors import GatewayError
from gateway.services.examine_samples import HEAD_BYTES, Looked, answer_of, length_of, request_of

LONGEST_S = 180.0
"""No recording takes longer: two hours of three leads took 23 s."""

IDLE_S = 600.0


class ExaminerDied(GatewayError):
    """The process that looked at an ECG ended or did not answer. Try again; another one is started."""

    reason = "examiner-died"


class Examiner:
    """Owns one child process at most; asked by one at a time, the others wait."""

    def __init__(self, *, longest_s: float = LONGEST_S, idle_s: float = IDLE_S) -> None:
        self._longest_s = longest_s
        self._idle_s = idle_s
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
        return None if self._child is None else self._child.pid

    async def look(self, data: bytes, time_zone: str) -> Looked:
        """Return what the child finds. Raises ExaminerDied."""
        async with self._turn:
            if self._rest is not None:
                self._rest.cancel()
            try:
                async with asyncio.timeout(self._longest_s):
                    answer = await self._ask(request_of(data, time_zone))
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as exc:
                await self._end()
                raise ExaminerDied(f"The examination ended without an answer ({type(exc).__name__}).") from exc
            except asyncio.CancelledError:
                await self._end()        # half an answer may be under way: it belongs to nobody now
                raise
            self._rest = asyncio.get_running_loop().call_later(self._idle_s, self._send_to_rest)
            return answer

    async def warm_up(self) -> None:
        """Start the child and let it load what its first answer needs; a failure is of no consequence."""
        with contextlib.suppress(ExaminerDied):
            await self.look(b"", "UTC")

    async def stop(self) -> None:
        """End the child."""
        if self._rest is not None:
            self._rest.cancel()
        await self._end()
        for task in list(self._ending):
            await task

    async def _ask(self, request: bytes) -> Looked:
        child = await self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(request)
        await child.stdin.drain()
        return answer_of(await child.stdout.readexactly(length_of(await child.stdout.readexactly(HEAD_BYTES))))

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.services.examine_samples", stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, start_new_session=True)
        return self._child

    def _send_to_rest(self) -> None:
        task = asyncio.create_task(self._end_in_turn(), name="examiner-rest")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_in_turn(self) -> None:
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
