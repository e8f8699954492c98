"""Ask for the examination of an ECG in the write that indexes it, and let routing wait for it, but never for long."""

from __future__ import annotations

from datetime import datetime, timedelta

from storage.interface import Transaction
from storage.model import Instance

JOB = "examine_ecg"

ROUTE_WITHIN = timedelta(seconds=1.5)
"""A study with an ECG is routed as soon as its ECGs are examined, and after so long in any case."""

CROWD = 3
"""With more ECGs than that before it, an ECG is routed at once: what its examination finds raises it afterwards."""


def queue_examination(tx: Transaction, instance: Instance, *, at: datetime) -> None:
    """The job that looks at the samples; nothing for an object without any."""
    if instance.has_waveform:
        tx.jobs.enqueue(JOB, instance.id, due=at)


def route_due(tx: Transaction, study_id: str, *, at: datetime) -> datetime:
    """When the study is to be routed: now, or a little later while an ECG of it will soon be examined."""
    is_soon = tx.ecg_analyses.is_one_waiting(study_id) and not tx.jobs.are_waiting(JOB, more_than=CROWD)
    return at + ROUTE_WITHIN if is_soon else at
