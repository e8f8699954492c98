"""Write down who fetched which study: once for a login and a study, not once for each of its frames (E7)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from aiohttp import web

from gateway.http.routing import Caller, caller_of
from gateway.services.find_studies import StoredStudy, note_retrievals
from gateway.services.ports import Parts
from gateway.services.written_lately import WrittenLately
from storage.model import AuditEntry

SESSION_COOKIE = "rg_session"


class RetrievalLog:
    """Remembers in this process what was written; after a restart it is written once more."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._written = WrittenLately()

    async def note(self, request: web.Request, studies: Iterable[StoredStudy], what: str) -> None:
        """Add "study.retrieved" to the audit trail before any byte leaves. Raises StorageUnavailable."""
        caller, now = caller_of(request), self._parts.clock()
        fresh = {self._key(request, caller, study): study for study in studies}
        fresh = {key: study for key, study in fresh.items() if not self._written.has(key, now=now)}
        if not fresh:
            return
        entries = [AuditEntry(at=now, actor=caller.actor, action="study.retrieved",
                              site_id=study.site_id, study_id=study.study_id, patient_id=study.patient_key,
                              address=caller.address, detail={"what": what}) for study in fresh.values()]
        await note_retrievals(self._parts, entries)
        for key in fresh:
            self._written.add(key, now=now)

    def _key(self, request: web.Request, caller: Caller, study: StoredStudy) -> str:
        # A login ends by itself; a machine's token does not, so it is written down anew each day.
        since = request.cookies.get(SESSION_COOKIE) or self._parts.clock().date().isoformat()
        return hashlib.sha256(f"{caller.actor}\n{since}\n{study.study_id}".encode()).hexdigest()
