"""Due times of a reading, stage by stage, and what became of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _time(name: str, *, nullable: bool = True) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "reading_clock",
        sa.Column("reading_id", sa.Text(), nullable=False), sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("study_id", sa.Text(), nullable=False),
        _time("started_at", nullable=False), _time("due_at", nullable=False),
        _time("met_at"), _time("breached_at"), _time("stopped_at"),
        sa.Column("nudged_percent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("round", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("reading_id", "stage", name=op.f("pk_reading_clock")),
    )
    op.create_index(op.f("ix_reading_clock_study_id"), "reading_clock", ["study_id"])
    op.create_table(
        "reading_timer",
        sa.Column("reading_id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        _time("next_at"), sa.Column("plan", sa.JSON(), nullable=False),
        _time("reoffered_at"), _time("climbed_at"), _time("overflowed_at"),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("reading_id", name=op.f("pk_reading_timer")),
    )
    op.create_index(op.f("ix_reading_timer_next_at"), "reading_timer", ["next_at"])
    op.create_index(op.f("ix_reading_timer_study_id"), "reading_timer", ["study_id"])
    op.create_table(
        "notice",
        sa.Column("id", sa.Text(), nullable=False), _time("at", nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reading_id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), server_default="", nullable=False),
        sa.Column("round", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("percent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False), _time("read_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("reading_id", "user_id", "kind", "stage", "round", "percent",
                            name=op.f("uq_notice_reading_id_user_id_kind_stage_round_percent")),
    )
    op.create_index(op.f("ix_notice_user_id_at"), "notice", ["user_id", "at"])
    op.create_index(op.f("ix_notice_study_id"), "notice", ["study_id"])
