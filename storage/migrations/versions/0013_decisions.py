"""What a decision said in full, and what it was made from besides the facts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("outcome", sa.JSON(), nullable=True))
    op.add_column("decision", sa.Column("inputs", sa.JSON(), nullable=True))
    op.add_column("reading", sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("site", sa.Column("tier", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("site", sa.Column("distance_km", sa.Float(), nullable=True))
    op.add_column("site", sa.Column("link_class", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "forward",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Text(), nullable=False), sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_uids", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forward")),
        sa.UniqueConstraint("study_id", "destination_id", name=op.f("uq_forward_study_id_destination_id")),
    )
    op.create_index(op.f("ix_forward_state"), "forward", ["state"])
