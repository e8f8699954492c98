"""Remember where each page of a search ended, so that the next one begins exactly there.

`offset` counts rows, and rows may come or go between two pages; a client would then see one twice or miss one
(requirement 2.M: paging must be stable). Pages of the same search by the same caller are therefore joined by the
last row's id. It also spares the walk over everything before a deep page. What was forgotten is counted again.
"""

from __future__ import annotations

from collections import OrderedDict

from aiohttp import web

from gateway.http.routing import caller_of

_REMEMBERED = 20_000
_NOT_OF_THE_SEARCH = frozenset({"offset", "limit", "includefield", "accept", "charset"})


class PageMarks:
    """The ends of pages, of one process. Bound to one event loop."""

    def __init__(self) -> None:
        self._marks: OrderedDict[tuple[str, int], str] = OrderedDict()

    def after(self, request: web.Request, offset: int) -> str:
        """The id of the row before this offset; "" if it is not known."""
        return self._marks.get((_search(request), offset), "") if offset else ""

    def note(self, request: web.Request, next_offset: int, last_id: str) -> None:
        """The page that was given ended before `next_offset`, with this row."""
        key = _search(request), next_offset
        self._marks[key] = last_id
        self._marks.move_to_end(key)
        while len(self._marks) > _REMEMBERED:
            self._marks.popitem(last=False)


def _search(request: web.Request) -> str:
    caller = caller_of(request)
    keys = sorted((name, value) for name, value in request.query.items() if name not in _NOT_OF_THE_SEARCH)
    return repr((caller.actor, request.path, keys))
