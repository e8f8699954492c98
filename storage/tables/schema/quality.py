"""Grades of images and traces, and the retakes that were asked for."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import (
    UtcDateTime,
    flag,
    identifier,
    integer,
    json,
    metadata,
    optional,
    text,
    time,
)

quality_grade = sa.Table(
    "quality_grade", metadata, identifier(), text("study_id"), text("site_id"), text("level"), text("target_id"),
    integer("frame", "0"), text("grade"), json("reasons"), text("note", server_default=""), text("modality"),
    optional("device_id"), text("operator", server_default=""), text("graded_by"), time("graded_at"),
    integer("revision"), flag("is_current", True), json("marks"), text("picture_sha256", server_default=""),
    integer("picture_bytes", "0"),
    sa.UniqueConstraint("target_id", "frame", "revision"), sa.Index(None, "study_id"),
    sa.Index(None, "graded_at"), sa.Index(None, "picture_sha256"))
retake = sa.Table(
    "retake", metadata, identifier(), text("study_id"), text("site_id"), optional("reading_id"), text("grade_id"),
    text("order_id"), text("state"), text("asked_by"), time("asked_at"), flag("is_sent_back", False),
    optional("seen_by"), optional("seen_at", UtcDateTime), optional("scheduled_at", UtcDateTime),
    optional("settled_by"), optional("settled_at", UtcDateTime), text("reason", server_default=""),
    optional("new_study_id"), integer("revision", "0"),
    sa.UniqueConstraint("order_id"), sa.Index(None, "study_id"), sa.Index(None, "new_study_id"),
    sa.Index(None, "state", "site_id", "asked_at"), sa.Index(None, "asked_at"))
_IS_OPEN = retake.c.state.in_(("asked", "seen", "scheduled"))
sa.Index("uq_retake_open", retake.c.study_id, unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
"""A study is asked for once at a time, however many readers reject it in the same moment."""
