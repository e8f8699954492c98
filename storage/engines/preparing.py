"""What an engine does once before it is used: bring the schema up to date, and add the rows that are always there."""

from __future__ import annotations

import sqlalchemy as sa

from storage.migrations.upgrading import upgrade
from storage.model import INBOX_SITE_ID, Site, SiteKind
from storage.tables.jobs import Jobs
from storage.tables.sites import Sites


def prepare(connection: sa.Connection) -> None:
    """Upgrade inside the transaction of `connection`. Raises SchemaTooNew; nothing is changed then."""
    upgrade(connection)
    sites = Sites(connection)
    if sites.site(INBOX_SITE_ID) is None:
        sites.add_site(Site(INBOX_SITE_ID, "未登记设备", "Unregistered devices", SiteKind.INBOX))
    if connection.dialect.name == "sqlite":
        Jobs(connection).release_all()  # we are the only process: whoever held a lease is dead
