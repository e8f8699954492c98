"""Real storage in a temporary folder, and the two things we do not own: the clock and the listeners."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.services.ports import Event, Parts
from gateway.settings import Settings
from storage.opening import open_storage
from tests.support.empty_stores import lay_empty_store

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class ManualClock:
    """A clock that only moves when told to."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass
class RecordingEvents:
    """Remembers what was published."""

    published: list[Event] = field(default_factory=list)
    job_wakes: int = 0

    def publish(self, event: Event) -> None:
        self.published.append(event)

    def wake_jobs(self) -> None:
        self.job_wakes += 1

    def kinds(self) -> list[str]:
        return [event.kind for event in self.published]


@asynccontextmanager
async def open_parts(data_dir: Path, *, settings: Settings | None = None, clock=None, events=None):
    """Parts over real storage, by default SQLite and files in `data_dir`; closed at the end."""
    settings = settings or Settings(data_dir=data_dir, reserve_bytes=0, node="test-node")
    if not settings.database_url:
        lay_empty_store(settings.data_dir)
    storage = await open_storage(
        data_dir=settings.data_dir, node=settings.node, reserve_bytes=settings.reserve_bytes,
        database_url=settings.database_url, objects_url=settings.objects_url, s3_endpoint=settings.s3_endpoint,
        s3_region=settings.s3_region, s3_access_key_id=settings.s3_access_key_id,
        s3_secret_access_key=settings.s3_secret_access_key)
    try:
        yield Parts(settings=settings, database=storage.database, objects=storage.objects,
                    clock=clock or ManualClock(), events=events or RecordingEvents(), node=settings.node)
    finally:
        await storage.database.close()
