"""Clocks, their timers, and notices to people."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, identifier, integer, json, metadata, optional, text, time

reading_clock = sa.Table(
    "reading_clock", metadata, sa.Column("reading_id", sa.Text, primary_key=True),
    sa.Column("stage", sa.Text, primary_key=True), text("study_id"), time("started_at"), time("due_at"),
    optional("met_at", UtcDateTime), optional("breached_at", UtcDateTime), optional("stopped_at", UtcDateTime),
    integer("nudged_percent", "0"), integer("round", "1"), sa.Index(None, "study_id"))
reading_timer = sa.Table(
    "reading_timer", metadata, sa.Column("reading_id", sa.Text, primary_key=True), text("study_id"),
    optional("next_at", UtcDateTime), json("plan"), optional("reoffered_at", UtcDateTime),
    optional("climbed_at", UtcDateTime), optional("overflowed_at", UtcDateTime), integer("attempts", "0"),
    text("last_error", server_default=""), sa.Index(None, "next_at"), sa.Index(None, "study_id"))
notice = sa.Table(
    "notice", metadata, identifier(), time("at"), text("user_id"), text("kind"), text("reading_id"),
    text("study_id"), text("site_id"), text("stage", server_default=""), integer("round", "1"),
    integer("percent", "0"), json("detail"), optional("read_at", UtcDateTime),
    # the same thing is said to the same person once
    sa.UniqueConstraint("reading_id", "user_id", "kind", "stage", "round", "percent"),
    sa.Index(None, "user_id", "at"), sa.Index(None, "study_id"))
