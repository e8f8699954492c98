"""Skills, grades, presence and rosters of readers; agreements between sites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _readers()
    _rosters()
    op.create_table(
        "site_agreement",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("requesting_site_id", sa.Text(), nullable=False),
        sa.Column("reading_site_id", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text(), server_default="", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False), sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_agreement")),
    )
    op.create_index(op.f("ix_site_agreement_requesting_site_id"), "site_agreement", ["requesting_site_id"])


def _readers() -> None:
    op.create_table(
        "reader_profile",
        sa.Column("user_id", sa.Text(), nullable=False), sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("modalities", sa.JSON(), nullable=False), sa.Column("body_parts", sa.JSON(), nullable=False),
        sa.Column("reads_ecg", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("site_ids", sa.JSON(), nullable=False),
        sa.Column("max_open", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("home_site_id", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_by", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_reader_profile")),
    )
    op.create_table(
        "reader_presence",
        sa.Column("user_id", sa.Text(), nullable=False), sa.Column("presence", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_reader_presence")),
    )
    op.create_table(
        "reader_turn",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_reader_turn")),
    )


def _rosters() -> None:
    op.create_table(
        "roster_entry",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("duty_group", sa.Text(), server_default="", nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_entry")),
    )
    op.create_index(op.f("ix_roster_entry_ends_at"), "roster_entry", ["ends_at"])
    op.create_index(op.f("ix_roster_entry_user_id_ends_at"), "roster_entry", ["user_id", "ends_at"])
    op.create_table(
        "roster_swap",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("duty_group", sa.Text(), nullable=False), sa.Column("from_user_id", sa.Text(), nullable=False),
        sa.Column("to_user_id", sa.Text(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_swap")),
    )
    op.create_index(op.f("ix_roster_swap_state_asked_at"), "roster_swap", ["state", "asked_at"])
    op.create_index(op.f("ix_roster_swap_entry_id"), "roster_swap", ["entry_id"])
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), nullable=False), sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_holiday")),
    )
