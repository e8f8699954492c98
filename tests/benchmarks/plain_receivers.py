"""Two receivers to measure against, each in a process of its own: `python -m tests.benchmarks.plain_receivers`.

"pynetdicom": its handlers as its own documentation shows them, with the bytes written as they came and synced.
"sink": no DICOM at all, a length and the bytes, each object written and synced: what this disk and loopback allow.
Both print "ready PORT".
"""

from __future__ import annotations

import os
import socket
import socketserver
import struct
import sys
from itertools import count
from pathlib import Path
from typing import Any

_numbers = count()


def keep_synced(folder: Path, pieces: list[bytes | memoryview]) -> None:
    descriptor = os.open(folder / str(next(_numbers)), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    for piece in pieces:
        os.write(descriptor, piece)
    os.fdatasync(descriptor)
    os.close(descriptor)


def serve_pynetdicom(folder: Path) -> None:
    from pydicom.uid import ExplicitVRLittleEndian
    from pynetdicom import AE, StoragePresentationContexts, _config, evt

    _config.LOG_HANDLER_LEVEL = "none"
    _config.UNRESTRICTED_STORAGE_SERVICE = True

    def on_store(event: Any) -> int:
        keep_synced(folder, [event.encoded_dataset()])
        return 0x0000

    entity = AE(ae_title="PLAIN")
    entity.maximum_associations = 100
    for context in StoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), ExplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    assert server is not None
    print(f"ready {server.server_address[1]}", flush=True)
    sys.stdin.read()
    os._exit(0)


class _Sink(socketserver.BaseRequestHandler):
    folder: Path

    def handle(self) -> None:
        sock: socket.socket = self.request
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = memoryview(bytearray(32 << 20))
        while len(header := sock.recv(8, socket.MSG_WAITALL)) == 8:
            (length,) = struct.unpack(">Q", header)
            at = 0
            while at < length:
                at += sock.recv_into(buffer[at:length])
            keep_synced(self.folder, [buffer[:length]])
            sock.sendall(b"\0")


def serve_sink(folder: Path) -> None:
    _Sink.folder = folder
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Sink) as server:
        server.daemon_threads = True
        print(f"ready {server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    {"pynetdicom": serve_pynetdicom, "sink": serve_sink}[sys.argv[1]](Path(sys.argv[2]))
