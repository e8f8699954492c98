"""Orders, the systems that send them by HL7 v2, and the messages that were accepted."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, flag, identifier, integer, metadata, optional, text, time

exam_order = sa.Table(
    "exam_order", metadata, identifier(), text("site_id"), text("state"), text("source"), text("accession_number"),
    text("study_instance_uid"), text("requested_procedure_id"), text("scheduled_step_id"), text("patient_id"),
    text("patient_name"), text("name_alphabetic", server_default=""), text("modality"), time("scheduled_at"),
    time("created_at"), text("created_by"), time("updated_at"), text("sex", server_default=""),
    optional("birth_date", sa.Date), text("id_card_number", server_default=""),
    text("visit_number", server_default=""), optional("placer_order_number"), text("body_part", server_default=""),
    text("procedure_code", server_default=""), text("procedure_description", server_default=""),
    text("station_ae_title", server_default=""), text("department", server_default=""),
    text("requesting_physician", server_default=""), text("clinical_diagnosis", server_default=""),
    text("purpose", server_default=""), text("urgency", server_default="routine"),
    text("fee_item", server_default=""), text("consent_informed_by", server_default=""),
    optional("consent_at", UtcDateTime), optional("consent_is_written", sa.Boolean),
    text("consent_given_by", server_default=""), optional("expected_count", sa.BigInteger), optional("study_id"),
    optional("link_evidence"), text("withdrawn_reason", server_default=""), integer("revision", "0"),
    text("patient_class", server_default=""),
    sa.UniqueConstraint("site_id", "placer_order_number"),      # no number is NULL, and NULLs are all different
    sa.Index(None, "site_id", "scheduled_at"), sa.Index(None, "study_instance_uid"),
    sa.Index(None, "accession_number"), sa.Index(None, "study_id"), sa.Index(None, "site_id", "patient_id"))
hl7_partner = sa.Table("hl7_partner", metadata, identifier(), text("name"), text("application", server_default=""),
                       text("facility"), text("site_id"), text("character_set", server_default="UTF-8"),
                       flag("is_enabled", True), sa.UniqueConstraint("application", "facility"))
hl7_exchange = sa.Table("hl7_exchange", metadata, sa.Column("application", sa.Text, primary_key=True),
                        sa.Column("facility", sa.Text, primary_key=True),
                        sa.Column("control_id", sa.Text, primary_key=True), time("at"), text("content_sha256"),
                        text("object_sha256"), sa.Column("answer", sa.LargeBinary, nullable=False))
