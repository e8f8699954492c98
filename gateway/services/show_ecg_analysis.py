"""Show what the gateway and a doctor measured on an ECG, and the earlier ECGs of the same person.

An ECG that was never examined, or by an older method, is examined when somebody looks. The samples of the median
beats are computed again from the object as received, and stay on a small shelf: a page asks for them more than once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.core.ecg_analysis import METHOD, MedianBeats
from gateway.core.ecg_numbers import SourcedNumber, numbers_by_source
from gateway.core.errors import NotFound
from gateway.core.facts import ECG_MODALITY
from gateway.services.examine_ecg import examine_again
from gateway.services.ports import Parts
from gateway.services.show_ecg import EcgShelf, is_page
from gateway.signals.analyse import analyse
from storage.interface import Transaction
from storage.model import EcgFacts, Instance, Scope, Study
from storage.model.ecg_analyses import EcgCorrection, StoredAnalysis

MOST_PREVIOUS = 30


@dataclass(frozen=True, slots=True)
class ShownAnalysis:
    """One ECG with everything that was measured on it."""

    study: Study
    instance: Instance
    facts: EcgFacts | None
    stored: StoredAnalysis | None
    correction: EcgCorrection | None     # the last, unless it was taken back
    corrected_by: str | None
    priority_hints: list[dict[str, Any]]

    @property
    def numbers(self) -> dict[str, SourcedNumber]:
        return _numbers(self.facts, self.stored, self.correction)


@dataclass(frozen=True, slots=True)
class PreviousEcg:
    """An earlier ECG of the same person."""

    study: Study
    instance: Instance
    reading_id: str | None
    site_name: str
    recorded_at: datetime | None
    numbers: dict[str, SourcedNumber]
    correction: EcgCorrection | None


async def show_analysis(parts: Parts, scope: Scope, instance_id: str) -> ShownAnalysis:
    """Return what is known now, and see to it that more will be. Raises NotFound."""
    shown = await parts.database.read(lambda tx: look_up(tx, scope, instance_id))
    if shown.instance.has_waveform and (shown.stored is None or shown.stored.method != METHOD):
        await examine_again(parts, shown.instance)
    return shown


def look_up(tx: Transaction, scope: Scope, instance_id: str) -> ShownAnalysis:
    """Within the scope. Raises NotFound."""
    study, instance = find_any_ecg(tx, scope, instance_id)
    correction = last_correction(tx, instance.id)
    decisions = tx.decisions.of_study(study.id, scope)
    return ShownAnalysis(
        study, instance, tx.studies.ecg_of(instance.id), tx.ecg_analyses.get(instance.id), correction,
        tx.worklists.names([correction.user_id]).get(correction.user_id) if correction else None,
        decisions[0].hints if decisions else [])


async def previous_ecgs(parts: Parts, scope: Scope, instance_id: str) -> list[PreviousEcg]:
    """Earlier ECGs of the same patient identity that the caller may see, newest first. Raises NotFound."""
    return await parts.database.read(lambda tx: _previous(tx, scope, instance_id))


class MedianBeatShelf:
    """Median beats, the last few asked for. One per process; used from the event loop."""

    def __init__(self, parts: Parts, *, places: int = 16) -> None:
        self._records = EcgShelf(parts, places=places)
        self._places = places
        self._beats: OrderedDict[str, MedianBeats | None] = OrderedDict()

    async def show(self, scope: Scope, instance_id: str) -> MedianBeats:
        """By the present METHOD. Raises NotFound where there is no such ECG or no beat in it, Unreadable."""
        shown = await self._records.show(scope, instance_id)
        key = shown.instance.object_sha256
        if key not in self._beats:
            self._beats[key] = (await asyncio.to_thread(analyse, shown.record)).median_beats
        self._beats.move_to_end(key)
        while len(self._beats) > self._places:
            self._beats.popitem(last=False)
        beats = self._beats.get(key)
        if beats is None:
            raise NotFound("No median beat can be made of this ECG.", reason="no-median-beat")
        return beats


def find_any_ecg(tx: Transaction, scope: Scope, instance_id: str) -> tuple[Study, Instance]:
    """An ECG within the scope, also one that is a page alone. Raises NotFound."""
    found = tx.studies.get_instance_by_id(instance_id, scope)
    if found is None or not (found[1].has_waveform or is_page(*found)):
        raise NotFound("There is no such ECG.")
    return found


def last_correction(tx: Transaction, instance_id: str) -> EcgCorrection | None:
    """None if there is none, or if it was taken back."""
    made = tx.ecg_analyses.corrections(instance_id)
    return made[0] if made and made[0].fiducials_us else None


def numbers_of(tx: Transaction, instance_id: str) -> dict[str, SourcedNumber]:
    """Every number that anybody has of one ECG; check its scope first."""
    return _numbers(tx.studies.ecg_of(instance_id), tx.ecg_analyses.get(instance_id),
                    last_correction(tx, instance_id))


def _numbers(facts: EcgFacts | None, stored: StoredAnalysis | None,
             correction: EcgCorrection | None) -> dict[str, SourcedNumber]:
    return numbers_by_source(
        device=facts.measurements if facts else {},
        gateway=stored.content.get("measurements", {}) if stored else {},
        doctor=correction.measurements if correction else {})


def _previous(tx: Transaction, scope: Scope, instance_id: str) -> list[PreviousEcg]:
    study, instance = find_any_ecg(tx, scope, instance_id)
    before = _made_at(tx, study, instance)
    studies = [study, *(other for other in tx.studies.related(study, scope) if other.modality == ECG_MODALITY)]
    found = []
    for other in studies[:MOST_PREVIOUS + 1]:
        for candidate in tx.studies.instances_of(other.id, scope):
            if candidate.id == instance.id or not (candidate.has_waveform or is_page(other, candidate)):
                continue
            if _made_at(tx, other, candidate) < before:
                found.append((other, candidate))
    readings = tx.worklists.readings_of({other.id for other, _ in found}, scope)
    names = {site.id: site.name for site in tx.sites.sites(scope)}
    return sorted((_shown(tx, other, candidate, names, readings[other.id].id if other.id in readings else None)
                   for other, candidate in found),
                  key=lambda ecg: ecg.recorded_at or ecg.study.first_arrival_at, reverse=True)[:MOST_PREVIOUS]


def _made_at(tx: Transaction, study: Study, instance: Instance) -> datetime:
    facts = tx.studies.ecg_of(instance.id)
    return (facts.recorded_at if facts else None) or study.study_at or instance.received_at


def _shown(tx: Transaction, study: Study, instance: Instance, names: dict[str, str],
           reading_id: str | None) -> PreviousEcg:
    facts, correction = tx.studies.ecg_of(instance.id), last_correction(tx, instance.id)
    return PreviousEcg(study, instance, reading_id, names.get(study.site_id, study.site_id),
                       (facts.recorded_at if facts else None) or study.study_at,
                       _numbers(facts, tx.ecg_analyses.get(instance.id), correction), correction)
