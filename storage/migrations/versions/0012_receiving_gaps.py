"""TLS as a client, and the class of patient that an order is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("device", "destination"):
        op.add_column(table, sa.Column("uses_tls", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("exam_order", sa.Column("patient_class", sa.Text(), server_default="", nullable=False))
    op.add_column("destination", sa.Column("certificate_sha256", sa.Text(), server_default="", nullable=False))
