"""Prove that the store is sound: every object is there and unchanged, the index points at nothing else, and the
audit chain is whole.

Works beside a running gateway: it reads in pages, and what arrives meanwhile is either seen whole or not at all.
The end of an audit chain is compared with the head row of its node as it was before the walk. Whoever can rewrite a
whole chain and its head leaves no trace here; that is what an anchor kept elsewhere is for.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway.services.ports import Parts
from storage.errors import ObjectMissing
from storage.interface import ObjectStore, chain_fault
from storage.model import ChainedAuditEntry, ObjectRef

Progress = Callable[[int, int], None]
"""Called with (objects checked, objects in all)."""

_CHUNK_BYTES = 4 << 20


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

    @property
    def is_sound(self) -> bool:
        return not (self.missing or self.damaged or self.pointing_nowhere or self.audit_faults)

    def summary(self) -> str:
        """One line: "12 objects checked, 0 missing, 0 damaged, …"."""
        return (f"{self.objects_checked} objects checked, {len(self.missing)} missing, {len(self.damaged)} damaged, "
                f"{self.orphans} orphans, {len(self.pointing_nowhere)} rows pointing nowhere, "
                f"{self.audit_checked} audit entries checked, {len(self.audit_faults)} broken")


async def verify(parts: Parts, *, on_progress: Progress | None = None) -> VerifyResult:
    """Re-hash every object, compare it with the index, and check the audit chain. Changes nothing."""
    # Names first: an object that arrives while we look has its row a moment later, never the other way round.
    names = set(await asyncio.to_thread(parts.objects.names))
    total, _ = await parts.database.read(lambda tx: tx.objects.total())
    checked = size_bytes = 0
    missing: list[str] = []
    damaged: list[str] = []
    after = ""
    while page := await _objects_behind(parts, after):
        for ref in page:
            try:
                if await asyncio.to_thread(_is_whole, parts.objects, ref):
                    size_bytes += ref.size_bytes
                else:
                    damaged.append(ref.sha256)
            except ObjectMissing:
                missing.append(ref.sha256)
            names.discard(ref.sha256)
            checked += 1
            if on_progress is not None:
                on_progress(checked, max(total, checked))
        after = page[-1].sha256
    unnamed = await parts.database.read(lambda tx: tx.objects.unnamed())
    audit_checked, audit_faults = await _check_audit(parts)
    return VerifyResult(checked, size_bytes, tuple(missing), tuple(damaged), len(names),
                        tuple(" ".join(row) for row in unnamed), audit_checked, tuple(audit_faults))


async def _objects_behind(parts: Parts, after: str) -> list[ObjectRef]:
    return await parts.database.read(lambda tx: tx.objects.page(after))


def _is_whole(objects: ObjectStore, ref: ObjectRef) -> bool:
    """Runs in a thread: hash the object without holding it whole."""
    digest = hashlib.sha256()
    start = 0
    while chunk := objects.get_range(ref.sha256, start, _CHUNK_BYTES):
        digest.update(chunk)
        start += len(chunk)
    return start == ref.size_bytes and digest.hexdigest() == ref.sha256


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
