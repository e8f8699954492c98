"""Show what lies in quarantine: the arrival, the object it is in conflict with, and the difference by element.

Nothing is changed by looking, but who looked is written down: both objects may name a patient. An administrator of
one site is not shown an object of another.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gateway.core.dataset_difference import (
    DatasetDifference,
    PixelDifference,
    PixelVerdict,
    ShownElement,
    dataset_difference,
    shape_verdict,
)
from gateway.core.errors import NotFound, Unreadable
from gateway.core.quarantine_choices import Situation, choices, in_force
from gateway.formats.dicom_dataset import DatasetHead, read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.shown_elements import shown_elements
from gateway.renditions.decode import decode_frame
from gateway.renditions.frames import StoredImage, image_of
from gateway.renditions.stored_file import FileHead, read_head
from gateway.services.administer_sites import By
from gateway.services.ports import Parts
from storage.errors import ObjectMissing
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    Arrival,
    ArrivalOutcome,
    AuditEntry,
    Instance,
    ObjectRef,
    QuarantineChoice,
    QuarantineDecision,
    Study,
)

_FIRST_BYTES = 1 << 20
_SHOWN_BYTES = 128
_MAX_COMPARED_BYTES = 128 << 20          # of decoded pixels of one object; more frames than that are not compared
_COMPARING = threading.Lock()            # one comparison at a time: it must not starve receiving


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two objects."""

    sha256: str
    size_bytes: int
    is_readable: bool
    fault: str = ""                      # why it cannot be read
    transfer_syntax_uid: str = ""
    has_picture: bool = False
    first_bytes: bytes = b""             # of one that cannot be read


@dataclass(frozen=True, slots=True)
class Found:
    """What the tables say of an arrival in quarantine, in one snapshot."""

    arrival: Arrival
    first: Instance | None               # the object that has the SOP Instance UID in the index
    first_study: Study | None
    decisions: tuple[QuarantineDecision, ...]
    is_first_elsewhere: bool             # it is there, but of a site that the caller may not see
    study_site_id: str = ""              # of the study that the arrival names, "" if it is not known


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything a person needs to decide."""

    found: Found
    first: Side | None
    second: Side
    difference: DatasetDifference
    pixels: PixelDifference
    choices: tuple[QuarantineChoice, ...]
    is_same_study: bool                  # the arrival names the study in which the first object is
    named_site_id: str                   # of the known study that it names, "" if the caller may not know
    names: Mapping[str, str]             # of the people who decided
    alike: int                           # others that wait, of the same association and for the same reason


async def examine(parts: Parts, arrival_id: str, by: By) -> Examination:
    """Compare an arrival with the object that came first. Raises NotFound."""
    head = await second_head(parts, arrival_id, by)
    found = await parts.database.read(lambda tx: find(tx, arrival_id, by, head))
    await _note(parts, found, by)
    codec = await codec_of(parts, found.arrival.device_id)
    first_ref = None if found.first is None else superseded(found) or (
        found.first.object_sha256, found.first.size_bytes)
    first_codec = await codec_of(parts, found.first_study.device_id if found.first_study else None)
    first, first_head, one = await asyncio.to_thread(_read_side, parts, first_ref, first_codec)
    second, second_file, other = await asyncio.to_thread(
        _read_side, parts, (found.arrival.object_sha256, found.arrival.size_bytes), codec)
    assert second is not None
    pixels = PixelDifference(PixelVerdict.NONE)
    if first_head is not None and second_file is not None:
        pixels = await asyncio.to_thread(_pixel_difference, first_head, second_file)
    actors = [decision.actor for decision in found.decisions]
    now = situation(found, head)
    return Examination(
        found, first, second, dataset_difference(one if second.is_readable else (), other), pixels, choices(now),
        now.is_same_study, found.study_site_id if by.scope.allows(found.study_site_id) else "",
        *await parts.database.read(
            lambda tx: (tx.worklists.names(actors), len(tx.quarantine.alike(found.arrival)))))


async def object_of(parts: Parts, arrival_id: str, by: By, *, is_first: bool) -> ObjectRef:
    """The arrival's own bytes, or those that it is in conflict with. Raises NotFound."""
    head = await second_head(parts, arrival_id, by)
    found = await parts.database.read(lambda tx: find(tx, arrival_id, by, head))
    if not is_first:
        return ObjectRef(found.arrival.object_sha256, found.arrival.size_bytes)
    kept = superseded(found)
    if kept is not None and found.first is not None:
        return ObjectRef(*kept)
    if found.first is None:
        raise NotFound("There is no other object.")
    return ObjectRef(found.first.object_sha256, found.first.size_bytes)


