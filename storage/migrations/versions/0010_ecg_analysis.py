"""What the gateway measured on an ECG, and what a doctor corrected; hints beside decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ecg_analysis",
        sa.Column("instance_id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("method", sa.Text(), nullable=False), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_repeat_advised", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("hints", sa.JSON(), nullable=False), sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_ecg_analysis")),
    )
    op.create_index(op.f("ix_ecg_analysis_study_id"), "ecg_analysis", ["study_id"])
    op.create_table(
        "ecg_correction",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False), sa.Column("method", sa.Text(), nullable=False),
        sa.Column("fiducials_us", sa.JSON(), nullable=False), sa.Column("measurements", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ecg_correction")),
    )
    op.create_index(op.f("ix_ecg_correction_instance_id_at"), "ecg_correction", ["instance_id", "at"])
    op.create_index(op.f("ix_ecg_correction_study_id"), "ecg_correction", ["study_id"])
    op.add_column("ecg", sa.Column("critical_statements", sa.JSON(), nullable=True))
    op.add_column("decision", sa.Column("hints", sa.JSON(), nullable=True))
