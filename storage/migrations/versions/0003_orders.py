"""Orders, the systems that send them by HL7 v2, and the messages that were accepted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exam_order",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False), sa.Column("source", sa.Text(), nullable=False),
        sa.Column("accession_number", sa.Text(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("requested_procedure_id", sa.Text(), nullable=False),
        sa.Column("scheduled_step_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("name_alphabetic", sa.Text(), server_default="", nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sex", sa.Text(), server_default="", nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("id_card_number", sa.Text(), server_default="", nullable=False),
        sa.Column("visit_number", sa.Text(), server_default="", nullable=False),
        sa.Column("placer_order_number", sa.Text(), nullable=True),
        sa.Column("body_part", sa.Text(), server_default="", nullable=False),
        sa.Column("procedure_code", sa.Text(), server_default="", nullable=False),
        sa.Column("procedure_description", sa.Text(), server_default="", nullable=False),
        sa.Column("station_ae_title", sa.Text(), server_default="", nullable=False),
        sa.Column("department", sa.Text(), server_default="", nullable=False),
        sa.Column("requesting_physician", sa.Text(), server_default="", nullable=False),
        sa.Column("clinical_diagnosis", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("urgency", sa.Text(), server_default="routine", nullable=False),
        sa.Column("fee_item", sa.Text(), server_default="", nullable=False),
        sa.Column("consent_informed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_is_written", sa.Boolean(), nullable=True),
        sa.Column("consent_given_by", sa.Text(), server_default="", nullable=False),
        sa.Column("expected_count", sa.BigInteger(), nullable=True),
        sa.Column("study_id", sa.Text(), nullable=True), sa.Column("link_evidence", sa.Text(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_order")),
        sa.UniqueConstraint("site_id", "placer_order_number", name=op.f("uq_exam_order_site_id_placer_order_number")),
    )
    op.create_index(op.f("ix_exam_order_accession_number"), "exam_order", ["accession_number"])
    op.create_index(op.f("ix_exam_order_site_id_patient_id"), "exam_order", ["site_id", "patient_id"])
    op.create_index(op.f("ix_exam_order_site_id_scheduled_at"), "exam_order", ["site_id", "scheduled_at"])
    op.create_index(op.f("ix_exam_order_study_id"), "exam_order", ["study_id"])
    op.create_index(op.f("ix_exam_order_study_instance_uid"), "exam_order", ["study_instance_uid"])
    op.create_table(
        "hl7_exchange",
        sa.Column("application", sa.Text(), nullable=False), sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("object_sha256", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("application", "facility", "control_id", name=op.f("pk_hl7_exchange")),
    )
    op.create_table(
        "hl7_partner",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("name", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), server_default="", nullable=False),
        sa.Column("facility", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("character_set", sa.Text(), server_default="UTF-8", nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_partner")),
        sa.UniqueConstraint("application", "facility", name=op.f("uq_hl7_partner_application_facility")),
    )
