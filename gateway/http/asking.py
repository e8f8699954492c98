"""Read what a list is asked for from the query part of an address; a value that means nothing is refused by name."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from aiohttp import web

from gateway.core.errors import InvalidRequest

E = TypeVar("E", bound=StrEnum)

MAX_TEXT_LENGTH = 64


def whole_number(request: web.Request, name: str, default: int, *, most: int) -> int:
    """A number from 0 to `most`; more than that is taken as `most`. Raises InvalidRequest."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidRequest(f"{name}: {text[:20]!r} is not a whole number.")
    return min(int(text), most)


def choices(request: web.Request, name: str, kind: type[E]) -> tuple[E, ...]:
    """Values of an enum, repeated or with commas; "all" and nothing ask for no restriction. Raises InvalidRequest."""
    words = [word for text in request.query.getall(name, []) for word in text.split(",") if word]
    if words == ["all"]:
        return ()
    try:
        return tuple(kind(word) for word in words)
    except ValueError as exc:
        raise InvalidRequest(f"{name}: one of {', '.join(kind)} is meant.") from exc


def choice(request: web.Request, name: str, kind: type[E]) -> E | None:
    """One value of an enum, or None. Raises InvalidRequest."""
    found = choices(request, name, kind)
    if len(found) > 1:
        raise InvalidRequest(f"{name}: only one value is meant.")
    return found[0] if found else None


def flag(request: web.Request, name: str) -> bool:
    """True for 1, true, yes."""
    return request.query.get(name, "").lower() in ("1", "true", "yes")


def text(request: web.Request, name: str) -> str:
    """A search word, without outer spaces, cut at a bound."""
    return request.query.get(name, "").strip().replace("\x00", "")[:MAX_TEXT_LENGTH]
