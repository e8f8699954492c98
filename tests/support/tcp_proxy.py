"""A TCP proxy in threads: breaks connections at a chosen moment, holds them still, or is a slow line."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_CHUNK = 65_536


@dataclass(frozen=True)
class Line:
    """A line between proxy and server: what it carries, each way, and how long a byte is on its way."""

    bits_per_s: float
    delay_s: float                       # one way; a question and its answer take twice as long


class TcpProxy:
    """Forwards 127.0.0.1:`port` to a server. `cut_at` arms it for one cut; `line` makes it slow, both ways.

    All connections share the line. Nothing is lost on it, its queues are bounded as those of a modem are, and a new
    connection takes a way there and back before its first byte.
    """

    def __init__(self, server_port: int, *, line: Line | None = None) -> None:
        self._server_port = server_port
        self._moving = threading.Event()
        self._moving.set()
        self._handshake_s = 2 * line.delay_s if line is not None else 0.0
        self._up = _Wire(line) if line is not None else None
        self._down = _Wire(line) if line is not None else None
        self._lock = threading.Lock()
        self._word: bytes | None = None
        self._is_forwarded = False
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, word: bytes, *, forward: bool) -> None:
        """At the next message of a client that holds `word`: cut both sides. With `forward` the server gets the
        message first, and only its answer is lost."""
        with self._lock:
            self._word, self._is_forwarded = word, forward

    def hold(self, is_held: bool) -> None:
        """Carry nothing, and say nothing, until it is taken back: a line that is dead without a word."""
        if is_held:
            self._moving.clear()
        else:
            self._moving.set()

    def close(self) -> None:
        self._moving.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            carry = _carrier(self._up, server)
            time.sleep(self._handshake_s)
            while data := client.recv(_CHUNK):
                self._moving.wait()
                if self._is_the_moment(data):
                    _break(client)  # first, so that no answer can slip through
                    if self._is_forwarded:
                        server.sendall(data)
                        server.recv(_CHUNK)  # the server has done it
                    _break(server)
                    return
                carry(data)
            carry(b"")
            return
        _break(server)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            carry = _carrier(self._down, client)
            while data := server.recv(_CHUNK, socket.MSG_PEEK):
                self._moving.wait()
                with self._lock:
                    is_open = client.fileno() >= 0
                if not is_open:
                    return
                carry(server.recv(len(data)))
            carry(b"")
            return
        _break(client)

    def _is_the_moment(self, data: bytes) -> bool:
        with self._lock:
            if self._word is None or self._word not in data:
                return False
            self._word = None
            self.cuts += 1
            return True


def _carrier(wire: _Wire | None, to: socket.socket) -> Callable[[bytes], None]:
    """What takes bytes to that end, at once or over the line; no bytes at all end the connection."""
    def at_once(data: bytes) -> None:
        if data:
            to.sendall(data)
        else:
            _break(to)

    return at_once if wire is None else wire.join(to)


class _Wire:
    """One way of a line: every packet waits for those before it, takes its time by length, then is on its way."""

    _PACKET = 1_460
    _LONGEST_QUEUE = 64                  # packets: about 0.4 s at 2 Mbit/s

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._free_at = 0.0

    def join(self, to: socket.socket) -> Callable[[bytes], None]:
        """Begin to carry to that end."""
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(self._LONGEST_QUEUE)
        is_over = threading.Event()
        threading.Thread(target=self._deliver, args=(waiting, to, is_over), daemon=True).start()

        def send(data: bytes) -> None:
            for start in range(0, max(len(data), 1), self._PACKET):
                packet = data[start:start + self._PACKET]
                due = self._sent_at(len(packet)) + self._line.delay_s
                while not is_over.is_set():
                    with suppress(queue.Full):
                        waiting.put((due, packet), timeout=1.0)
                        break

        return send

    def _sent_at(self, size_bytes: int) -> float:
        """When the last bit of a packet has left, if it is given to the line now."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size_bytes * 8 / self._line.bits_per_s
            return self._free_at

    @staticmethod
    def _deliver(waiting: queue.Queue[tuple[float, bytes]], to: socket.socket, is_over: threading.Event) -> None:
        with suppress(OSError):
            while True:
                due, packet = waiting.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not packet:
                    break
                to.sendall(packet)
        is_over.set()
        _break(to)


def _break(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
