"""Decisions about quarantined arrivals; character sets learned from traffic."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, identifier, integer, json, metadata, optional, text, time

quarantine_decision = sa.Table(
    "quarantine_decision", metadata, identifier(), text("arrival_id"), text("site_id"), time("at"), text("actor"),
    text("choice"), text("reason"), text("undoes", server_default=""), json("detail"), sa.Index(None, "arrival_id"))
character_set_note = sa.Table(
    "character_set_note", metadata, sa.Column("study_id", sa.Text, primary_key=True), text("device_id"), time("at"),
    text("declared", server_default=""), text("codec"), text("confidence"), sa.Index(None, "device_id", "at"))
character_set_correction = sa.Table(
    "character_set_correction", metadata, identifier(), text("device_id"), text("site_id"), time("at"), text("actor"),
    text("reason"), text("before", server_default=""), text("after", server_default=""),
    text("undoes", server_default=""), optional("finished_at", UtcDateTime), integer("studies", "0"),
    sa.Index(None, "device_id", "at"))
