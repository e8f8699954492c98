"""What surrounds a study when it is decided about: its size, the patient's earlier studies, the load, who is away.

Rules may ask for it; the values are stored with the decision, since an hour later they are others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Circumstances:
    series_count: int = 0
    size_bytes: int = 0
    device_model: str = ""               # Manufacturer's Model Name (0008,1090) of the objects
    prior_count: int = 0                 # studies of the same patient that came before this one
    prior_same_modality_count: int = 0
    last_prior_at: datetime | None = None
    last_reader: str = ""                # login of who signed the patient's newest report
    waiting: Mapping[str, int] = field(default_factory=dict)   # readings that nobody has claimed, by group
    away: tuple[str, ...] = ()           # logins of readers who said that they are away or off
    is_origin_settled: bool = True       # False: nobody knows for certain which clinic it is from
