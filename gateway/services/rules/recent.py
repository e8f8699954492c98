"""Studies that a draft can be tried on: the newest decided ones, or those that a person looks for."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.services.ports import Parts
from storage.interface import Transaction
from storage.model import Decision, Scope, Study


@dataclass(frozen=True, slots=True)
class DecidedStudy:
    study: Study
    site_name: str
    decision: Decision | None            # the newest


async def decided_lately(parts: Parts, scope: Scope, words: str = "", *, limit: int = 20) -> list[DecidedStudy]:
    """By UID, accession number, patient ID or name; without words the last ones that were decided."""
    def look_up(tx: Transaction) -> list[DecidedStudy]:
        ids = (tx.keeping.find_studies(words, scope, limit=limit) if words
               else tx.replays.decided_lately(scope, limit=limit))
        studies = [found for found in (tx.studies.get(study_id, scope) for study_id in ids) if found is not None]
        names = {site.id: site.name for site in tx.sites.sites(scope)}
        newest = [next(iter(tx.decisions.of_study(study.id, scope)), None) for study in studies]
        return [DecidedStudy(study, names.get(study.site_id, study.site_id), decision)
                for study, decision in zip(studies, newest, strict=True)]

    return await parts.database.read(look_up)
