"""Turn errors into answers, once: every refusal of /api is a problem document (RFC 9457).

gateway/dicom/statuses.py is the twin of this table for DIMSE.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway.core.errors import (
    DestinationRefused,
    DestinationUnavailable,
    GatewayError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotNow,
    Unreadable,
)
from gateway.http.messages import Problem
from storage.errors import ObjectMissing, StorageError, StorageFull, StorageUnavailable

STATUS: Mapping[type[Exception], int] = {
    NotFound: 404,
    NotAllowed: 403,
    NotNow: 409,
    InvalidRequest: 400,
    Unreadable: 422,
    DestinationUnavailable: 503,
    DestinationRefused: 502,
    GatewayError: 500,
    StorageFull: 503,
    StorageUnavailable: 503,
    ObjectMissing: 500,
    StorageError: 500,
}

STATUS_OF_REASON: Mapping[str, int] = {
    "bad-login": 401,
    "login-needed": 401,
    "bad-token": 401,
    "media-type": 415,
    "too-large": 413,
    "too-broad": 413,
}
"""Reasons that have a status code of their own within their class."""

STORAGE_REASON: Mapping[type[StorageError], str] = {
    StorageFull: "storage-full",
    StorageUnavailable: "storage-unavailable",
    ObjectMissing: "object-missing",
}

PROBLEM_JSON = "application/problem+json"


def problem_response(status: int, reason: str, detail: str = "", *,
                     headers: Mapping[str, str] | None = None) -> web.Response:
    """One problem document; `reason` is the machine word that the screens translate."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, reason=reason, detail=detail)
    response = web.Response(status=status, body=msgspec.json.encode(problem), content_type=PROBLEM_JSON)
    response.headers.update(headers or {})
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="reading-gateway"'
    elif status == 503:
        response.headers["Retry-After"] = "5"
    return response


def described(error: GatewayError | StorageError) -> tuple[int, str, str]:
    """Status code, machine word and words of an error that somebody raised on purpose."""
    if isinstance(error, GatewayError):
        return STATUS_OF_REASON.get(error.reason) or _by_class(error), error.reason, str(error)
    # The class says what happened; the text of a storage error may name paths, which stay in the log.
    return _by_class(error), STORAGE_REASON.get(type(error), "storage"), (type(error).__doc__ or "").strip()


def problem_of(error: GatewayError | StorageError | web.HTTPException) -> web.Response:
    """The answer to an error that somebody raised on purpose."""
    if not isinstance(error, web.HTTPException):
        return problem_response(*described(error))
    reason = HTTPStatus(error.status).phrase.lower().replace(" ", "-")
    if error.status == 413:
        reason = "too-large"
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return problem_response(error.status, reason, error.text or "", headers=headers)


def _by_class(error: Exception) -> int:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
