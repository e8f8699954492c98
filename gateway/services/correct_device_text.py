"""Correct the character set of a device with one act: for what it will send, and for what it has sent (C4).

The rule is set at once; the job "read_device_text_again" then reads the studies that were guessed, or read by an
earlier rule, again from the kept bytes. Names that were simply as declared stay. A report that is signed stays as it
was signed. Taking a correction back is another correction.
"""

from __future__ import annotations

from functools import partial

from gateway.core.charset import python_codec
from gateway.core.errors import InvalidRequest, NotNow
from gateway.services.administer_sites import By
from gateway.services.job_runner import JobHandler
from gateway.services.learn_character_set import device_in_scope
from gateway.services.ports import Event, Parts
from gateway.services.read_text_again import read_study_again
from gateway.services.settle_quarantine import checked_reason
from storage.interface import Transaction
from storage.model import (
    AuditEntry,
    CharacterSetCorrection,
    Device,
    Job,
    new_id,
)

JOB = "read_device_text_again"
_PAGE = 50


async def correct_device_text(parts: Parts, device_id: str, character_set: str, *, reason: str, by: By) -> None:
    """Set the device's character set ("" for none) and have its studies read again.

    Raises NotFound, InvalidRequest, NotNow if that is what is set already.
    """
    reason, character_set = checked_reason(reason), checked_character_set(character_set)

    def correct(tx: Transaction) -> Device:
        device = device_in_scope(tx, device_id, by)
        if (device.character_set or "") == character_set:
            raise NotNow("This is the device's character set already.", reason="nothing-to-change")
        return _corrected(tx, parts, device, character_set, reason, by)

    _announce(parts, await parts.database.write(correct))


async def undo_device_text(parts: Parts, device_id: str, *, reason: str, by: By) -> None:
    """Take the last correction back that nobody has taken back yet. Raises NotFound, InvalidRequest, NotNow."""
    reason = checked_reason(reason)

    def undo(tx: Transaction) -> Device:
        device = device_in_scope(tx, device_id, by)
        last = last_in_force(tx.character_sets.corrections_of(device_id))
        if last is None or last.after != (device.character_set or ""):
            raise NotNow("There is no correction to take back.", reason="nothing-to-undo")
        return _corrected(tx, parts, device, last.before, reason, by, undoes=last.id)

    _announce(parts, await parts.database.write(undo))


def last_in_force(newest_first: list[CharacterSetCorrection]) -> CharacterSetCorrection | None:
    """The newest correction that was not taken back and is no taking back itself."""
    undone = {correction.undoes for correction in newest_first}
    return next((c for c in newest_first if not c.undoes and c.id not in undone), None)


def checked_character_set(text: str) -> str:
    """A codec that the gateway knows, "" for none. Raises InvalidRequest."""
    text = text.strip()
    if not text:
        return ""
    try:
        return python_codec(text)
    except LookupError as exc:
        raise InvalidRequest(f"{text[:40]} is not a known character set.", reason="unknown-character-set") from exc


async def run_read_device_text_again(parts: Parts, job: Job) -> None:
    """The job: its ref is the correction's id. Reading a study again twice does no harm."""
    def begin(tx: Transaction) -> tuple[CharacterSetCorrection | None, Device | None]:
        correction = tx.character_sets.correction(job.ref)
        return correction, tx.sites.device(correction.device_id) if correction is not None else None

    correction, device = await parts.database.read(begin)
    if correction is None or device is None or correction.finished_at is not None:
        return
    after = ""
    while page := await parts.database.read(partial(_page_of_studies, device.id, after)):
        for study_id in page:
            if await read_study_again(parts, study_id, device, rule_before=correction.before, actor=correction.actor,
                                      correction_id=correction.id):
                await parts.database.write(lambda tx: tx.character_sets.count_read_again(correction.id, 1))
        after = page[-1]
    await parts.database.write(lambda tx: tx.character_sets.finish_correction(correction.id, parts.clock()))
    parts.events.publish(Event("device", device.site_id))


def _page_of_studies(device_id: str, after: str, tx: Transaction) -> list[str]:
    return tx.character_sets.studies_of_device(device_id, after=after, limit=_PAGE)


def _corrected(tx: Transaction, parts: Parts, device: Device, character_set: str, reason: str, by: By, *,
               undoes: str = "") -> Device:
    now, before = parts.clock(), device.character_set or ""
    correction = CharacterSetCorrection(new_id(), device.id, device.site_id, now, by.actor, reason, before,
                                        character_set, undoes)
    tx.character_sets.set_device_rule(device.id, character_set or None)
    tx.character_sets.add_correction(correction)
    tx.audit.append(AuditEntry(
        now, by.actor, "device.text_corrected", site_id=device.site_id, address=by.address,
        detail={"device": device.id, "ae_title": device.ae_title, "before": before, "after": character_set,
                "reason": reason, "correction": correction.id, "undoes": undoes}))
    tx.jobs.enqueue(JOB, correction.id, due=now)
    return device


def _announce(parts: Parts, device: Device) -> None:
    parts.events.publish(Event("device", device.site_id))
    parts.events.wake_jobs()


HANDLERS: dict[str, JobHandler] = {JOB: run_read_device_text_again}
