"""What came in."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, flag, identifier, integer, json, metadata, optional, text, time
from storage.tables.schema.folded import folded

stored_object = sa.Table("stored_object", metadata, sa.Column("sha256", sa.Text, primary_key=True),
                         integer("size_bytes"), text("kind"), time("stored_at"), sa.Index(None, "stored_at"))
arrival = sa.Table("arrival", metadata, identifier(), time("at"), text("via"), text("outcome"), text("site_id"),
                   optional("device_id"), text("calling_ae_title", server_default=""),
                   text("address", server_default=""), text("association_id", server_default=""),
                   text("object_sha256"), integer("size_bytes"), text("file_name", server_default=""),
                   text("sop_class_uid", server_default=""), text("sop_instance_uid", server_default=""),
                   optional("study_id"), text("reason", server_default=""), text("detail", server_default=""),
                   optional("resolved_at", UtcDateTime), optional("resolved_by"),
                   text("certificate_sha256", server_default=""),
                   sa.Index(None, "study_id"), sa.Index(None, "outcome", "at"), sa.Index(None, "site_id", "at"))
alarm = sa.Table("alarm", metadata, identifier(), time("at"), text("kind"), text("site_id"), text("ref"),
                 text("detail"), optional("acknowledged_at", UtcDateTime), optional("acknowledged_by"),
                 sa.Index(None, "acknowledged_at", "at"))
patient = sa.Table("patient", metadata, identifier(), text("site_id"), text("patient_id"), text("name_display"),
                   text("name_alphabetic", server_default=""), text("name_ideographic", server_default=""),
                   text("name_confidence"), text("name_encoding", server_default=""),
                   text("name_raw_hex", server_default=""), text("sex", server_default=""),
                   optional("birth_date", sa.Date), sa.Index(None, "site_id", "patient_id"),
                   sa.Index(None, "patient_id"))
sa.Index("ix_patient_name_display_folded", folded(patient.c.name_display), patient.c.site_id, patient.c.id)
sa.Index("ix_patient_name_alphabetic_folded", folded(patient.c.name_alphabetic), patient.c.site_id, patient.c.id)
study = sa.Table("study", metadata, identifier(), text("study_instance_uid"), text("site_id"), text("patient_key"),
                 optional("device_id"), text("modality"), text("body_part", server_default=""),
                 text("description", server_default=""), text("accession_number", server_default=""),
                 optional("study_at", UtcDateTime), optional("age_years", sa.Float), text("urgency"), text("state"),
                 integer("instance_count", "0"), optional("expected_count", sa.BigInteger), time("first_arrival_at"),
                 time("last_arrival_at"), optional("completed_at", UtcDateTime), optional("complete_by"),
                 integer("reopened_count", "0"), optional("expected_by"),
                 sa.Column("longest_pause_s", sa.Float, nullable=False, server_default="0"),
                 sa.UniqueConstraint("study_instance_uid"), sa.Index(None, "patient_key"),
                 sa.Index(None, "device_id", "modality", "id"),
                 sa.Index(None, "site_id", "last_arrival_at"), sa.Index(None, "accession_number"),
                 sa.Index(None, "completed_at"),
                 sa.Index(None, "study_at", "id"))
series = sa.Table("series", metadata, identifier(), text("study_id"), text("series_instance_uid"), text("modality"),
                  optional("number", sa.BigInteger), text("description", server_default=""),
                  text("body_part", server_default=""), integer("instance_count", "0"),
                  sa.UniqueConstraint("study_id", "series_instance_uid"), sa.Index(None, "modality", "study_id"),
                  sa.Index(None, "series_instance_uid"))
instance = sa.Table("instance", metadata, identifier(), text("study_id"), text("series_id"), text("sop_instance_uid"),
                    text("sop_class_uid"), text("format"), text("transfer_syntax_uid", server_default=""),
                    text("object_sha256"), integer("size_bytes"), optional("number", sa.BigInteger),
                    optional("rows", sa.BigInteger), optional("columns", sa.BigInteger), integer("frame_count", "1"),
                    flag("has_waveform", False), time("received_at"), json("attributes"),
                    sa.UniqueConstraint("sop_instance_uid"), sa.Index(None, "study_id", "format"),
                    sa.Index(None, "series_id", "format", "id"))
ecg = sa.Table("ecg", metadata, sa.Column("instance_id", sa.Text, primary_key=True), text("format"),
               sa.Column("interval_us", sa.Float, nullable=False), json("lead_names"), integer("sample_count"),
               optional("recorded_at", UtcDateTime), text("device_model", server_default=""),
               text("filters", server_default=""), json("measurements"), json("statements"), json("warnings"),
               optional("critical_statements", sa.JSON))    # none: received before they were kept apart
