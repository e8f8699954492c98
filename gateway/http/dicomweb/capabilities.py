"""What this origin server offers, made from its own table of routes (PS3.18 8.9): it promises what is there.

As WADL, which the standard names, or as JSON with the same content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import msgspec
from aiohttp import web

from gateway.http.dicomweb.media import (
    DICOM,
    DICOM_JSON,
    DICOM_XML,
    JSON,
    OCTETS,
    ZIP,
    acceptable,
)
from gateway.http.dicomweb.qido_query import INSTANCE_LEVEL, SERIES_LEVEL, STUDY_LEVEL
from gateway.http.errors import problem_response
from gateway.http.routing import Route

WADL = "application/vnd.sun.wadl+xml"
_PATTERN = re.compile(r"\{(\w+):[^}]*\}")
_LISTS = (DICOM_JSON, JSON, f'multipart/related; type="{DICOM_XML}"')
_PICTURES = ("image/jpeg", "image/png", "image/gif")
_FRAMES = (OCTETS, "image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/dicom-rle")


@dataclass(frozen=True, slots=True)
class _Resource:
    path: str
    method: str
    name: str
    query: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()


class Capabilities:
    """The handler of OPTIONS at the root of DICOMweb."""

    def __init__(self, table: Sequence[Route]) -> None:
        self._resources = [_described(row) for row in table]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """OPTIONS /dicom-web and /dicom-web/"""
        base = f"{request.url.origin()}/dicom-web"
        for wanted in acceptable(request):
            if wanted.media_type in (WADL, "application/xml"):
                return web.Response(body=self._wadl(base), content_type=WADL)
            if wanted.covers(JSON) or wanted.covers(DICOM_JSON):
                return web.Response(body=self._json(base), content_type=JSON)
        return problem_response(406, "not-acceptable", f"Capabilities are given as {WADL} or {JSON}.")

    def _json(self, base: str) -> bytes:
        return msgspec.json.encode({"base": base, "resources": [
            {"path": one.path.removeprefix("/dicom-web"), "method": one.method, "name": one.name,
             "query": one.query, "request": one.takes, "response": one.gives} for one in self._resources]})

    def _wadl(self, base: str) -> bytes:
        root = ET.Element("application", {"xmlns": "http://wadl.dev.java.net/2009/02"})
        resources = ET.SubElement(root, "resources", {"base": base})
        nodes: dict[str, ET.Element] = {}
        for one in self._resources:
            path = one.path.removeprefix("/dicom-web/")
            if path not in nodes:
                nodes[path] = ET.SubElement(resources, "resource", {"path": path})
            method = ET.SubElement(nodes[path], "method", {"name": one.method, "id": one.name})
            request = ET.SubElement(method, "request")
            for name in one.query:
                ET.SubElement(request, "param", {"name": name, "style": "query"})
            for media_type in one.takes:
                ET.SubElement(request, "representation", {"mediaType": media_type})
            response = ET.SubElement(method, "response", {"status": "200"})
            for media_type in one.gives:
                ET.SubElement(response, "representation", {"mediaType": media_type})
        return b'<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(root)


def _described(row: Route) -> _Resource:
    path = _PATTERN.sub(r"{\1}", row.path)
    if path.startswith(("/dicom-web/workitems", "/dicom-web/subscribers")):
        return _of_worklist(row, path)
    if row.method == "POST":
        parts = tuple(f'multipart/related; type="{kind}"' for kind in (DICOM, DICOM_JSON, DICOM_XML))
        return _Resource(path, row.method, row.summary, (), (*parts, DICOM), (DICOM_JSON, DICOM_XML))
    last = path.rsplit("/", 1)[-1]
    if last in ("studies", "series", "instances"):
        keys = STUDY_LEVEL if last == "studies" else SERIES_LEVEL if last == "series" else INSTANCE_LEVEL
        keys = keys if "{study}" in path else keys | STUDY_LEVEL
        keys = keys | SERIES_LEVEL if last == "instances" and "{series}" not in path else keys
        return _Resource(path, row.method, row.summary,
                         (*sorted(keys), "includefield", "fuzzymatching", "limit", "offset", "accept"), (), _LISTS)
    if last == "metadata":
        return _Resource(path, row.method, row.summary, ("accept",), (), _LISTS)
    if last in ("rendered", "thumbnail"):
        query = ("viewport", "window", "quality", "accept") if last == "rendered" else ("accept",)
        return _Resource(path, row.method, row.summary, query, (), _PICTURES if last == "rendered" else _PICTURES[:1])
    if "/frames/" in path:
        return _Resource(path, row.method, row.summary, ("accept",), (), _FRAMES)
    if "bulkdata" in path or last == "pixeldata":
        return _Resource(path, row.method, row.summary, ("accept",), (), (OCTETS,))
    objects = (f'multipart/related; type="{DICOM}"', DICOM, ZIP)
    return _Resource(path, row.method, row.summary, ("accept",), (), objects)


def _of_worklist(row: Route, path: str) -> _Resource:
    """The worklist service: payloads go in and out as metadata, and a subscription has none."""
    if "subscribers" in path:
        is_new = row.method == "POST" and not path.endswith("suspend")
        return _Resource(path, row.method, row.summary, ("deletionlock", "filter") if is_new else ())
    if row.method == "GET":
        is_search = path == "/dicom-web/workitems"
        return _Resource(path, row.method, row.summary, (
            "includefield", "fuzzymatching", "limit", "offset", "accept") if is_search else ("accept",), (), _LISTS)
    return _Resource(path, row.method, row.summary, (), _LISTS)
