"""Studies that rules send on."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, identifier, integer, json, metadata, optional, text, time

forward = sa.Table("forward", metadata, identifier(), text("study_id"), text("destination_id"), text("decision_id"),
                   text("state"), time("queued_at"), json("kept_uids"), integer("attempts", "0"),
                   optional("next_attempt_at", UtcDateTime), optional("sent_at", UtcDateTime),
                   text("last_error", server_default=""), sa.UniqueConstraint("study_id", "destination_id"),
                   sa.Index(None, "state"))
