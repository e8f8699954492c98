"""The tables, once, for both engines. A change needs a revision in storage/migrations (a test compares them)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware UTC time. SQLite has no zone: it is stored as UTC there and comes back aware."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone reached the store")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, primary_key=True)


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


def _maybe(name: str, kind: Any = sa.Text, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True, **more)


def _time(name: str) -> sa.Column[datetime]:
    return sa.Column(name, UtcDateTime, nullable=False)


def _int(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=default)


def _flag(name: str, default: bool) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)


# who and where
site = sa.Table("site", metadata, _id(), _text("name"), _text("name_en", server_default=""), _text("kind"),
                _text("phone", server_default=""), _flag("is_enabled", True))
device = sa.Table("device", metadata, _id(), _text("site_id"), _text("name"), _text("ae_title"), _maybe("address"),
                  _text("modality", server_default=""), _maybe("character_set"), _flag("is_enabled", True),
                  sa.Index(None, "ae_title"))
knock = sa.Table("knock", metadata, _id(), _text("ae_title"), _text("address"), _time("first_at"), _time("last_at"),
                 _int("count"), _text("state"), sa.UniqueConstraint("ae_title", "address"))
user_account = sa.Table("user_account", metadata, _id(), _text("login"), _text("display_name"),
                        _text("title", server_default=""), _text("password_hash"), _flag("is_enabled", True),
                        _int("failed_logins", "0"), _maybe("locked_until", UtcDateTime), _time("created_at"),
                        sa.UniqueConstraint("login"))
role_grant = sa.Table("role_grant", metadata, _id(), _text("user_id"), _text("role"), _maybe("site_id"),
                      sa.Index(None, "user_id"))
login_session = sa.Table("login_session", metadata, sa.Column("token_sha256", sa.Text, primary_key=True),
                         _text("user_id"), _time("created_at"), _time("last_seen_at"), _time("expires_at"),
                         _text("address", server_default=""), sa.Index(None, "user_id"))
api_token = sa.Table("api_token", metadata, _id(), _text("token_sha256"), _text("name"), _text("site_id"),
                     _text("scope"), _time("created_at"), _flag("is_enabled", True),
                     sa.UniqueConstraint("token_sha256"))
signing_key = sa.Table("signing_key", metadata, sa.Column("user_id", sa.Text, primary_key=True),
                       _text("certificate_pem"), _text("encrypted_key_pem"), _time("created_at"))
destination = sa.Table("destination", metadata, _id(), _text("site_id"), _text("kind"), _text("name"),
                       _text("ae_title", server_default=""), _text("host", server_default=""), _int("port", "0"),
                       _flag("is_enabled", True), sa.Index(None, "site_id"))

# what came in
stored_object = sa.Table("stored_object", metadata, sa.Column("sha256", sa.Text, primary_key=True),
                         _int("size_bytes"), _text("kind"), _time("stored_at"))
arrival = sa.Table("arrival", metadata, _id(), _time("at"), _text("via"), _text("outcome"), _text("site_id"),
                   _maybe("device_id"), _text("calling_ae_title", server_default=""),
                   _text("address", server_default=""), _text("association_id", server_default=""),
                   _text("object_sha256"), _int("size_bytes"), _text("file_name", server_default=""),
                   _text("sop_class_uid", server_default=""), _text("sop_instance_uid", server_default=""),
                   _maybe("study_id"), _text("reason", server_default=""), _text("detail", server_default=""),
                   _maybe("resolved_at", UtcDateTime), _maybe("resolved_by"),
                   sa.Index(None, "study_id"), sa.Index(None, "outcome", "at"), sa.Index(None, "site_id", "at"))
alarm = sa.Table("alarm", metadata, _id(), _time("at"), _text("kind"), _text("site_id"), _text("ref"),
                 _text("detail"), _maybe("acknowledged_at", UtcDateTime), _maybe("acknowledged_by"),
                 sa.Index(None, "acknowledged_at", "at"))
patient = sa.Table("patient", metadata, _id(), _text("site_id"), _text("patient_id"), _text("name_display"),
                   _text("name_alphabetic", server_default=""), _text("name_ideographic", server_default=""),
                   _text("name_confidence"), _text("name_encoding", server_default=""),
                   _text("name_raw_hex", server_default=""), _text("sex", server_default=""),
                   _maybe("birth_date", sa.Date), sa.Index(None, "site_id", "patient_id"))
study = sa.Table("study", metadata, _id(), _text("study_instance_uid"), _text("site_id"), _text("patient_key"),
                 _maybe("device_id"), _text("modality"), _text("body_part", server_default=""),
                 _text("description", server_default=""), _text("accession_number", server_default=""),
                 _maybe("study_at", UtcDateTime), _maybe("age_years", sa.Float), _text("urgency"), _text("state"),
                 _int("instance_count", "0"), _maybe("expected_count", sa.BigInteger), _time("first_arrival_at"),
                 _time("last_arrival_at"), _maybe("completed_at", UtcDateTime), _maybe("complete_by"),
                 _int("reopened_count", "0"),
                 sa.UniqueConstraint("study_instance_uid"), sa.Index(None, "patient_key"),
                 sa.Index(None, "site_id", "last_arrival_at"), sa.Index(None, "accession_number"))
series = sa.Table("series", metadata, _id(), _text("study_id"), _text("series_instance_uid"), _text("modality"),
                  _maybe("number", sa.BigInteger), _text("description", server_default=""),
                  _text("body_part", server_default=""), _int("instance_count", "0"),
                  sa.UniqueConstraint("study_id", "series_instance_uid"))
instance = sa.Table("instance", metadata, _id(), _text("study_id"), _text("series_id"), _text("sop_instance_uid"),
                    _text("sop_class_uid"), _text("format"), _text("transfer_syntax_uid", server_default=""),
                    _text("object_sha256"), _int("size_bytes"), _maybe("number", sa.BigInteger),
                    _maybe("rows", sa.BigInteger), _maybe("columns", sa.BigInteger), _int("frame_count", "1"),
                    _flag("has_waveform", False), _time("received_at"), _json("attributes"),
                    sa.UniqueConstraint("sop_instance_uid"), sa.Index(None, "study_id"), sa.Index(None, "series_id"))
ecg = sa.Table("ecg", metadata, sa.Column("instance_id", sa.Text, primary_key=True), _text("format"),
               sa.Column("interval_us", sa.Float, nullable=False), _json("lead_names"), _int("sample_count"),
               _maybe("recorded_at", UtcDateTime), _text("device_model", server_default=""),
               _text("filters", server_default=""), _json("measurements"), _json("statements"), _json("warnings"))

# decide, read, sign, return
rule_set = sa.Table("rule_set", metadata, _counter("version"), _text("source"), _text("source_sha256"),
                    _time("activated_at"), _text("activated_by"))
decision = sa.Table("decision", metadata, _id(), _text("study_id"), _time("at"), _int("rules_version"),
                    _text("priority"), _text("duty_group"), _maybe("reader_id"), _time("due_at"), _json("tags"),
                    _json("because"), _json("facts"), sa.Index(None, "study_id", "at"))
reading = sa.Table("reading", metadata, _id(), _text("study_id"), _text("site_id"), _text("state"),
                   _text("priority"), _text("duty_group"), _text("decision_id"), _time("created_at"),
                   _time("due_at"), _maybe("assigned_to"), _maybe("writer_id"), _maybe("reviewer_id"),
                   _maybe("claimed_by"), _maybe("claimed_at", UtcDateTime), _maybe("lock_until", UtcDateTime),
                   _text("reason", server_default=""), _int("late_instances", "0"), _int("revision", "0"),
                   sa.UniqueConstraint("study_id"), sa.Index(None, "state", "due_at"), sa.Index(None, "site_id"))
report = sa.Table("report", metadata, _id(), _text("reading_id"), _text("study_id"), _text("site_id"),
                  _int("version"), _text("state"), _text("technique", server_default=""),
                  _text("findings", server_default=""), _text("impression", server_default=""),
                  _maybe("is_positive", sa.Boolean), _flag("is_critical", False),
                  _text("template_id", server_default=""), _maybe("writer_id"), _maybe("written_at", UtcDateTime),
                  _maybe("reviewer_id"), _maybe("signed_by"), _maybe("signed_at", UtcDateTime),
                  _maybe("text_sha256"), _maybe("pdf_sha256"), _maybe("dicom_sha256"), _maybe("sop_instance_uid"),
                  _json("read_from"), _int("revision", "0"), _time("updated_at"),
                  sa.UniqueConstraint("reading_id", "version"), sa.Index(None, "study_id"))
annotation = sa.Table("annotation", metadata, sa.Column("study_id", sa.Text, primary_key=True),
                      sa.Column("user_id", sa.Text, primary_key=True), _json("content"), _time("updated_at"))
delivery = sa.Table("delivery", metadata, _id(), _text("report_id"), _text("study_id"), _text("site_id"),
                    _text("destination_id"), _text("kind"), _text("state"), _int("attempts", "0"),
                    _time("queued_at"), _maybe("next_attempt_at", UtcDateTime), _maybe("sent_at", UtcDateTime),
                    _maybe("accepted_at", UtcDateTime), _maybe("opened_at", UtcDateTime),
                    _maybe("acknowledged_at", UtcDateTime), _maybe("acknowledged_by"),
                    _text("last_error", server_default=""), sa.UniqueConstraint("report_id", "destination_id"),
                    sa.Index(None, "study_id"), sa.Index(None, "state"))

# work and proof
job = sa.Table("job", metadata, _counter("id"), _text("key"), _text("kind"), _text("ref"), _time("due"),
               _maybe("lease_until", UtcDateTime), _maybe("owner"), _int("attempt", "0"), _text("state"),
               _maybe("again_due", UtcDateTime),  # asked for once more while it was running
               _text("last_error", server_default=""), sa.UniqueConstraint("key"),
               sa.Index("ix_job_due_ready", "due", sqlite_where=sa.text("state = 'ready'"),
                        postgresql_where=sa.text("state = 'ready'")))
audit = sa.Table("audit", metadata, sa.Column("node", sa.Text, primary_key=True),
                 sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False), _time("at"), _text("actor"),
                 _text("action"), _flag("is_success", True), _maybe("site_id"), _maybe("study_id"),
                 _maybe("patient_id"), _text("address", server_default=""), _json("detail"), _text("previous_hash"),
                 _text("hash"), sa.Index(None, "study_id"), sa.Index(None, "at"))
audit_head = sa.Table("audit_head", metadata, sa.Column("node", sa.Text, primary_key=True), _int("seq"),
                      _text("hash"))

# PostgreSQL alone: what the last committed write of a writer was, for when the answer to its COMMIT is lost
write_mark = sa.Table("write_mark", metadata, sa.Column("writer", sa.Text, primary_key=True), _text("token"),
                      _time("at"))
