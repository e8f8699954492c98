"""Which signer this installation uses. A new adapter is one file and one line here."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

from gateway.reports.signing.local_ca import LocalCa
from gateway.reports.signing.signer import Signer

_opened: dict[Path, Signer] = {}
_one_at_a_time = threading.Lock()


def open_signer(data_dir: Path, *, centre_name: str, at: datetime) -> Signer:
    """Return the signer of this data folder, opened once a process. Blocking. Raises SigningFailed."""
    folder = data_dir.resolve() / "signing"
    with _one_at_a_time:
        if folder not in _opened:
            _opened[folder] = LocalCa(folder, centre_name=centre_name, at=at)
        return _opened[folder]
