"""Bodies of the wall screen. Nothing here may tell whose ECG it is: no name, number, age, sex or text of a file."""

from __future__ import annotations

from datetime import datetime

import msgspec


class WallHint(msgspec.Struct, frozen=True):
    """A measured number that raised the priority; a hint for the order of reading, no diagnosis."""

    measure: str
    value: float
    unit: str
    level: str
    source: str                          # device, gateway: who measured it; nobody has confirmed it (K2)


class WallItem(msgspec.Struct, frozen=True):
    """One ECG. `study_id` is our own random number."""

    study_id: str
    site_name: str
    arrived_at: datetime
    priority: str                        # emergency, urgent, routine
    state: str                           # waiting, being_read, report_out
    is_alarming: bool                    # an emergency that nobody has begun to read
    is_raised_by_hint: bool              # its priority is a hint's doing, in part or alone
    hints: list[WallHint]
    instance_id: str | None              # null: it came without a waveform


class WallView(msgspec.Struct, frozen=True):
    """Emergencies first, then the newest, then those whose report is out."""

    now: datetime                        # the gateway's clock
    items: list[WallItem]
    waiting: int                         # of all, also of those that are not on the wall
    emergencies: int
    being_read: int
    oldest_waiting_at: datetime | None


class WallLeadView(msgspec.Struct, frozen=True):
    name: str
    sample_count: int
    start_us: float


class WallTraceHeader(msgspec.Struct, frozen=True):
    """Stands before the samples of a wall trace."""

    interval_us: float
    leads: list[WallLeadView]
