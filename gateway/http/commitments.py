"""What devices asked us to commit to, and whether they took the answer."""

from __future__ import annotations

from aiohttp import web

from gateway.http.messages.commitments import CommitmentView
from gateway.http.routing import ADMINS, Route, caller_of, json_response
from gateway.services.ports import Parts


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def list_all(request: web.Request) -> web.StreamResponse:
        found = await parts.database.read(lambda tx: tx.commitments.recent_with_counts(caller_of(request).scope))
        return json_response([CommitmentView(
            id=one.id, transaction_uid=one.transaction_uid, site_id=one.site_id, ae_title=one.ae_title,
            requested_at=one.requested_at, state=one.state, instances=instances, failed=failed,
            reported_at=one.reported_at, attempts=one.attempts, next_attempt_at=one.next_attempt_at,
            last_error=one.last_error) for one, instances, failed in found])

    return [Route("GET", "/api/admin/commitments", list_all,
                  "Requests of devices for storage commitment, newest first", roles=ADMINS,
                  response=list[CommitmentView])]
