"""A gateway that serves DICOMweb to machines of one site, and what goes in and out of it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp

from tests.support.web import add_site, add_token, serving


@asynccontextmanager
async def served(parts):
    """The app with DICOMweb; yields (web, ingest token, read token) of site-a."""
    await add_site(parts, "site-a", "演示甲")
    await add_site(parts, "site-b", "演示乙")
    ingest, read = await add_token(parts, "site-a", "ingest"), await add_token(parts, "site-a", "read")
    async with serving(parts) as web:
        yield web, web.stranger(token=ingest), web.stranger(token=read)


def multipart(*files: bytes, kind: str = "application/dicom", boundary: str = "edge") -> tuple[bytes, dict[str, str]]:
    body = b"".join(b"--" + boundary.encode() + b"\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + data + b"\r\n"
                    for data in files) + b"--" + boundary.encode() + b"--\r\n"
    return body, {"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}'}


async def stow(session, *files: bytes, path: str = "/dicom-web/studies"):
    body, headers = multipart(*files)
    async with session.post(path, data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def address(ds) -> str:
    return (f"/dicom-web/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
            f"/instances/{ds.SOPInstanceUID}")


async def parts_of(answer) -> list[tuple[dict[str, str], bytes]]:
    """Headers and body of each part of a multipart answer."""
    found = []
    async for part in aiohttp.MultipartReader.from_response(answer):
        assert isinstance(part, aiohttp.BodyPartReader)
        found.append((dict(part.headers), bytes(await part.read())))
    return found
