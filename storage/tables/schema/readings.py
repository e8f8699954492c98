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
                    text("title", server_default=""), text("state"), time("proposed_at"), text("proposed_by"),
                    text("note", server_default=""), optional("activated_at", UtcDateTime),
                    optional("approved_at", UtcDateTime), optional("approved_by"),
                    optional("refused_at", UtcDateTime), optional("refused_by"),
                    text("refused_reason", server_default=""), optional("restores", sa.BigInteger),
                    optional("based_on", sa.BigInteger))
sa.Index("uq_rule_set_active", rule_set.c.state, unique=True, sqlite_where=rule_set.c.state == "active",
         postgresql_where=rule_set.c.state == "active")
decision = sa.Table("decision", metadata, identifier(), text("study_id"), time("at"), integer("rules_version"),
                    text("priority"), text("duty_group"), optional("reader_id"), time("due_at"), json("tags"),
                    json("because"), json("facts"),
                    optional("hints", sa.JSON), optional("outcome", sa.JSON), optional("inputs", sa.JSON),
                    sa.Index(None, "study_id", "at"), sa.Index(None, "at"))
reading = sa.Table("reading", metadata, identifier(), text("study_id"), text("site_id"), text("state"),
                   text("priority"), text("duty_group"), text("decision_id"), time("created_at"),
                   time("due_at"), optional("assigned_to"), optional("writer_id"), optional("reviewer_id"),
                   optional("claimed_by"), optional("claimed_at", UtcDateTime), optional("lock_until", UtcDateTime),
                   text("reason", server_default=""), integer("late_instances", "0"), integer("revision", "0"),
                   optional("hold_until", UtcDateTime),
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
