"""Grades of images and traces, and the retakes that were asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "quality_grade",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("level", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("frame", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("grade", sa.Text(), nullable=False), sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("modality", sa.Text(), nullable=False), sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), server_default="", nullable=False),
        sa.Column("graded_by", sa.Text(), nullable=False), sa.Column("graded_at", _TIME, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("picture_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("picture_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_grade")),
        sa.UniqueConstraint("target_id", "frame", "revision", name=op.f("uq_quality_grade_target_id_frame_revision")),
    )
    for column in ("study_id", "graded_at", "picture_sha256"):
        op.create_index(op.f(f"ix_quality_grade_{column}"), "quality_grade", [column])
    op.create_table(
        "retake",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("reading_id", sa.Text(), nullable=True),
        sa.Column("grade_id", sa.Text(), nullable=False), sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False), sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("is_sent_back", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("seen_by", sa.Text(), nullable=True), sa.Column("seen_at", _TIME, nullable=True),
        sa.Column("scheduled_at", _TIME, nullable=True), sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("new_study_id", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retake")),
        sa.UniqueConstraint("order_id", name=op.f("uq_retake_order_id")),
    )
    for columns in (["study_id"], ["new_study_id"], ["state", "site_id", "asked_at"], ["asked_at"]):
        op.create_index(op.f(f"ix_retake_{'_'.join(columns)}"), "retake", columns)
    is_open = sa.text("state IN ('asked', 'seen', 'scheduled')")
    op.create_index("uq_retake_open", "retake", ["study_id"], unique=True, sqlite_where=is_open,
                    postgresql_where=is_open)
