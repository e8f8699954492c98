"""Warn before a certificate ends: our own, and those that devices showed last.

An alarm 30 days and again 7 days before, and once it has ended; each once, however often somebody looks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from gateway.core.errors import Unreadable
from gateway.formats.certificates import read_certificate
from gateway.services.job_runner import JobHandler
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import EVERYWHERE, INBOX_SITE_ID, Device, Job, Scope, SeenCertificate

ALARM = "certificate-expiring"
_JOB_KIND = "watch_certificates"
_EVERY = timedelta(hours=6)
_FIRST_WARNING = timedelta(days=30)
_LAST_WARNING = timedelta(days=7)


class Freshness(StrEnum):
    GOOD = "good"
    ENDS_IN_A_MONTH = "ends_in_a_month"
    ENDS_IN_A_WEEK = "ends_in_a_week"
    ENDED = "ended"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class WatchedCertificate:
    """One certificate that matters: our own, or the last one that a registered device showed."""

    owner: str                           # "gateway", or the device's name
    site_id: str
    device_id: str | None
    sha256: str
    subject: str
    not_after: datetime | None
    freshness: Freshness
    detail: str = ""


def freshness_of(not_after: datetime, now: datetime) -> Freshness:
    """How long a certificate still lasts."""
    left = not_after - now
    if left <= timedelta(0):
        return Freshness.ENDED
    if left <= _LAST_WARNING:
        return Freshness.ENDS_IN_A_WEEK
    return Freshness.ENDS_IN_A_MONTH if left <= _FIRST_WARNING else Freshness.GOOD


async def watched_certificates(parts: Parts) -> list[WatchedCertificate]:
    """Our own first, then the devices'."""
    own = await asyncio.to_thread(_own, parts)
    seen = await parts.database.read(_of_devices)
    now = parts.clock()
    return [*own, *(WatchedCertificate(
        device.name, device.site_id, device.id, shown.sha256, shown.subject, shown.not_after,
        freshness_of(shown.not_after, now)) for device, shown in seen)]


async def list_devices(parts: Parts, scope: Scope) -> list[tuple[Device, SeenCertificate | None]]:
    """Every device with the certificate that a caller of its title and address showed last, admitted or not."""
    return await parts.database.read(lambda tx: [
        (device, tx.origins.newest_certificate(device.ae_title, device.address))
        for device in tx.sites.devices(scope)])


async def warn_of_certificates(parts: Parts) -> int:
    """Raise the alarms that are due; returns how many were new."""
    ending = [one for one in await watched_certificates(parts) if one.freshness is not Freshness.GOOD]
    now = parts.clock()

    def work(tx: Transaction) -> list[str]:
        raised = []
        for one in ending:
            ref = f"{one.device_id or 'gateway'}:{one.sha256[:16]}:{one.freshness.value}"
            if not tx.alarms.was_raised(ALARM, ref):
                tx.alarms.raise_alarm(ALARM, site_id=one.site_id, ref=ref, detail=_sentence(one), at=now)
                raised.append(one.site_id)
        return raised

    raised = await parts.database.write(work) if ending else []
    for site_id in set(raised):
        parts.events.publish(Event("alarm", site_id))
    return len(raised)


async def schedule_watch(parts: Parts) -> None:
    """At start: look at once, then now and then."""
    due = parts.clock()
    await parts.database.write(lambda tx: tx.jobs.enqueue(_JOB_KIND, "all", due=due))


async def _run(parts: Parts, _job: Job) -> None:
    await warn_of_certificates(parts)
    due = parts.clock() + _EVERY
    await parts.database.write(lambda tx: tx.jobs.postpone(_JOB_KIND, "all", due=due))


def _own(parts: Parts) -> list[WatchedCertificate]:
    path = parts.settings.tls_certificate_file
    if not path:
        return []
    try:
        facts = read_certificate(Path(path).read_bytes())
    except (OSError, Unreadable) as exc:
        return [WatchedCertificate("gateway", INBOX_SITE_ID, None, "", path, None, Freshness.UNREADABLE, str(exc))]
    return [WatchedCertificate("gateway", INBOX_SITE_ID, None, facts.sha256, facts.subject, facts.not_after,
                               freshness_of(facts.not_after, parts.clock()))]


def _of_devices(tx: Transaction) -> list[tuple[Device, SeenCertificate]]:
    found = ((device, tx.origins.newest_certificate(device.ae_title, device.address))
             for device in tx.sites.devices(EVERYWHERE) if device.is_enabled)
    return [(device, shown) for device, shown in found if shown is not None and shown.is_admitted]


def _sentence(one: WatchedCertificate) -> str:
    whose = "The gateway's own certificate" if one.device_id is None else f"The certificate of device {one.owner}"
    if one.not_after is None:
        return f"{whose} cannot be read: {one.detail}"
    verb = "ended" if one.freshness is Freshness.ENDED else "ends"
    return f"{whose} ({one.subject}) {verb} on {one.not_after:%Y-%m-%d}. Secure connections are refused without it."


HANDLERS: dict[str, JobHandler] = {_JOB_KIND: _run}
