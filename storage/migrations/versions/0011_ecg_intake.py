"""ECG files that nobody can read yet, and ECGs that wait for their patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ecg_pairing",
        sa.Column("order_id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_by", sa.Text(), server_default="", nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_ecg_pairing")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_ecg_pairing_site_id_number")),
    )
    op.create_table(
        "ecg_identity",
        sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False), sa.Column("former_patient_key", sa.Text(), nullable=False),
        sa.Column("former_age_years", sa.Float(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_ecg_identity")),
    )
    op.create_index(op.f("ix_ecg_identity_state_arrived_at"), "ecg_identity", ["state", "arrived_at"])
    op.create_table(
        "unread_ecg",
        sa.Column("arrival_id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True), sa.Column("study_id", sa.Text(), nullable=True),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attached_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("tried_with", sa.Text(), server_default="", nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_unread_ecg")),
    )
    op.create_index(op.f("ix_unread_ecg_study_id"), "unread_ecg", ["study_id"])
    op.create_index(op.f("ix_unread_ecg_result"), "unread_ecg", ["result"])
