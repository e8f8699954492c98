"""The one condition that keeps a caller inside the sites it may see; every query for patient data carries it."""

from __future__ import annotations

import sqlalchemy as sa

from storage.model import Scope


def within(scope: Scope, site_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """SQL for "this row's site is within the scope"; an empty scope sees nothing."""
    if scope.site_ids is None:
        return sa.true()
    return site_id.in_(sorted(scope.site_ids))
