"""Storage commitment, and what tells that a study is complete."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commitment",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("transaction_uid", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("ae_title", sa.Text(), nullable=False), sa.Column("address", sa.Text(), nullable=False),
        sa.Column("association_id", sa.Text(), nullable=False), sa.Column("node", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment")),
        sa.UniqueConstraint("transaction_uid", name=op.f("uq_commitment_transaction_uid")),
    )
    op.create_index(op.f("ix_commitment_state_ae_title"), "commitment", ["state", "ae_title"])
    op.create_index(op.f("ix_commitment_site_id_requested_at"), "commitment", ["site_id", "requested_at"])
    op.create_table(
        "commitment_item",
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sop_class_uid", sa.Text(), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("failure_reason", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("commitment_id", "position", name=op.f("pk_commitment_item")),
    )
    op.create_table(
        "asked_commitment",
        sa.Column("transaction_uid", sa.Text(), nullable=False), sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Text(), nullable=False), sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("sop_class_uid", sa.Text(), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_reason", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("transaction_uid", name=op.f("pk_asked_commitment")),
    )
    op.create_index(op.f("ix_asked_commitment_delivery_id"), "asked_commitment", ["delivery_id"])
    op.create_table(
        "performed_step",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("ae_title", sa.Text(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("study_instance_uids", sa.JSON(), nullable=False),
        sa.Column("accession_numbers", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performed_step")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_performed_step_sop_instance_uid")),
    )
    op.create_index(op.f("ix_performed_step_site_id_created_at"), "performed_step", ["site_id", "created_at"])
    op.create_table(
        "completion_evidence",
        sa.Column("study_instance_uid", sa.Text(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_final", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("instance_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sop_instance_uids", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("study_instance_uid", "kind", "ref", name=op.f("pk_completion_evidence")),
    )
    op.add_column("study", sa.Column("expected_by", sa.Text(), nullable=True))
    op.add_column("study", sa.Column("longest_pause_s", sa.Float(), server_default="0", nullable=False))
    op.create_index(op.f("ix_study_device_id_modality_id"), "study", ["device_id", "modality", "id"])
    op.add_column("destination", sa.Column("asks_commitment", sa.Boolean(), server_default=sa.false(),
                                           nullable=False))
