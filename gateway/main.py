"""The one place that builds the parts, starts them in order, and stops them in reverse.

Order matters: storage first, then what works on it (jobs), then the doors (DICOM, HTTP, folders). Stopping closes
the doors first, so that whatever was begun can still be made durable and answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from aiohttp import web

from gateway.cli.local_socket import LocalSocket
from gateway.delivery.channels import open_channels
from gateway.delivery.commitment import NodeCommitment
from gateway.delivery.study_forwarding import forward_channels
from gateway.dicom.commitment_scp import commitment_handlers
from gateway.dicom.secure_port import calling_tls, tls_files
from gateway.dicom.storage_scp import StorageScp
from gateway.dicom.ups_events import workitem_handlers
from gateway.ecg.watched_folder import WatchedFolders
from gateway.hl7.mllp_listener import MllpListener
from gateway.http.app import create_app
from gateway.renditions.cache import RenditionCache
from gateway.services import (
    activate_rules,
    claim_reading,
    complete_study,
    correct_device_text,
    delete_study,
    deliver,
    examine_ecg,
    forward_study,
    hint_priority,
    keep_unread_ecg,
    learn_character_set,
    match_order,
    pull_reports,
    route_study,
    scrub_objects,
    second_copy,
    sweep_orphans,
    watch_certificates,
)
from gateway.services.carry_news import NewsCarrier
from gateway.services.clocks.clock_runner import ClockRunner
from gateway.services.event_bus import EventBus
from gateway.services.examiner import Examiner
from gateway.services.guard_space import GuardedObjectStore, SpaceGuard
from gateway.services.job_runner import JobHandler, JobRunner
from gateway.services.people import hand_over
from gateway.services.ports import Parts
from gateway.services.quality import follow_orders
from gateway.services.render import HANDLERS as RENDER_HANDLERS
from gateway.services.watch_space import SpaceWatch
from gateway.services.workitems.follow_readings import FollowReadings
from gateway.services.workitems.tell_followers import tell_restarted
from gateway.settings import Settings
from gateway.wire.tls_context import ClientTls, ServerTls
from storage.opening import open_second_copy, open_storage

log = structlog.get_logger("gateway")

STOP_WITHIN_S = 10.0
_M_ARENA_MAX = -8                        # of mallopt(3)
GIVE_WAY = 256 << 20
"""So many bytes of renditions go at once when room runs out."""


def utc_now() -> datetime:
    """The clock of the running gateway; tests pass their own."""
    return datetime.now(UTC)


async def open_parts(settings: Settings) -> Parts:
    """Open storage and build what every use case works with. Raises StorageError."""
    node = settings.node or socket.gethostname() or "gateway"
    storage = await open_storage(
        data_dir=settings.data_dir, database_url=settings.database_url, objects_url=settings.objects_url,
        s3_endpoint=settings.s3_endpoint, s3_region=settings.s3_region,
        s3_access_key_id=settings.s3_access_key_id, s3_secret_access_key=settings.s3_secret_access_key,
        node=node, reserve_bytes=settings.reserve_bytes,
    )
    renditions = RenditionCache(settings.data_dir / "renditions", limit_bytes=settings.renditions_max_bytes)
    space = SpaceGuard(quota_bytes=settings.quota_bytes, make_room=lambda: renditions.evict(at_least_bytes=GIVE_WAY))
    return Parts(settings=settings, database=storage.database, objects=GuardedObjectStore(storage.objects, space),
                 clock=utc_now, events=EventBus(), node=node, space=space, intercom=storage.intercom,
                 second_copy=open_second_copy(
                     data_dir=settings.data_dir, folder=settings.second_copy_dir, url=settings.second_copy_url,
                     endpoint=settings.second_copy_s3_endpoint, region=settings.second_copy_s3_region,
                     access_key_id=settings.second_copy_s3_access_key_id,
                     secret_access_key=settings.second_copy_s3_secret_access_key,
                     reserve_bytes=settings.reserve_bytes))


class Gateway:
    """A running gateway: everything that main builds, with its addresses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stops: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self.http_address = ""
        self.dicom_address = ""
        self.mllp_address = ""
        self.mllp_tls_address = ""
        self.https_address = ""
        self.dicom_tls_address = ""

    async def start(self) -> None:
        """Open everything; on a failure close again what was opened, and raise."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        settings = self._settings
        parts = await open_parts(settings)
        self._stops.append(("storage", parts.database.close))
        if parts.intercom is not None and isinstance(parts.events, EventBus):
            carrier = NewsCarrier(parts.events, parts.intercom)
            await carrier.start()
            self._stops.append(("news", carrier.stop))
        await sweep_orphans.clear_part_files(parts)
        await sweep_orphans.schedule_sweep(parts)
        await watch_certificates.schedule_watch(parts)
        await keep_unread_ecg.schedule_reading(parts)
        await activate_rules.ensure_rules(parts)
        parts = await hint_priority.with_hint_rules(parts)

        tls = calling_tls(settings)
        scp = StorageScp(parts, calling_tls=tls)
        parts = replace(parts, associations=scp)
        runner = JobRunner(parts, {**self._handlers(parts, tls), **commitment_handlers(settings, scp.lines, tls),
                                   **workitem_handlers(settings, scp.lines, tls)},
                           but_not=frozenset(examine_ecg.HANDLERS))
        await runner.start()
        self._stops.append(("jobs", runner.stop))
        # Many ECGs at once: looking at their samples must not hold up their way onto the worklist.
        examiner = Examiner()
        self._stops.append(("examiner", examiner.stop))
        examining = JobRunner(parts, examine_ecg.handlers(examiner), workers=1, only=frozenset(examine_ecg.HANDLERS))
        await examining.start()
        self._stops.append(("examinations", examining.stop))
        clocks = ClockRunner(parts)
        await clocks.start()
        self._stops.append(("clocks", clocks.stop))
        self._stops.append(("simulations", parts.simulations.stop))
        await tell_restarted(parts)
        workitems = FollowReadings(parts)
        await workitems.start()
        self._stops.append(("workitems", workitems.stop))
        watch = SpaceWatch(parts)
        await watch.start()
        self._stops.append(("space watch", watch.stop))

        self.dicom_address = await scp.start()
        self.dicom_tls_address = scp.tls_address
        self._stops.append(("dicom", scp.stop))

        if settings.mllp or settings.mllp_tls:
            mllp = MllpListener(parts, tls=ServerTls(tls_files(
                settings, demands_certificate=settings.tls_client_certificate == "required",
            )) if settings.mllp_tls else None)
            await mllp.start()
            self.mllp_address, self.mllp_tls_address = mllp.address, mllp.tls_address
            self._stops.append(("mllp", mllp.stop))

        folders = WatchedFolders(parts)
        await folders.start()
        self._stops.append(("folders", folders.stop))

        local = LocalSocket(parts)
        await local.start()
        self._stops.append(("local socket", local.stop))

        await self._start_http(parts)
        self._warm_up(parts, examiner)

    def _handlers(self, parts: Parts, tls: ClientTls | None) -> dict[str, JobHandler]:
        return {
            **complete_study.HANDLERS, **route_study.HANDLERS, **claim_reading.HANDLERS, **RENDER_HANDLERS,
            **watch_certificates.HANDLERS, **pull_reports.HANDLERS, **sweep_orphans.HANDLERS,
            **scrub_objects.HANDLERS, **keep_unread_ecg.HANDLERS,
            **second_copy.HANDLERS, **delete_study.HANDLERS,
            **learn_character_set.HANDLERS, **match_order.HANDLERS, **correct_device_text.HANDLERS,
            **follow_orders.HANDLERS, **hand_over.HANDLERS,
            **deliver.handlers(open_channels(parts.settings, commitment=NodeCommitment(parts), tls=tls)),
            **forward_study.handlers(forward_channels(parts.settings, tls=tls)),
        }

    async def _start_http(self, parts: Parts) -> None:
        app = create_app(parts, dicom_address=self.dicom_address)
        http = web.AppRunner(app, access_log=None, shutdown_timeout=3.0)
        await http.setup()
        host, port = self._settings.host_port("http")
        site = web.TCPSite(http, host, port)
        await site.start()
        bound = http.addresses[0]
        self.http_address = f"{bound[0]}:{bound[1]}"
        self._stops.append(("http", http.cleanup))
        if self._settings.https:
            # People and programs log in here; devices show certificates on the DICOM port.
            context = ServerTls(tls_files(self._settings, asks_for_certificate=False)).listening_context()
            await web.TCPSite(http, *self._settings.host_port("https"), ssl_context=context).start()
            bound = http.addresses[1]
            self.https_address = f"{bound[0]}:{bound[1]}"

    def _warm_up(self, parts: Parts, examiner: Examiner) -> None:
        """Beside everything else; a failure is of no consequence but a slower first ECG."""
        warming = asyncio.create_task(examine_ecg.warm_up(parts, examiner), name="ecg-warm-up")

        async def ended() -> None:
            await asyncio.wait([warming])

        self._stops.append(("ecg warm-up", ended))

    async def stop(self) -> None:
        """Close the doors, then the rest, each within its share of ten seconds."""
        while self._stops:
            name, stop = self._stops.pop()
            try:
                async with asyncio.timeout(STOP_WITHIN_S):
                    await stop()
            except TimeoutError:
                log.error("part did not stop in time", part=name)


def keep_heaps_few() -> None:
    """Let the threads of all associations share two heaps of glibc.

    By default each core adds eight, and what a thread frees in its own is of no use to the next one: with 40 senders
    that was 33 MB of 311 after two minutes, at the same speed.
    """
    with contextlib.suppress(AttributeError, OSError):      # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


async def serve(settings: Settings, *, on_ready: Callable[[Gateway], None]) -> None:
    """Run a gateway until SIGTERM or SIGINT; then drain and stop."""
    keep_heaps_few()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopping.set)
    gateway = Gateway(settings)
    await gateway.start()
    # What is here now stays: a full collection that walks all of it stops every thread for a tenth of a second.
    gc.collect()
    gc.freeze()
    try:
        on_ready(gateway)
        await stopping.wait()
    finally:
        await gateway.stop()
