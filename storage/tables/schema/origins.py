"""Where a study comes from, with its evidence."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, flag, identifier, integer, json, metadata, optional, text, time

study_origin = sa.Table("study_origin", metadata, sa.Column("study_id", sa.Text, primary_key=True), text("state"),
                        text("site_id", server_default=""), optional("decided_by"), text("why"),
                        optional("device_id"), text("sender_site_id"), json("evidence"), json("elements"), time("at"),
                        optional("settled_at", UtcDateTime), optional("settled_by"),
                        text("reason", server_default=""),
                        sa.Index(None, "state", "at"))
relay_rule = sa.Table("relay_rule", metadata, identifier(), integer("position"), optional("device_id"),
                      text("element"), text("comparison"), text("text"), text("site_id"), flag("is_enabled", True))
seen_certificate = sa.Table("seen_certificate", metadata, identifier(), text("ae_title"), text("address"),
                            text("sha256"), text("subject"), text("issuer"), time("not_after"), time("seen_at"),
                            flag("is_admitted", True), sa.UniqueConstraint("ae_title", "address"))
