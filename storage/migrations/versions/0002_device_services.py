"""What more than storage needs to know of a device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device", sa.Column("port", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("device", sa.Column("answer_character_set", sa.Text(), server_default="", nullable=False))
    op.add_column("device", sa.Column("certificate_sha256", sa.Text(), server_default="", nullable=False))
    op.add_column("device", sa.Column("max_associations", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("device", sa.Column("quiet_period_s", sa.Float(), nullable=True))
    op.add_column("device", sa.Column("is_relay", sa.Boolean(), server_default=sa.false(), nullable=False))
