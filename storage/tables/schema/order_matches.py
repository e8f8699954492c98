"""Orders that may be the one of a study."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, integer, json, metadata, optional, text, time

order_match = sa.Table("order_match", metadata, sa.Column("study_id", sa.Text, primary_key=True),
                       sa.Column("order_id", sa.Text, primary_key=True), text("site_id"), integer("score"),
                       json("reasons"), text("state"), time("proposed_at"), optional("settled_at", UtcDateTime),
                       optional("settled_by"), text("reason", server_default=""),
                       sa.Index(None, "state", "site_id", "proposed_at"), sa.Index(None, "order_id"))
