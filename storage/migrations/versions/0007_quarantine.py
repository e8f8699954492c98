"""Decisions about quarantined arrivals; character sets learned from traffic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quarantine_decision",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("arrival_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False), sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undoes", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine_decision")),
    )
    op.create_index(op.f("ix_quarantine_decision_arrival_id"), "quarantine_decision", ["arrival_id"])
    op.create_table(
        "character_set_note",
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("declared", sa.Text(), server_default="", nullable=False),
        sa.Column("codec", sa.Text(), nullable=False), sa.Column("confidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_character_set_note")),
    )
    op.create_index(op.f("ix_character_set_note_device_id_at"), "character_set_note", ["device_id", "at"])
    op.create_table(
        "character_set_correction",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False), sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("undoes", sa.Text(), server_default="", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("studies", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_character_set_correction")),
    )
    op.create_index(op.f("ix_character_set_correction_device_id_at"), "character_set_correction", ["device_id", "at"])
