"""Clocks of readings, and notices to people."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ClockView(msgspec.Struct, frozen=True):
    """One stage of a reading. On a screen it turns amber from four fifths of its time, red when it is over."""

    stage: str                           # arrive, claim, write, review, return, open
    state: str                           # pending, met, late, breached, stopped: when it was sent
    started_at: datetime
    due_at: datetime
    met_at: datetime | None


class NoticeView(msgspec.Struct, frozen=True):
    """What one was told of a reading; it names no patient, the reading's page does."""

    id: str
    at: datetime
    kind: str                            # storage.model.clocks.NoticeKind
    stage: str                           # "" where it is about none
    percent: int                         # of a nudge: how much of the time was gone
    reading_id: str
    study_id: str
    site_name: str
    modality: str
    body_part: str
    accession_number: str
    priority: str
    state: str                           # of the reading, now
    due_at: datetime
    is_read: bool


class NoticeList(msgspec.Struct, frozen=True):
    """Newest first; `unread` counts readings, not notices."""

    items: list[NoticeView]
    unread: int


class NoticesReadRequest(msgspec.Struct, frozen=True):
    """What one has looked at: one reading, or (empty) everything up to a moment."""

    reading_id: str = ""
    until: datetime | None = None
