"""Names as an index compares them: ASCII letters in lower case, ordered by code points, alike on both engines.

An engine's own idea of order and case depends on how a server was installed; a range over "all names that begin
like this" needs one that does not.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class folded(FunctionElement[str]):                    # noqa: N801  (written like a function, since it is one)
    """`lower(column)` that knows ASCII alone."""

    inherit_cache = True
    name = "folded"
    type = sa.Text()


@compiles(folded)
def _sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(folded, "postgresql")
def _postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f'lower({compiler.process(element.clauses, **kw)} COLLATE "C")'
