"""The schema of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts in INTEGER alone


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False), sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(op.f("ix_alarm_acknowledged_at_at"), "alarm", ["acknowledged_at", "at"])
    op.create_table(
        "annotation",
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "user_id", name=op.f("pk_annotation")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_token_token_sha256")),
    )
    op.create_table(
        "arrival",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("via", sa.Text(), nullable=False), sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("calling_ae_title", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("association_id", sa.Text(), server_default="", nullable=False),
        sa.Column("object_sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), server_default="", nullable=False),
        sa.Column("sop_class_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("study_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True), sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
    )
    op.create_index(op.f("ix_arrival_outcome_at"), "arrival", ["outcome", "at"])
    op.create_index(op.f("ix_arrival_site_id_at"), "arrival", ["site_id", "at"])
    op.create_index(op.f("ix_arrival_study_id"), "arrival", ["study_id"])
    op.create_table(
        "audit",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False), sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("is_success", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=True), sa.Column("study_id", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False), sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("node", "seq", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
    op.create_index(op.f("ix_audit_study_id"), "audit", ["study_id"])
    op.create_table(
        "audit_head",
        sa.Column("node", sa.Text(), nullable=False), sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("node", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rules_version", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False), sa.Column("duty_group", sa.Text(), nullable=False),
        sa.Column("reader_id", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False), sa.Column("because", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_study_id_at"), "decision", ["study_id", "at"])
    op.create_table(
        "delivery",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Text(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("report_id", "destination_id", name=op.f("uq_delivery_report_id_destination_id")),
    )
    op.create_index(op.f("ix_delivery_state"), "delivery", ["state"])
    op.create_index(op.f("ix_delivery_study_id"), "delivery", ["study_id"])
    op.create_table(
        "destination",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False), sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ae_title", sa.Text(), server_default="", nullable=False),
        sa.Column("host", sa.Text(), server_default="", nullable=False),
        sa.Column("port", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destination")),
    )
    op.create_index(op.f("ix_destination_site_id"), "destination", ["site_id"])
    op.create_table(
        "device",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False), sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("modality", sa.Text(), server_default="", nullable=False),
        sa.Column("character_set", sa.Text(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    op.create_index(op.f("ix_device_ae_title"), "device", ["ae_title"])
    op.create_table(
        "ecg",
        sa.Column("instance_id", sa.Text(), nullable=False), sa.Column("format", sa.Text(), nullable=False),
        sa.Column("interval_us", sa.Float(), nullable=False), sa.Column("lead_names", sa.JSON(), nullable=False),
        sa.Column("sample_count", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device_model", sa.Text(), server_default="", nullable=False),
        sa.Column("filters", sa.Text(), server_default="", nullable=False),
        sa.Column("measurements", sa.JSON(), nullable=False), sa.Column("statements", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_ecg")),
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("series_id", sa.Text(), nullable=False), sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("sop_class_uid", sa.Text(), nullable=False), sa.Column("format", sa.Text(), nullable=False),
        sa.Column("transfer_syntax_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("object_sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True), sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("columns", sa.BigInteger(), nullable=True),
        sa.Column("frame_count", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("has_waveform", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_instance_sop_instance_uid")),
    )
    op.create_index(op.f("ix_instance_series_id"), "instance", ["series_id"])
    op.create_index(op.f("ix_instance_study_id"), "instance", ["study_id"])
    op.create_table(
        "job",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False), sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("attempt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("again_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")), sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    op.create_index("ix_job_due_ready", "job", ["due"], sqlite_where=sa.text("state = 'ready'"),
                    postgresql_where=sa.text("state = 'ready'"))
    op.create_table(
        "knock",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knock")),
        sa.UniqueConstraint("ae_title", "address", name=op.f("uq_knock_ae_title_address")),
    )
    op.create_table(
        "login_session",
        sa.Column("token_sha256", sa.Text(), nullable=False), sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_login_session")),
    )
    op.create_index(op.f("ix_login_session_user_id"), "login_session", ["user_id"])
    op.create_table(
        "patient",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("name_display", sa.Text(), nullable=False),
        sa.Column("name_alphabetic", sa.Text(), server_default="", nullable=False),
        sa.Column("name_ideographic", sa.Text(), server_default="", nullable=False),
        sa.Column("name_confidence", sa.Text(), nullable=False),
        sa.Column("name_encoding", sa.Text(), server_default="", nullable=False),
        sa.Column("name_raw_hex", sa.Text(), server_default="", nullable=False),
        sa.Column("sex", sa.Text(), server_default="", nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True), sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
    )
    op.create_index(op.f("ix_patient_site_id_patient_id"), "patient", ["site_id", "patient_id"])
    op.create_table(
        "reading",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False), sa.Column("duty_group", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=True), sa.Column("writer_id", sa.Text(), nullable=True),
        sa.Column("reviewer_id", sa.Text(), nullable=True), sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("late_instances", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
        sa.UniqueConstraint("study_id", name=op.f("uq_reading_study_id")),
    )
    op.create_index(op.f("ix_reading_site_id"), "reading", ["site_id"])
    op.create_index(op.f("ix_reading_state_due_at"), "reading", ["state", "due_at"])
    op.create_table(
        "report",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("reading_id", sa.Text(), nullable=False),
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("technique", sa.Text(), server_default="", nullable=False),
        sa.Column("findings", sa.Text(), server_default="", nullable=False),
        sa.Column("impression", sa.Text(), server_default="", nullable=False),
        sa.Column("is_positive", sa.Boolean(), nullable=True),
        sa.Column("is_critical", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("template_id", sa.Text(), server_default="", nullable=False),
        sa.Column("writer_id", sa.Text(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewer_id", sa.Text(), nullable=True), sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("text_sha256", sa.Text(), nullable=True), sa.Column("pdf_sha256", sa.Text(), nullable=True),
        sa.Column("dicom_sha256", sa.Text(), nullable=True),
        sa.Column("sop_instance_uid", sa.Text(), nullable=True), sa.Column("read_from", sa.JSON(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("reading_id", "version", name=op.f("uq_report_reading_id_version")),
    )
    op.create_index(op.f("ix_report_study_id"), "report", ["study_id"])
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    op.create_index(op.f("ix_role_grant_user_id"), "role_grant", ["user_id"])
    op.create_table(
        "rule_set",
        sa.Column("version", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False), sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rule_set")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("series_instance_uid", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False), sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("body_part", sa.Text(), server_default="", nullable=False),
        sa.Column("instance_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("study_id", "series_instance_uid", name=op.f("uq_series_study_id_series_instance_uid")),
    )
    op.create_table(
        "signing_key",
        sa.Column("user_id", sa.Text(), nullable=False), sa.Column("certificate_pem", sa.Text(), nullable=False),
        sa.Column("encrypted_key_pem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "stored_object",
        sa.Column("sha256", sa.Text(), nullable=False), sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stored_object")),
    )
    op.create_table(
        "study",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("patient_key", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True), sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("body_part", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("accession_number", sa.Text(), server_default="", nullable=False),
        sa.Column("study_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("age_years", sa.Float(), nullable=True), sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instance_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expected_count", sa.BigInteger(), nullable=True),
        sa.Column("first_arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete_by", sa.Text(), nullable=True),
        sa.Column("reopened_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("study_instance_uid", name=op.f("uq_study_study_instance_uid")),
    )
    op.create_index(op.f("ix_study_accession_number"), "study", ["accession_number"])
    op.create_index(op.f("ix_study_patient_key"), "study", ["patient_key"])
    op.create_index(op.f("ix_study_site_id_last_arrival_at"), "study", ["site_id", "last_arrival_at"])
    op.create_table(
        "user_account",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("login", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("failed_logins", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
    )
    op.create_table(
        "write_mark",
        sa.Column("writer", sa.Text(), nullable=False), sa.Column("token", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("writer", name=op.f("pk_write_mark")),
    )
