"""Indexes for searching: names by their beginning, dates, modalities, counting without touching the rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fold = 'lower({} COLLATE "C")' if op.get_bind().dialect.name == "postgresql" else "lower({})"
    for name in ("name_display", "name_alphabetic"):
        op.create_index(f"ix_patient_{name}_folded", "patient", [sa.text(fold.format(name)), "site_id", "id"])
    op.create_index("ix_patient_patient_id", "patient", ["patient_id"])
    op.create_index("ix_study_study_at_id", "study", ["study_at", "id"])
    op.create_index("ix_series_modality_study_id", "series", ["modality", "study_id"])
    op.create_index("ix_series_series_instance_uid", "series", ["series_instance_uid"])
    op.drop_index("ix_instance_study_id", "instance")
    op.create_index("ix_instance_study_id_format", "instance", ["study_id", "format"])
    op.drop_index("ix_instance_series_id", "instance")
    op.create_index("ix_instance_series_id_format_id", "instance", ["series_id", "format", "id"])
