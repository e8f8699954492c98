"""The DICOM nodes of the demo clinics: they take the signed reports and keep them as files, as a PACS would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pynetdicom import AE, evt

ENCAPSULATED_PDF, VERIFICATION = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.1.1"
SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700


class ClinicNode:
    """One listening node; files go to `folder`, named by their SOP Instance UID."""

    def __init__(self, ae_title: str, port: int, folder: Path) -> None:
        self._title, self._port, self._folder = ae_title, port, folder
        self._server: Any = None

    def start(self) -> int:
        """Listen on the loopback address; returns the port. Raises OSError when it is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        ae = AE(ae_title=self._title)
        ae.add_supported_context(ENCAPSULATED_PDF)
        ae.add_supported_context(VERIFICATION)
        self._server = ae.start_server(("127.0.0.1", self._port), block=False,
                                       evt_handlers=[(evt.EVT_C_STORE, self._keep)])
        port: int = self._server.socket.getsockname()[1]
        return port

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.shutdown()

    def _keep(self, event: Any) -> int:
        target = self._folder / f"{event.request.AffectedSOPInstanceUID}.dcm"
        part = target.with_suffix(".part")
        try:
            part.write_bytes(event.encoded_dataset())
            part.replace(target)
        except OSError:
            return OUT_OF_RESOURCES
        return SUCCESS
