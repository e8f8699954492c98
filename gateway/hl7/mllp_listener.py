"""Listen for HL7 v2 over MLLP: one message after the other on a connection, each answered when it is durable.

Our own reader instead of the hl7 package's server: that one drops bytes that are too long or badly framed, knows no
time limit, and decodes with one character set for all. Nothing of a broken frame may be lost, and MSH-18 decides.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import structlog

from gateway.hl7.mllp_frames import TOO_LARGE, Broken, Frame, FrameCutter
from gateway.services.ports import Parts
from gateway.services.receive_hl7 import receive_hl7, refuse_hl7
from gateway.wire.tls_context import ServerTls
from storage.errors import StorageError

log = structlog.get_logger("gateway.hl7")

STOP_WITHIN_S = 5.0
_READ_BYTES = 1 << 16
_SEND_WITHIN_S = 30.0
_HANDSHAKE_WITHIN_S = 10.0


class MllpListener:
    """Listens while started, on a plain port, one secured by TLS, or both.

    Parameters
    ----------
    tls
        What the secured port shows and whom it lets in (setting `mllp_tls`).
    """

    def __init__(self, parts: Parts, *, tls: ServerTls | None = None) -> None:
        self._parts = parts
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.address = ""                # of the plain port, "" without one
        self.tls_address = ""            # of the secured port, "" without one

    async def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        settings = self._parts.settings
        if settings.mllp:
            self.address = await self._listen("mllp", None)
        if settings.mllp_tls and self._tls is not None:
            try:
                self.tls_address = await self._listen("mllp_tls", self._tls.listening_context())
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Take no more connections; a message that is being kept may be answered within 5 s."""
        self._is_stopping = True
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for connection in self._connections:
            connection.cancel("the gateway stops")
        if self._connections:
            await asyncio.wait(self._connections, timeout=STOP_WITHIN_S)
        for server in servers:
            await server.wait_closed()

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    async def _listen(self, setting: str, context: ssl.SSLContext | None) -> str:
        host, port = self._parts.settings.host_port(setting)
        server = await asyncio.start_server(self._serve, host, port, ssl=context, ssl_handshake_timeout=(
            None if context is None else _HANDSHAKE_WITHIN_S))
        self._servers.append(server)
        bound = server.sockets[0].getsockname()
        return f"{bound[0]}:{bound[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        address = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            if self._is_stopping or len(self._connections) >= self._parts.settings.mllp_connections:
                log.warning("MLLP connection refused: too many are open", peer=address)
                return
            self._connections.add(task)
            await self._converse(reader, writer, address)
        except (ConnectionError, TimeoutError) as exc:
            log.info("MLLP connection lost", why=str(exc) or type(exc).__name__, peer=address)
        except asyncio.CancelledError:
            log.info("MLLP connection closed: the gateway stops", peer=address)
        except ssl.SSLError as exc:
            log.info("MLLP connection lost", why=str(exc), peer=address)
        except Exception:  # the listener's outermost loop: let this connection go, and serve the others
            log.exception("MLLP connection failed", peer=address)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        async for one in self._pieces(reader):
            if isinstance(one, Broken):
                await _send(writer, await self._keep_broken(one, address))
                continue
            # Shielded: what has begun to be kept is kept and answered, also while the gateway stops.
            handling = asyncio.ensure_future(receive_hl7(self._parts, one.data, address=address))
            try:
                answer = await asyncio.shield(handling)
            except asyncio.CancelledError:
                answer = await handling
                await _send(writer, answer.data)
                raise
            await _send(writer, answer.data)

    async def _pieces(self, reader: asyncio.StreamReader) -> AsyncIterator[Frame | Broken]:
        settings = self._parts.settings
        cutter = FrameCutter(most_bytes=settings.max_hl7_bytes)
        while True:
            limit_s = settings.network_timeout_s if cutter.is_inside else settings.mllp_idle_s
            try:
                async with asyncio.timeout(limit_s):
                    data = await reader.read(_READ_BYTES)
            except (TimeoutError, ConnectionError):
                data = b""
            for one in cutter.feed(data):
                yield one
                if isinstance(one, Broken) and one.is_fatal:
                    return
            if not data:
                left = cutter.end()
                if left is not None:
                    yield left
                return

    async def _keep_broken(self, broken: Broken, address: str) -> bytes:
        """Keep it; returns what is said to its sender: only where the sender still waits for an answer to it."""
        log.warning("MLLP frame broken", why=broken.reason, peer=address, size_bytes=len(broken.data))
        if not broken.data:
            return b""
        try:
            answer = await refuse_hl7(self._parts, broken.data, address=address, reason=broken.reason,
                                      detail=broken.detail)
        except StorageError as exc:
            log.error("broken MLLP bytes were not kept", why=str(exc), peer=address)
            return b""
        return answer.data if broken.reason == TOO_LARGE else b""


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    if not message:
        return
    writer.write(b"\x0b" + message + b"\x1c\x0d")
    async with asyncio.timeout(_SEND_WITHIN_S):
        await writer.drain()
