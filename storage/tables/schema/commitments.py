"""Storage commitment, and what tells that a study is complete."""

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

commitment = sa.Table("commitment", metadata, identifier(), text("transaction_uid"), text("site_id"),
                      optional("device_id"), text("ae_title"), text("address"), text("association_id"), text("node"),
                      time("requested_at"), text("state"), optional("judged_at", UtcDateTime),
                      optional("reported_at", UtcDateTime), integer("attempts", "0"),
                      optional("next_attempt_at", UtcDateTime), text("last_error", server_default=""),
                      sa.UniqueConstraint("transaction_uid"), sa.Index(None, "state", "ae_title"),
                      sa.Index(None, "site_id", "requested_at"))
commitment_item = sa.Table("commitment_item", metadata, sa.Column("commitment_id", sa.Text, primary_key=True),
                           sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
                           text("sop_class_uid"), text("sop_instance_uid"),
                           optional("failure_reason", sa.BigInteger))
asked_commitment = sa.Table("asked_commitment", metadata,
                            sa.Column("transaction_uid", sa.Text, primary_key=True), text("delivery_id"),
                            text("destination_id"), text("ae_title"), text("sop_class_uid"),
                            text("sop_instance_uid"), time("asked_at"), optional("answered_at", UtcDateTime),
                            optional("failure_reason", sa.BigInteger), sa.Index(None, "delivery_id"))
performed_step = sa.Table("performed_step", metadata, identifier(), text("sop_instance_uid"), text("site_id"),
                          optional("device_id"), text("ae_title"), text("state"), json("study_instance_uids"),
                          json("accession_numbers"), time("created_at"), time("updated_at"), json("attributes"),
                          sa.UniqueConstraint("sop_instance_uid"), sa.Index(None, "site_id", "created_at"))
completion_evidence = sa.Table("completion_evidence", metadata,
                               sa.Column("study_instance_uid", sa.Text, primary_key=True),
                               sa.Column("kind", sa.Text, primary_key=True),
                               sa.Column("ref", sa.Text, primary_key=True), text("site_id"), optional("device_id"),
                               time("at"), flag("is_final", True), integer("instance_count", "0"),
                               json("sop_instance_uids"))
