"""Checks of objects, second copies, daily intake; holds, retention and deletion."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, identifier, integer, metadata, optional, text, time

object_care = sa.Table("object_care", metadata, sa.Column("sha256", sa.Text, primary_key=True),
                       integer("size_bytes"), text("sm3", server_default=""), text("state"), time("checked_at"),
                       text("copy_state"), optional("copy_due", UtcDateTime), optional("copied_at", UtcDateTime),
                       integer("copy_attempts", "0"), text("copy_error", server_default=""),
                       sa.Index(None, "state", "checked_at"), sa.Index(None, "copy_state", "copy_due"))
intake_day = sa.Table("intake_day", metadata, sa.Column("day", sa.Date, primary_key=True), integer("objects", "0"),
                      integer("size_bytes", "0"), integer("removed_objects", "0"), integer("removed_bytes", "0"))
keeping_note = sa.Table("keeping_note", metadata, sa.Column("name", sa.Text, primary_key=True), text("value"))
retention_rule = sa.Table("retention_rule", metadata, sa.Column("care_class", sa.Text, primary_key=True),
                          integer("years"), text("set_by"), time("set_at"))
visit = sa.Table("visit", metadata, sa.Column("study_id", sa.Text, primary_key=True), text("care_class"),
                 optional("ended_at", UtcDateTime), text("set_by"), time("set_at"))
legal_hold = sa.Table("legal_hold", metadata, identifier(), text("study_id"), text("site_id"), text("reason"),
                      text("demanded_by"), text("placed_by"), time("placed_at"), text("manifest"),
                      text("manifest_sha256"), optional("released_at", UtcDateTime), optional("released_by"),
                      text("release_reason", server_default=""), sa.Index(None, "study_id"))
deletion = sa.Table("deletion", metadata, identifier(), text("study_id"), text("study_instance_uid"),
                    text("site_id"), text("state"), text("reason"), time("retain_until"), text("asked_by"),
                    time("asked_at"), optional("approved_by"), optional("approved_at", UtcDateTime),
                    optional("due_at", UtcDateTime), optional("done_at", UtcDateTime),
                    text("note", server_default=""), integer("objects", "0"), integer("size_bytes", "0"),
                    sa.Index(None, "study_id"), sa.Index(None, "state"))
tombstone = sa.Table("tombstone", metadata, identifier(), text("deletion_id"), text("study_id"), text("site_id"),
                     text("study_instance_uid"), text("sop_instance_uid", server_default=""),
                     text("sop_class_uid", server_default=""), text("object_sha256"), integer("size_bytes"),
                     text("kind"), time("deleted_at"), optional("removed_at", UtcDateTime),
                     sa.Index(None, "deletion_id"), sa.Index(None, "study_instance_uid"),
                     sa.Index(None, "sop_instance_uid"), sa.Index(None, "object_sha256"))
