"""Bytes that came from a socket and were not used yet: many PDUs are read with one system call."""

from __future__ import annotations

import socket
from collections.abc import Callable

BUFFER_BYTES = 1 << 19
_LEAST_ROOM_BYTES = 1 << 16


class ReceiveBuffer:
    """Filled from behind, used up from the front. Takes its memory when it is first filled."""

    def __init__(self, on_progress: Callable[[], None]) -> None:
        """`on_progress` is called whenever something came."""
        self.on_progress = on_progress
        self._view = memoryview(b"")
        self._start = self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    def receive(self, sock: socket.socket) -> bool:
        """Wait for the next bytes, as many as there are. False: the peer closed. Raises OSError."""
        if not self._view:
            self._view = memoryview(bytearray(BUFFER_BYTES))
        if self._start == self._end:
            self._start = self._end = 0
        elif len(self._view) - self._end < _LEAST_ROOM_BYTES:
            rest = bytes(self._view[self._start:self._end])
            self._view[:len(rest)] = rest
            self._start, self._end = 0, len(rest)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)       # the kernel drops it again by itself
        count = sock.recv_into(self._view[self._end:])
        self._end += count
        self.on_progress()
        return count > 0

    def fill(self, sock: socket.socket, count: int) -> bool:
        """Wait until `count` bytes are here, a few thousand at most. False: the peer closed. Raises OSError."""
        while self._end - self._start < count:
            if not self.receive(sock):
                return False
        return True

    def peek(self, start: int, count: int) -> memoryview:
        """Bytes that are here, `start` from the front; they stay."""
        return self._view[self._start + start:self._start + start + count]

    def take(self, count: int) -> memoryview:
        """Up to `count` bytes that are here; they last until the next `receive`."""
        taken = self._view[self._start:min(self._start + count, self._end)]
        self._start += len(taken)
        return taken
