"""Offer report templates; for an ECG with the numbers of this study in their places, each with its source (T6)."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.ecg_numbers import SourcedNumber
from gateway.core.ecg_report_text import filled_technique
from gateway.core.errors import NotFound
from gateway.core.facts import ECG_MODALITY
from gateway.core.report_templates import ReportTemplate, templates_for
from gateway.services.ports import Parts
from gateway.services.show_ecg_analysis import numbers_of
from storage.interface import Transaction
from storage.model import EcgFacts, Scope


async def offer_templates(parts: Parts, scope: Scope, *, modality: str, body_part: str, kind: str,
                          study_id: str = "") -> list[ReportTemplate]:
    """The templates for a study, the best first. Raises NotFound when `study_id` is given and out of scope."""
    offered = templates_for(modality, body_part, kind)
    if not study_id:
        return offered
    newest = await parts.database.read(lambda tx: _newest(tx, scope, study_id))
    if newest is None:
        return offered
    facts, numbers = newest
    return [replace(template, technique=filled_technique(
        template.technique, numbers, filters=facts.filters, sampling_frequency_hz=1e6 / facts.interval_us))
        if ECG_MODALITY in template.modalities else template for template in offered]


def ecg_numbers(tx: Transaction, study_id: str, scope: Scope) -> dict[str, dict[str, SourcedNumber]]:
    """Every number of every ECG of a study, by instance."""
    instances = [i for i in tx.studies.instances_of(study_id, scope) if i.has_waveform]
    return {instance.id: numbers_of(tx, instance.id) for instance in instances}


def _newest(tx: Transaction, scope: Scope, study_id: str) -> tuple[EcgFacts, dict[str, SourcedNumber]] | None:
    if tx.studies.get(study_id, scope) is None:
        raise NotFound("There is no such study.")
    facts = [found for i in tx.studies.instances_of(study_id, scope)
             if i.has_waveform and (found := tx.studies.ecg_of(i.id)) is not None]
    if not facts:
        return None
    newest = max(facts, key=lambda ecg: ecg.recorded_at.timestamp() if ecg.recorded_at else 0.0)
    return newest, numbers_of(tx, newest.instance_id)
