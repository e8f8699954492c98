"""A proxy before a real S3 service that answers some requests with a server error instead of passing them on."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "content-encoding", "expect"}


@dataclass
class FailingS3:
    """Its address, and how it fails now: one of `statuses` for this share of the requests with these methods."""

    endpoint: str = ""
    share: float = 0.0
    methods: tuple[str, ...] = ("PUT", "GET", "HEAD")
    statuses: tuple[int, ...] = (500, 502, 503)
    failed: int = 0
    passed_on: int = 0


@asynccontextmanager
async def failing_s3(service: str, chance: random.Random) -> AsyncIterator[FailingS3]:
    """Listen on a free port before the service at this address."""
    proxy = FailingS3()
    target = urlsplit(service).netloc

    async def pass_on(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.method in proxy.methods and chance.random() < proxy.share:
            proxy.failed += 1
            return web.Response(status=chance.choice(proxy.statuses))
        proxy.passed_on += 1
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        # the path as it was signed, not as it would be written anew
        url = URL(f"http://{target}{request.raw_path}", encoded=True)
        async with client.request(request.method, url, headers=headers, data=body) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers.get("Content-Length", "0")
                return web.Response(status=answer.status, headers=kept)
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    app = web.Application(client_max_size=1 << 28)
    app.router.add_route("*", "/{path:.*}", pass_on)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    proxy.endpoint = f"http://{host}:{port}"
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        try:
            yield proxy
        finally:
            await runner.cleanup()
