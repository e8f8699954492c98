"""Decide, read, sign, return."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import (
                    UtcDateTime,
                    counter,
                    flag,
                    identifier,
                    integer,
                    json,
                    metadata,
                    optional,
                    text,
                    time,
)

rule_set = sa.Table("rule_set", metadata, counter("version"), text("source"), text("source_sha256"),
                    time("activated_at"), text("activated_by"))
decision = sa.Table("decision", metadata, identifier(), text("study_id"), time("at"), integer("rules_version"),
                    text("priority"), text("duty_group"), optional("reader_id"), time("due_at"), json("tags"),
                    json("because"), json("facts"),
                    optional("hints", sa.JSON),
                    sa.Index(None, "study_id", "at"))
reading = sa.Table("reading", metadata, identifier(), text("study_id"), text("site_id"), text("state"),
                   text("priority"), text("duty_group"), text("decision_id"), time("created_at"),
                   time("due_at"), optional("assigned_to"), optional("writer_id"), optional("reviewer_id"),
                   optional("claimed_by"), optional("claimed_at", UtcDateTime), optional("lock_until", UtcDateTime),
                   text("reason", server_default=""), integer("late_instances", "0"), integer("revision", "0"),
                   sa.UniqueConstraint("study_id"), sa.Index(None, "state", "due_at"), sa.Index(None, "site_id"))
report = sa.Table("report", metadata, identifier(), text("reading_id"), text("study_id"), text("site_id"),
                  integer("version"), text("state"), text("technique", server_default=""),
                  text("findings", server_default=""), text("impression", server_default=""),
                  optional("is_positive", sa.Boolean), flag("is_critical", False),
                  text("template_id", server_default=""), optional("writer_id"), optional("written_at", UtcDateTime),
                  optional("reviewer_id"), optional("signed_by"), optional("signed_at", UtcDateTime),
                  optional("text_sha256"), optional("pdf_sha256"), optional("dicom_sha256"),
                  optional("sop_instance_uid"), json("read_from"), integer("revision", "0"), time("updated_at"),
                  sa.UniqueConstraint("reading_id", "version"), sa.Index(None, "study_id"))
annotation = sa.Table("annotation", metadata, sa.Column("study_id", sa.Text, primary_key=True),
                      sa.Column("user_id", sa.Text, primary_key=True), json("content"), time("updated_at"))
delivery = sa.Table("delivery", metadata, identifier(), text("report_id"), text("study_id"), text("site_id"),
                    text("destination_id"), text("kind"), text("state"), integer("attempts", "0"),
                    time("queued_at"), optional("next_attempt_at", UtcDateTime), optional("sent_at", UtcDateTime),
                    optional("accepted_at", UtcDateTime), optional("opened_at", UtcDateTime),
                    optional("acknowledged_at", UtcDateTime), optional("acknowledged_by"),
                    text("last_error", server_default=""), sa.UniqueConstraint("report_id", "destination_id"),
                    sa.Index(None, "study_id"), sa.Index(None, "state"))
