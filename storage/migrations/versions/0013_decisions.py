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
