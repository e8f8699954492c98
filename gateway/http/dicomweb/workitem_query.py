"""Read the search keys of UPS-RS: by keyword or tag, also inside sequences; and the page (PS3.18 8.3.4, 11.9)."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from pydicom.datadict import dictionary_VR, tag_for_keyword

from gateway.core.errors import InvalidRequest
from gateway.core.workitem_query import BadQuery, WorkitemKey, key_of

MAX_PAGE = 200
_CONTROLS = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept", "charset"})
_HEX = frozenset("0123456789abcdefABCDEF")


class WorkitemSearch:
    """What one search asks. Raises InvalidRequest."""

    def __init__(self, request: web.Request) -> None:
        query = request.query
        self.keys = keys_of((name, text) for name, text in query.items() if name not in _CONTROLS)
        self.include = [_path(field.strip())[0] if field.strip().lower() != "all" else "all"
                        for text in query.getall("includefield", []) for field in text.split(",") if field.strip()]
        self.is_fuzzy = query.get("fuzzymatching", "").lower() == "true"
        self.limit = min(_count(request, "limit", MAX_PAGE), MAX_PAGE)
        self.offset = _count(request, "offset", 0)
        self.is_cut = _count(request, "limit", MAX_PAGE + 1) > MAX_PAGE


def keys_of(pairs: Iterable[tuple[str, str]]) -> list[WorkitemKey]:
    """Matching keys from names and values. Raises InvalidRequest."""
    found = []
    for name, text in pairs:
        path = _path(name)
        vr = _vr(path[-1])
        if vr == "SQ":
            if text.strip():
                raise InvalidRequest(f"{name}: name an attribute inside the sequence.", reason="query")
            continue
        if vr == "UI":
            text = text.replace(",", "\\")
        try:
            found.append(key_of(path, vr, text))
        except BadQuery as exc:
            raise InvalidRequest(str(exc), reason="query") from exc
    return found


def filter_of(request: web.Request) -> list[WorkitemKey]:
    """Keys of a filtered subscription: `filter=a=b,c=d`, or as in a search. Raises InvalidRequest."""
    pairs = [(name, text) for name, text in request.query.items() if name not in (*_CONTROLS, "filter",
                                                                                  "deletionlock")]
    for text in request.query.getall("filter", []):
        for piece in filter(None, (one.strip() for one in text.split(","))):
            name, sign, wanted = piece.partition("=")
            if not sign:
                raise InvalidRequest(f"filter: {piece} is no attribute=value.", reason="query")
            pairs.append((name, wanted))
    return keys_of(pairs)


def _path(name: str) -> list[str]:
    found = []
    for piece in name.split("."):
        if len(piece) == 8 and set(piece) <= _HEX:
            found.append(piece.upper())
            continue
        tag = tag_for_keyword(piece)
        if tag is None:
            raise InvalidRequest(f"{name[:80]} is no attribute.", reason="query")
        found.append(f"{tag:08X}")
    return found


def _vr(tag: str) -> str:
    try:
        return dictionary_VR(int(tag, 16)).split(" ")[0]
    except KeyError as exc:
        raise InvalidRequest(f"{tag} is not known.", reason="query") from exc


def _count(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequest(f"{name}={text[:40]} is no count.", reason="query")
    return int(text)
