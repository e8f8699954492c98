"""Work and proof."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, counter, flag, integer, json, metadata, optional, text, time

job = sa.Table("job", metadata, counter("id"), text("key"), text("kind"), text("ref"), time("due"),
               optional("lease_until", UtcDateTime), optional("owner"), integer("attempt", "0"), text("state"),
               optional("again_due", UtcDateTime),  # asked for once more while it was running
               text("last_error", server_default=""), sa.UniqueConstraint("key"),
               sa.Index("ix_job_due_ready", "due", sqlite_where=sa.text("state = 'ready'"),
                        postgresql_where=sa.text("state = 'ready'")))
audit = sa.Table("audit", metadata, sa.Column("node", sa.Text, primary_key=True),
                 sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False), time("at"), text("actor"),
                 text("action"), flag("is_success", True), optional("site_id"), optional("study_id"),
                 optional("patient_id"), text("address", server_default=""), json("detail"), text("previous_hash"),
                 text("hash"), sa.Index(None, "study_id"), sa.Index(None, "at"),
                 # figures count these alone, among a thousand times as many others
                 sa.Index("ix_audit_rejected_reports", "at", sqlite_where=sa.text("action = 'report.rejected'"),
                          postgresql_where=sa.text("action = 'report.rejected'")))
audit_head = sa.Table("audit_head", metadata, sa.Column("node", sa.Text, primary_key=True), integer("seq"),
                      text("hash"))

# PostgreSQL alone: what the last committed write of a writer was, for when the answer to its COMMIT is lost
write_mark = sa.Table("write_mark", metadata, sa.Column("writer", sa.Text, primary_key=True), text("token"),
                      time("at"))
