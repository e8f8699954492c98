"""Answer UPS-RS requests: refusals with the status and Warning that PS3.18 section 11 gives them.

By the text of 2020. Where that edition leaves 400 or 409 open for a missing or wrong Transaction UID, it is 409, as
in 2017 and as for every other conflict with the workitem's state.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.core.workitems import SAID, Refused, Status
from gateway.http.errors import problem_response

UPDATE_CONFLICT = "The submitted request is inconsistent with the current state of the Workitem."
STATE_CONFLICT = "The submitted request is inconsistent with the state of the UPS Instance."
_CODES: Mapping[Status, int] = {
    Status.UNKNOWN: 404, Status.UNKNOWN_AE_TITLE: 404, Status.NOT_AUTHORIZED: 403, Status.INVALID_VALUE: 400,
    Status.MISSING_ATTRIBUTE: 400, Status.MISSING_VALUE: 400, Status.NOT_CREATED_SCHEDULED: 400,
    Status.NOT_FOR_THIS_INSTANCE: 400,
}
"""Every other refusal is a conflict, 409."""


def base_of(request: web.Request) -> str:
    """Where DICOMweb is, as the caller reached it."""
    return f"{request.url.origin()}/dicom-web"


def warning(request: web.Request, text: str) -> dict[str, str]:
    """The Warning header of section 11: "299 <service>: text"."""
    return {"Warning": f"299 {base_of(request)}: {text}"} if text else {}


def warning_of(request: web.Request, status: Status) -> dict[str, str]:
    """The header for a request that was carried out, with or without a warning."""
    return warning(request, SAID[status])


def refusal(request: web.Request, error: Refused, *, conflict: str = "", has_transaction_uid: bool = True,
            final_is_bad_request: bool = False) -> web.Response:
    """A problem document with the Warning that describes the conflict."""
    status = error.status
    code = _CODES.get(status, 409)
    text = conflict if code == 409 else ""
    if status is Status.WRONG_TRANSACTION_UID:
        text = f"The Transaction UID is {'incorrect' if has_transaction_uid else 'missing'}."
    elif status is Status.DUPLICATE:
        text = SAID[status]
    elif status is Status.NO_LONGER_UPDATED and final_is_bad_request:
        code = 400                       # 11.6.2
    elif status is Status.NOT_IN_PROGRESS and final_is_bad_request:
        text = "The target URI did not reference a claimed Workitem."
    return problem_response(code, error.reason, str(error), headers=warning(request, text))
