"""What happens around every request, outermost first: security headers, metrics, problem documents, limits, CSRF,
caller. A handler runs only for a caller whom its row of the route table admits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.core.errors import GatewayError, NotAllowed
from gateway.http.auth import Authenticator
from gateway.http.errors import problem_of, problem_response
from gateway.http.routing import CALLER, Route
from gateway.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from gateway.settings import Settings
from storage.errors import StorageError

Rows = Mapping[web.AbstractRoute, Route]

log = structlog.get_logger("gateway.http")

# No COOP or COEP: the viewer needs no SharedArrayBuffer. WebAssembly decodes compressed images; frames are for PDFs.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join((
        "default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'", "worker-src 'self' blob:", "frame-src 'self' blob:",
        "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'self'")),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# A report's PDF is shown in a frame of our own page, by the browser's viewer, which brings styles of its own.
PDF_POLICY = "frame-ancestors 'self'"

SMALL_BODY_BYTES = 2 << 20
MULTIPART_ROOM_BYTES = 64 << 10
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STARTED = web.RequestKey("started", bool)


def body_limit_bytes(settings: Settings, method: str, path: str) -> int:
    """The largest body that a path takes; the routes beyond the small limit stream or bound it themselves."""
    if path.startswith("/dicom-web"):
        return settings.max_upload_bytes + MULTIPART_ROOM_BYTES
    if path == "/api/ecg" and method == "POST":
        return settings.max_ecg_bytes + MULTIPART_ROOM_BYTES
    return SMALL_BODY_BYTES


def too_large(request: web.Request, limit_bytes: int) -> web.Response | None:
    """The refusal of a body that says of itself that it is too large, before a byte of it is read."""
    if request.content_length is None or request.content_length <= limit_bytes:
        return None
    response = problem_response(413, "too-large", f"At most {limit_bytes} bytes are taken here.")
    response.force_close()
    return response


def build(settings: Settings, authenticator: Authenticator, rows: Rows) -> list[Middleware]:
    """All of them, in order."""
    return [_security_headers, _metrics(rows), _problems, _limits(settings), _refuse_other_origins,
            _caller(authenticator, rows)]


async def note_start(request: web.Request, response: web.StreamResponse) -> None:
    """Signal before headers leave: from here on an error can only end the connection."""
    request[STARTED] = True
    if response.headers.get(hdrs.CONTENT_TYPE, "").startswith("application/pdf"):      # parsing it costs 0.2 ms
        response.headers.setdefault("Content-Security-Policy", PDF_POLICY)
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(("/api", "/dicom-web")):
        response.headers.setdefault("Cache-Control", "no-store" if request.path.startswith("/api")
                                    else "private, no-cache")


@web.middleware
async def _security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    # The headers are set by `note_start`, which streams pass too; only the server's name goes here.
    response = await handler(request)
    if not response.prepared:
        response.headers[hdrs.SERVER] = "reading-gateway"
    return response


def _metrics(rows: Rows) -> Middleware:
    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        row = rows.get(request.match_info.route)
        route = row.path if row is not None else "unknown"
        method = request.method if request.method in hdrs.METH_ALL else "other"
        status = 499                                     # the caller hung up
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            HTTP_REQUESTS.labels(method, route, str(status)).inc()
            HTTP_SECONDS.labels(method, route).observe(time.perf_counter() - begun)

    return measure


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The listener's outermost loop: whatever happens, this caller gets an answer and the next one is served."""
    failure: Exception | None
    try:
        return await handler(request)
    except (GatewayError, StorageError) as error:
        answer, failure = problem_of(error), error
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer, failure = problem_of(error), None
    except Exception as error:
        answer, failure = problem_response(500, "internal", "Something went wrong here; it was logged."), error
    if failure is not None and answer.status >= 500:
        log.error("request failed", method=request.method, status=answer.status, error=type(failure).__name__,
                  exc_info=failure)
    if request.get(STARTED):
        # Half an answer left already. Ending the connection is the only honest sign that it is not whole.
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the answer failed half-way")
    return answer


def _limits(settings: Settings) -> Middleware:
    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        allowed = body_limit_bytes(settings, request.method, request.path)
        refusal = too_large(request, allowed)
        if refusal is not None:
            return refusal
        if allowed != SMALL_BODY_BYTES:
            request = request.clone(client_max_size=allowed)
        return await handler(request)

    return limit


@web.middleware
async def _refuse_other_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """CSRF: a browser says where a request comes from; one that changes something must come from our own pages.

    A bearer token is never sent by a browser on its own, so machines need not prove an origin.
    """
    if request.method not in SAFE_METHODS and "Authorization" not in request.headers:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None and site not in ("same-origin", "none"):
            raise NotAllowed("This request comes from another site.", reason="other-origin")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            raise NotAllowed("This request comes from another origin.", reason="other-origin")
    return await handler(request)


def _caller(authenticator: Authenticator, rows: Rows) -> Middleware:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        row = rows.get(request.match_info.route)
        if row is not None and not row.is_public:
            request[CALLER] = await authenticator.caller(request, row)
        return await handler(request)

    return admit
