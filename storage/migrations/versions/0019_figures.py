"""Indexes that the figures of a month are read by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_study_completed_at", "study", ["completed_at"])
    rejected = sa.text("action = 'report.rejected'")
    op.create_index("ix_audit_rejected_reports", "audit", ["at"], sqlite_where=rejected, postgresql_where=rejected)
