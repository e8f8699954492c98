"""Orders that may be the one of a study."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_match",
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("study_id", "order_id", name=op.f("pk_order_match")),
    )
    op.create_index(op.f("ix_order_match_state_site_id_proposed_at"), "order_match",
                    ["state", "site_id", "proposed_at"])
    op.create_index(op.f("ix_order_match_order_id"), "order_match", ["order_id"])
