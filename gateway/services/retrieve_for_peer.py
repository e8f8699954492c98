"""What a C-MOVE or C-GET sends: which objects, opened one at a time, and where to (PS3.4 C.4.2, C.4.3).

Objects leave as they are kept wherever the peer takes their transfer syntax; otherwise a copy is decompressed. Signed
reports go with their study. Fetching a report proves no delivery: only the delivery's own channel or a person does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from io import BufferedReader
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from gateway.core import query_keys as k
from gateway.core.peer_query import PeerQuery
from gateway.core.query_keys import UNIQUE_KEYS, Level
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.part10 import read_file_meta
from gateway.renditions.stored_file import RangeFile
from gateway.renditions.transcode import transcode
from gateway.reports.encapsulated_pdf import report_series_uid
from gateway.services.find_for_peer import narrowed
from gateway.services.know_sender import scope_of
from gateway.services.peer_records import REPORT_SOP_CLASS, REPORT_TRANSFER_SYNTAX
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender
from storage.interface import RetrievableObject as RetrievableObject
from storage.interface import StoredReport, Transaction
from storage.model import EVERYWHERE, ArrivalVia, AuditEntry, Device

MOST_OBJECTS = 65_535
"""Sub-operations are counted in 16 bits (PS3.7 9.1.3)."""


async def objects_for(parts: Parts, sender: Sender, query: PeerQuery) -> list[RetrievableObject]:
    """Everything below the unique keys that the caller may see, instances before reports; one more than MOST_OBJECTS
    where there are too many. Only unique keys count (PS3.4 C.4.2.1.4.1)."""
    unique = {UNIQUE_KEYS[level] for level in Level if query.root.top <= level <= query.level}
    query = replace(query, keys={tag: key for tag, key in query.keys.items() if tag in unique})
    wanted = narrowed(query, ZoneInfo(parts.settings.time_zone))

    def read(tx: Transaction) -> list[RetrievableObject]:
        scope = scope_of(tx, sender)
        found = tx.query_retrieve.retrievable(wanted, scope, limit=MOST_OBJECTS + 1)
        reports = tx.query_retrieve.reports(wanted.series.study, scope, limit=MOST_OBJECTS + 1,
                                            sop_instance_uids=query.values(k.SOP_INSTANCE_UID))
        return [*found, *(_object(report) for report in reports if _is_below(report, query))][:MOST_OBJECTS + 1]

    return await parts.database.read(read)


async def note_retrieval(parts: Parts, sender: Sender, objects: Iterable[RetrievableObject], *, service: str,
                         destination: str) -> None:
    """Add to the audit trail whose objects are asked for, one entry a study, before any byte leaves (J3)."""
    counts: dict[tuple[str, str, str], int] = {}
    for one in objects:
        key = (one.site_id, one.study_id, one.patient_key)
        counts[key] = counts.get(key, 0) + 1
    entries = [_entry(parts.clock(), sender, key, count, service, destination) for key, count in counts.items()]

    def append(tx: Transaction) -> None:
        for entry in entries:
            tx.audit.append(entry)

    await parts.database.write(append)


async def destination_for(parts: Parts, sender: Sender, ae_title: str) -> Device | None:
    """The registered device that a caller may have objects sent to: one that listens, of a site that may see them.

    A clinic's device sends to its own site, or up to a centre or hospital, which sees every site anyway; a title that
    several devices have is taken at the caller's own site first, and otherwise refused rather than guessed.
    """
    def read(tx: Transaction) -> Device | None:
        scope = scope_of(tx, sender)
        found = [device for device in tx.sites.devices(EVERYWHERE)
                 if device.ae_title == ae_title and device.is_enabled and device.port and device.address]
        own = [device for device in found if sender.device is not None and device.site_id == sender.device.site_id]
        allowed = own or [device for device in found if _may_receive(tx, device, scope.site_ids or frozenset())]
        return allowed[0] if len(allowed) == 1 and scope.site_ids else None

    return await parts.database.read(read)


def open_object(parts: Parts, one: RetrievableObject, transfer_syntax_uid: str) -> BinaryIO:
    """The data set as a file at its first byte: as stored and read while it leaves, or a decompressed copy.

    Raises Unreadable (it cannot be turned into this transfer syntax), ObjectMissing, StorageUnavailable. Blocking.
    """
    size = parts.objects.size(one.object_sha256)

    def read_range(start: int, length: int) -> bytes:
        return parts.objects.get_range(one.object_sha256, start, length)

    if transfer_syntax_uid != one.transfer_syntax_uid:
        return transcode(read_range, size, transfer_syntax_uid)
    file = RangeFile(read_range, size)
    file.seek(read_file_meta(ByteSource(b"", size, read_range)).dataset_start)
    return cast(BinaryIO, BufferedReader(file, 1 << 20))


def _may_receive(tx: Transaction, device: Device, site_ids: frozenset[str]) -> bool:
    """True if the device sees at least what the caller sees."""
    seen = scope_of(tx, _as_sender(device)).site_ids or frozenset()
    return device.site_id in site_ids or (bool(site_ids) and site_ids <= seen)


def _as_sender(device: Device) -> Sender:
    return Sender(site_id=device.site_id, device=device, via=ArrivalVia.DICOM)


def _is_below(report: StoredReport, query: PeerQuery) -> bool:
    series_uids = query.values(k.SERIES_UID)
    return not series_uids or report_series_uid(report.reading_id) in series_uids


def _object(report: StoredReport) -> RetrievableObject:
    study = report.study
    return RetrievableObject(study.study_id, study.site_id, study.patient_key, report.sop_instance_uid,
                             REPORT_SOP_CLASS, REPORT_TRANSFER_SYNTAX, report.object_sha256)


def _entry(at: datetime, sender: Sender, key: tuple[str, str, str], count: int, service: str, destination: str
           ) -> AuditEntry:
    site_id, study_id, patient_key = key
    detail = {"what": service, "instances": count, "event": "110104", "association": sender.association_id}
    return AuditEntry(at, sender.audit_actor, "study.retrieved", site_id=site_id, study_id=study_id,
                      patient_id=patient_key, address=sender.address,
                      detail=detail | ({"destination": destination} if destination else {}))
