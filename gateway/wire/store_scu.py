"""Send one DICOM file by C-STORE, its data set exactly as it is, and return the peer's status."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pynetdicom import AE, evt

from gateway.wire.upper_layer import send_files_as_they_are

_REJECTED_TRANSIENT = 2
_PRESENTATION_PROVIDER = 3
_FULL = (1, 2)                           # temporary congestion, local limit exceeded


class PeerUnavailable(OSError):
    """The peer could not be reached, was silent, or ended the association. Nothing is known to be stored."""


class PeerRefused(Exception):
    """The peer understood and said no before any data set was sent: association or SOP class refused.

    `is_transient` where the peer itself says that it may say yes later.
    """

    def __init__(self, detail: str, *, is_transient: bool = False) -> None:
        super().__init__(detail)
        self.is_transient = is_transient


async def send_instance(part10: bytes, *, host: str, port: int, called_ae_title: str, calling_ae_title: str,
                        timeout_s: float) -> int:
    """Send the file and return the C-STORE status (0x0000 success, 0xBxxx stored with a warning, others failures).

    Raises PeerUnavailable (try later), PeerRefused (trying again will not help, unless it is transient), ValueError
    (not a DICOM file).
    """
    return await asyncio.to_thread(_send, part10, host, port, called_ae_title, calling_ae_title, timeout_s)


def _send(part10: bytes, host: str, port: int, called: str, calling: str, timeout_s: float) -> int:
    send_files_as_they_are()
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        file.write(part10)
        file.flush()
        try:
            meta = dcmread(file.name, specific_tags=[], stop_before_pixels=True).file_meta
            sop_class, syntax = meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID
        except (InvalidDicomError, AttributeError) as exc:
            raise ValueError(f"not a DICOM file that can be sent: {exc}") from exc
        ae = AE(ae_title=calling)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = timeout_s
        ae.add_requested_context(sop_class, syntax)
        association = ae.associate(host, port, ae_title=called, evt_handlers=[(evt.EVT_CONN_OPEN, _without_delays)])
        if not association.is_established:
            if association.is_rejected:
                raise PeerRefused(f"{called} at {host}:{port} rejected the association",
                                  is_transient=_is_transient(association.acceptor.primitive))
            if association.rejected_contexts:
                raise PeerRefused(f"{called} does not take SOP class {sop_class} as {syntax}")
            raise PeerUnavailable(f"{called} at {host}:{port} did not answer")
        try:
            status = association.send_c_store(Path(file.name))
        finally:
            association.release()
    if "Status" not in status:
        raise PeerUnavailable(f"{called} at {host}:{port} did not answer the C-STORE")
    return int(status.Status)


def _is_transient(rejection: Any) -> bool:
    """True for result "rejected-transient", and for a node that is merely full (PS3.8 9.3.4, table 9-21).

    Temporary congestion and local limit exceeded say "later" whatever the result field next to them says.
    """
    is_full = rejection.result_source == _PRESENTATION_PROVIDER and rejection.diagnostic in _FULL
    return rejection.result == _REJECTED_TRANSIENT or is_full


def _without_delays(event: Any) -> None:
    """Nagle's algorithm and delayed acknowledgements cost 44 ms an object against dcmtk and Orthanc."""
    sock = event.assoc.dul.socket.socket
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
