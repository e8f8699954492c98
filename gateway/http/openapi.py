"""The description of the API, made from the table of routes and the messages: it cannot drift from either."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from gateway import __version__
from gateway.http.errors import PROBLEM_JSON
from gateway.http.messages import Problem
from gateway.http.routing import Route, json_response

_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")
_REF = "#/components/schemas/{name}"


def routes(table: Sequence[Route]) -> list[Route]:
    """The row of the description, which describes itself too."""
    async def show(request: web.Request) -> web.StreamResponse:
        return json_response(document)

    own = Route("GET", "/api/openapi.json", show, "This description", is_public=True, response=dict[str, Any])
    document = describe([*table, own])
    return [own]


def describe(table: Iterable[Route]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document."""
    rows = list(table)
    types = [kind for row in rows for kind in (row.request, row.response) if kind is not None]
    unique = list(dict.fromkeys([*types, Problem]))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    schema_of = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        operation = _operation(row, schema_of)
        paths.setdefault(_PARAMETER.sub(r"{\1}", row.path), {})[row.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reading Gateway", "version": __version__,
                 "description": "Times are ISO 8601 UTC. Every refusal is a problem document (RFC 9457)."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "rg_session"},
                                "token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(row: Route, schema_of: dict[type, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(row), "summary": row.summary, "tags": [_tag(row.path)],
        "responses": {"default": {"description": "Refused", "content": {
            PROBLEM_JSON: {"schema": schema_of[Problem]}}}},
        "security": _security(row),
    }
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                  for name in _PARAMETER.findall(row.path)]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in row.query]
    if parameters:
        operation["parameters"] = parameters
    if row.request is not None:
        operation["requestBody"] = {"required": True,
                                    "content": {"application/json": {"schema": schema_of[row.request]}}}
    success: dict[str, Any] = {"description": "Done"}
    if row.response is not None:
        success["content"] = {"application/json": {"schema": schema_of[row.response]}}
    operation["responses"]["2XX"] = success
    if row.roles:
        operation["x-roles"] = sorted(row.roles)
    if row.token_scopes:
        operation["x-token-scopes"] = sorted(row.token_scopes)
    return operation


def _security(row: Route) -> list[dict[str, list[str]]]:
    if row.is_public:
        return []
    return [{name: []} for name, is_meant in (("session", row.roles), ("token", row.token_scopes)) if is_meant]


def _operation_id(row: Route) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", _PARAMETER.sub(r"by_\1", row.path).lower()).strip("_")
    return f"{row.method.lower()}_{words}" + ("_root" if row.path.endswith("/") else "")   # "/dicom-web" is there too


def _tag(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    return parts[1] if len(parts) > 1 and parts[0] == "api" else (parts[0] if parts else "pages")
