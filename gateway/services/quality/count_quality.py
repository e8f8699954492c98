"""Figures of quality by device, person, site, modality or grader, month by month (D6, G63)."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.core.quality_figures import Line, Per, lines_of, month_bounds
from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Scope


@dataclass(frozen=True, slots=True)
class Figures:
    """Lines, and the names of what they are about: sites, devices and people by id."""

    lines: list[Line]
    months: list[str]
    site_names: dict[str, str]
    names: dict[str, str]                # of devices or people


async def count_quality(parts: Parts, scope: Scope, per: Per, *, first: str, last: str) -> Figures:
    """The months from `first` to `last`, e.g. "2026-01"; "" is this month. Raises InvalidRequest("month")."""
    zone = ZoneInfo(parts.settings.time_zone)
    this_month = f"{parts.clock().astimezone(zone):%Y-%m}"
    bounds = month_bounds(first or last or this_month, last or this_month, zone)
    times = [at for _, at in bounds]

    def look_up(tx: Transaction) -> Figures:
        grades = tx.quality.current_between(times[0], times[-1], scope)
        asked = [(retake, grade) for retake in tx.quality.retakes_between(times[0], times[-1], scope)
                 if (grade := tx.quality.grade(retake.grade_id, scope)) is not None]
        arrived = [(bounds[span][0], site, device, modality, count)
                   for span, site, device, modality, count in tx.quality.studies_between(times, scope)]
        lines = lines_of(per, zone, grades, asked, arrived)
        sites = {site.id: site.name for site in tx.sites.sites(scope)}
        if per is Per.GRADER:
            names = tx.worklists.names([line.subject[1] for line in lines])
        else:
            names = {device.id: device.name for device in tx.sites.devices(scope)} if per is Per.DEVICE else {}
        return Figures(lines, [month for month, _ in bounds[:-1]], sites, names)

    return await parts.database.read(look_up)