async def second_head(parts: Parts, arrival_id: str, by: By) -> DatasetHead | None:
    """What the index would know of the arrival; None where it cannot be read as DICOM. Raises NotFound."""
    arrival = await parts.database.read(lambda tx: in_quarantine(tx, arrival_id, by))
    codec = await codec_of(parts, arrival.device_id)
    return await asyncio.to_thread(read_again, parts, arrival, codec)


def read_again(parts: Parts, arrival: Arrival, device_codec: str | None) -> DatasetHead | None:
    """Read the kept bytes as receiving does, with what is known today; blocking. None: still not readable."""
    objects, sha256 = parts.objects, arrival.object_sha256
    try:
        first_bytes = objects.get_range(sha256, 0, _FIRST_BYTES)
        return read_part10(ByteSource(first_bytes, arrival.size_bytes,
                                      lambda start, length: objects.get_range(sha256, start, length)),
                           device_codec=device_codec)
    except (Unreadable, ObjectMissing):
        return None


def in_quarantine(tx: Transaction, arrival_id: str, by: By) -> Arrival:
    """Raises NotFound."""
    arrival = tx.arrivals.get(arrival_id, by.scope)
    if arrival is None or arrival.outcome not in (ArrivalOutcome.QUARANTINED, ArrivalOutcome.CONFLICT):
        raise NotFound("There is no such arrival in quarantine.")
    return arrival


def find(tx: Transaction, arrival_id: str, by: By, head: DatasetHead | None) -> Found:
    """The arrival and what it is in conflict with. Raises NotFound."""
    arrival = in_quarantine(tx, arrival_id, by)
    uid = head.sop_instance_uid if head is not None else arrival.sop_instance_uid
    kept = tx.studies.find_instance(uid) if uid else None
    owner = tx.studies.get(kept.study_id, EVERYWHERE) if kept is not None else None
    named = tx.studies.find_uid(head.study_instance_uid, EVERYWHERE) if head is not None else None
    may_see = owner is not None and by.scope.allows(owner.site_id)
    is_taken_in = kept is not None and arrival.resolved_at is not None and kept.object_sha256 == arrival.object_sha256
    decisions = tuple(tx.quarantine.decisions(arrival_id))
    if is_taken_in and not any(d.choice is QuarantineChoice.USE_SECOND for d in in_force(decisions)):
        kept = owner = None                  # what was taken in is not in conflict with itself
    return Found(arrival, kept if may_see else None, owner if may_see else None, decisions,
                 is_first_elsewhere=kept is not None and not may_see,
                 study_site_id=named.site_id if named is not None else "")


def situation(found: Found, head: DatasetHead | None) -> Situation:
    """What the choices depend on."""
    study_uid = found.first_study.study_instance_uid if found.first_study is not None else ""
    return Situation(
        is_decided=found.arrival.resolved_at is not None, is_readable=head is not None,
        has_first=found.first is not None or found.is_first_elsewhere, may_see_first=found.first is not None,
        is_same_study=head is not None and head.study_instance_uid == study_uid,
        is_study_free=found.study_site_id in ("", found.arrival.site_id),
        is_conflict=found.arrival.outcome is ArrivalOutcome.CONFLICT, decisions=found.decisions)


def superseded(found: Found) -> tuple[str, int] | None:
    """Hash and size of the first object, where a decision in force has put the second in its place."""
    for decision in in_force(found.decisions):
        if decision.choice is QuarantineChoice.USE_SECOND:
            first = decision.detail["first"]
            return str(first["object_sha256"]), int(first["size_bytes"])
    return None


