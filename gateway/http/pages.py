"""Serve the reading UI: its built files, and index.html for every address that its own router knows."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from aiohttp import web

from gateway.http.routing import Route
from gateway.services.ports import Parts

API_PREFIXES = ("/api", "/dicom-web", "/fhir")
TYPES = {".wasm": "application/wasm", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
         ".html": "text/html; charset=utf-8", ".json": "application/json", ".woff2": "font/woff2",
         ".png": "image/png", ".ico": "image/x-icon", ".webmanifest": "application/manifest+json"}
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Reading Gateway</title>
<h1>The reading UI is not built</h1>
<p>The gateway is running and receives studies, but this checkout has no pages yet.</p>
<p>Run <code>make run</code>, or in <code>reading_ui/</code>: <code>npm ci</code>, then <code>npm run build</code>,
and load this page again. An installed release brings its pages along.</p>
<p lang="zh">网关正在运行，可以接收检查，但页面尚未构建。请运行 <code>make run</code>，或在 <code>reading_ui/</code>
中运行 <code>npm ci</code> 和 <code>npm run build</code>，然后刷新本页。</p>
</html>
"""


def routes(parts: Parts, *, folder: Path | None = None) -> list[Route]:
    """The last row of the table: whatever no other row takes."""
    dist = (folder or built_ui()).resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.path
        if any(path == prefix or path.startswith(prefix + "/") for prefix in API_PREFIXES):
            raise web.HTTPNotFound(text="There is no such address in this API.")
        file = (dist / request.match_info["path"].lstrip("/")).resolve() if "\x00" not in path else dist
        if file.is_relative_to(dist) and file.is_file():
            return _file(file, is_hashed=file.parent.name == "assets")
        if Path(path).suffix:
            raise web.HTTPNotFound(text="There is no such file.")       # a missing asset is not a page
        index = dist / "index.html"
        if not index.is_file():
            return web.Response(status=503, text=NOT_BUILT, content_type="text/html",
                                headers={"Cache-Control": ASK_FIRST})
        return _file(index, is_hashed=False)

    return [Route("GET", "/{path:.*}", serve, "The reading UI", is_public=True)]


def built_ui() -> Path:
    """Where the build lies: inside the installed package, or in the checkout."""
    return Path(str(files("reading_ui"))) / "dist"


def _file(path: Path, *, is_hashed: bool) -> web.FileResponse:
    headers = {"Cache-Control": FOREVER if is_hashed else ASK_FIRST}
    if path.suffix in TYPES:
        headers["Content-Type"] = TYPES[path.suffix]
    # FileResponse sends the .gz that lies beside the file to browsers that take it.
    return web.FileResponse(path, headers=headers)
