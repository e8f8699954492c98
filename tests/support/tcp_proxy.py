"""A TCP proxy in a thread that breaks connections at a chosen moment."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_CHUNK = 65_536


class TcpProxy:
    """Forwards 127.0.0.1:`port` to a server. `cut_at` arms it for one cut."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
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

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                if self._is_the_moment(data):
                    _break(client)  # first, so that no answer can slip through
                    if self._is_forwarded:
                        server.sendall(data)
                        server.recv(_CHUNK)  # the server has done it
                    _break(server)
                    return
                server.sendall(data)
        _break(server)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK, socket.MSG_PEEK):
                with self._lock:
                    is_open = client.fileno() >= 0
                if not is_open:
                    return
                client.sendall(server.recv(len(data)))
        _break(client)

    def _is_the_moment(self, data: bytes) -> bool:
        with self._lock:
            if self._word is None or self._word not in data:
                return False
            self._word = None
            self.cuts += 1
            return True


def _break(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