async def codec_of(parts: Parts, device_id: str | None) -> str | None:
    """The rule of a device, None if there is none."""
    device = await parts.database.read(lambda tx: tx.sites.device(device_id)) if device_id else None
    return device.character_set if device is not None else None


async def _note(parts: Parts, found: Found, by: By) -> None:
    arrival, study, now = found.arrival, found.first_study, parts.clock()
    key = "\n".join((by.actor, by.address, arrival.id))
    if parts.openings.has(key, now=now):
        return
    entry = AuditEntry(now, by.actor, "arrival.examined", site_id=arrival.site_id,
                       study_id=study.id if study else arrival.study_id,
                       patient_id=study.patient.id if study else None, address=by.address,
                       detail={"arrival": arrival.id})
    await parts.database.write(lambda tx: tx.audit.append(entry))
    parts.openings.add(key, now=now)


def _read_side(parts: Parts, ref: tuple[str, int] | None,
               codec: str | None) -> tuple[Side | None, FileHead | None, list[ShownElement]]:
    if ref is None:
        return None, None, []
    sha256, size_bytes = ref
    try:
        head = read_head(lambda start, length: parts.objects.get_range(sha256, start, length), size_bytes)
        return (Side(sha256, size_bytes, is_readable=True, transfer_syntax_uid=head.transfer_syntax_uid,
                     has_picture=_image(head) is not None), head, shown_elements(head.dataset, device_codec=codec))
    except ObjectMissing:
        return Side(sha256, size_bytes, is_readable=False, fault="missing"), None, []
    except Unreadable as exc:
        first_bytes = parts.objects.get_range(sha256, 0, _SHOWN_BYTES)
        fault = exc.reason if parts.objects.get_range(sha256, 128, 4) == b"DICM" else "not-dicom"
        return Side(sha256, size_bytes, is_readable=False, fault=fault, first_bytes=first_bytes), None, []


def _image(head: FileHead | None) -> StoredImage | None:
    if head is None or head.pixels is None:
        return None
    try:
        return image_of(head)
    except Unreadable:
        return None


def _pixel_difference(first: FileHead, second: FileHead) -> PixelDifference:
    one, other = _image(first), _image(second)
    if (first.pixels is not None and one is None) or (second.pixels is not None and other is None):
        return PixelDifference(PixelVerdict.UNDECODED)
    shapes = (_shape(one), _shape(other))
    verdict = shape_verdict(*shapes)
    if verdict is not None or one is None or other is None:
        return PixelDifference(verdict or PixelVerdict.NONE, shapes[0] or (), shapes[1] or ())
    with _COMPARING:
        return _compared_frames(one, other, shapes[0] or ())


def _shape(image: StoredImage | None) -> tuple[int, ...] | None:
    """Frames, rows, columns, samples."""
    if image is None:
        return None
    return image.frame_count, image.shape.rows, image.shape.columns, image.shape.samples_per_pixel


def _compared_frames(one: StoredImage, other: StoredImage, shape: tuple[int, ...]) -> PixelDifference:
    frames = min(one.frame_count, max(1, _MAX_COMPARED_BYTES // max(1, one.shape.decoded_bytes)))
    differing, largest = 0, 0.0
    try:
        for number in range(1, frames + 1):
            a, b = decode_frame(one, number).pixels, decode_frame(other, number).pixels
            if a.shape != b.shape:
                return PixelDifference(PixelVerdict.UNDECODED, shape, shape)
            gap = np.abs(a.astype(np.float64) - b.astype(np.float64))
            differing += int(np.count_nonzero(gap.max(axis=2) if gap.ndim == 3 else gap))
            largest = max(largest, float(gap.max(initial=0.0)))
    except Unreadable:
        return PixelDifference(PixelVerdict.UNDECODED, shape, shape)
    return PixelDifference(PixelVerdict.DIFFERENT if differing else PixelVerdict.IDENTICAL, shape, shape, differing,
                           frames * shape[1] * shape[2], largest, is_whole=frames == one.frame_count)
