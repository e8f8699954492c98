"""Prove that the store is sound: every object is there and unchanged, the index points at nothing else, and the
audit chain is whole.

Works beside a running gateway: it reads in pages, and what arrives meanwhile is either seen whole or not at all.
The end of an audit chain is compared with the head row of its node as it was before the walk. Whoever can rewrite a
whole chain and its head leaves no trace here; that is what an anchor kept elsewhere is for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.services.ports import Parts
from gateway.services.reach_second_copy import open_place
from storage.errors import ObjectMissing, StorageUnavailable
from storage.interface import CHUNK_BYTES, Digest, ObjectStore, chain_fault
from storage.model import ChainedAuditEntry, CopyState, ObjectCare, ObjectRef

Progress = Callable[[int, int], None]
"""Called with (objects checked, objects in all)."""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What was looked at and what is wrong; each fault is named so that a person can look for it."""

    objects_checked: int
    bytes_checked: int
    missing: tuple[str, ...]             # hashes the index relies on, not in the object store
    damaged: tuple[str, ...]             # hashes whose bytes are not what their name says
    orphans: int                         # objects no row names: harmless, the sweep removes them
    pointing_nowhere: tuple[str, ...]    # "table id hash" of rows whose object the index does not know
    audit_checked: int
    audit_faults: tuple[str, ...]        # "node: what is wrong"
    sm3_checked: int = 0                 # objects whose SM3 was compared too; the scrub adds it
    copies_checked: int = 0              # second copies that were read back
    copies_bad: tuple[str, ...] = ()     # "hash: what is wrong" of second copies that were said to be there
    copies_waiting: int = 0              # objects that have no second copy yet: not a fault, but not safe either
    second_copy: str = ""                # why the second copy could not be looked at; "": it could, or there is none
    deleted: int = 0                     # objects that were deleted after their retention and left a tombstone

    @property
    def is_sound(self) -> bool:
        return not (self.missing or self.damaged or self.pointing_nowhere or self.audit_faults or self.copies_bad
                    or self.second_copy)

    def summary(self) -> str:
        """One line: "12 objects checked, 0 missing, 0 damaged, …"."""
        return (f"{self.objects_checked} objects checked, {len(self.missing)} missing, {len(self.damaged)} damaged, "
                f"{self.orphans} orphans, {len(self.pointing_nowhere)} rows pointing nowhere, "
                f"{self.audit_checked} audit entries checked, {len(self.audit_faults)} broken, "
                f"{self.copies_checked} second copies checked, {len(self.copies_bad)} bad, "
                f"{self.copies_waiting} waiting, {self.deleted} deleted")


async def verify(parts: Parts, *, on_progress: Progress | None = None) -> VerifyResult:
    """Re-hash every object and its second copy, compare them with the index, and check the audit chain.

    Changes nothing: what is damaged is named here, and repaired by the scrub.
    """
    # Names first: an object that arrives while we look has its row a moment later, never the other way round.
    names = set(await asyncio.to_thread(parts.objects.names))
    total, _ = await parts.database.read(lambda tx: tx.objects.total())
    copies, second_copy = await _open_copies(parts)
    checked = size_bytes = sm3_checked = copies_checked = copies_waiting = 0
    missing: list[str] = []
    damaged: list[str] = []
    copies_bad: list[str] = []
    after = ""
    while page := await _objects_behind(parts, after):
        cares = await _cares_of(parts, page)
        for ref in page:
            care = cares.get(ref.sha256)
            sm3 = care.sm3 if care is not None else ""
            fault = await asyncio.to_thread(_fault, parts.objects, ref, sm3)
            if fault == "":
                size_bytes, sm3_checked = size_bytes + ref.size_bytes, sm3_checked + (sm3 != "")
            else:
                (missing if fault == "missing" else damaged).append(ref.sha256)
            if copies is not None and care is not None and care.copy_state is CopyState.COPIED:
                copies_checked += 1
                if fault := await asyncio.to_thread(_fault, copies, ref, ""):
                    copies_bad.append(f"{ref.sha256}: {fault}")
            elif parts.second_copy is not None:
                copies_waiting += 1
            names.discard(ref.sha256)
            checked += 1
            if on_progress is not None:
                on_progress(checked, max(total, checked))
        after = page[-1].sha256
    unnamed, (deleted, _) = await parts.database.read(
        lambda tx: (tx.objects.unnamed(), tx.keeping.count_tombstones()))
    audit_checked, audit_faults = await _check_audit(parts)
    return VerifyResult(
        checked, size_bytes, tuple(missing), tuple(damaged), len(names), tuple(" ".join(row) for row in unnamed),
        audit_checked, tuple(audit_faults), sm3_checked=sm3_checked, copies_checked=copies_checked,
        copies_bad=tuple(copies_bad), copies_waiting=copies_waiting, second_copy=second_copy, deleted=deleted)


async def _objects_behind(parts: Parts, after: str) -> list[ObjectRef]:
    return await parts.database.read(lambda tx: tx.objects.page(after))


async def _cares_of(parts: Parts, page: Sequence[ObjectRef]) -> dict[str, ObjectCare]:
    return await parts.database.read(lambda tx: tx.object_care.get_many([ref.sha256 for ref in page]))


async def _open_copies(parts: Parts) -> tuple[ObjectStore | None, str]:
    if parts.second_copy is None:
        return None, ""
    try:
        return (await open_place(parts))[0], ""
    except StorageUnavailable as exc:
        return None, str(exc)


def _fault(objects: ObjectStore, ref: ObjectRef, sm3: str) -> str:
    """Runs in a thread: read the object back without holding it whole; "", "missing" or "damaged"."""
    digest = Digest(with_sm3=sm3 != "")
    try:
        while chunk := objects.get_range(ref.sha256, digest.size_bytes, CHUNK_BYTES):
            digest.update(chunk)
    except ObjectMissing:
        return "missing"
    return "" if digest.names(ref) and digest.sm3 == sm3 else "damaged"


async def _check_audit(parts: Parts) -> tuple[int, list[str]]:
    heads = await parts.database.read(lambda tx: tx.audit.head())
    faults: list[str] = []
    last: dict[str, ChainedAuditEntry] = {}
    checked = 0
    node, seq = "", 0
    while page := await _audit_behind(parts, node, seq):
        for chained in page:
            fault = chain_fault(chained, last.get(chained.node))
            if not fault and heads.get(chained.node, (0, ""))[0] == chained.seq and (
                    heads[chained.node][1] != chained.hash):
                fault = f"entry {chained.seq} is not the one that the head row names"
            if fault:
                faults.append(f"{chained.node}: {fault}")
            last[chained.node] = chained
        checked += len(page)
        node, seq = page[-1].node, page[-1].seq
    for name, (head_seq, _) in heads.items():
        end = last[name].seq if name in last else 0
        if end < head_seq:
            faults.append(f"{name}: the entries behind {end} up to {head_seq} are gone")
    faults.extend(f"{name}: the chain has no head row" for name in last if name not in heads)
    return checked, faults


async def _audit_behind(parts: Parts, node: str, seq: int) -> list[ChainedAuditEntry]:
    return await parts.database.read(lambda tx: tx.audit.page(node, seq))
