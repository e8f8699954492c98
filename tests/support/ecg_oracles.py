"""What independent readers make of an ECG file, in our terms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ecgdatakit import FileParser
from numpy.typing import NDArray

_NANOVOLTS = {"nV": 1.0, "uV": 1e3, "mV": 1e6}


def ecgdatakit_nanovolts(data: bytes, path: Path) -> dict[str, NDArray[np.int32]]:
    """The leads as ecgdatakit reads them from `path`, where `data` is written first; whole nanovolts."""
    path.write_bytes(data)
    return {lead.label: np.rint(np.asarray(lead.samples) * _NANOVOLTS[lead.units]).astype(np.int32)
            for lead in FileParser().parse(str(path)).leads}
