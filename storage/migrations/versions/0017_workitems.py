"""Unified Procedure Steps as the outside sees them: workitems, who follows them, and readings that moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "workitem", sa.Column("uid", sa.Text(), nullable=False), sa.Column("study_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("reading_id", sa.Text(), nullable=True),
        sa.Column("is_request", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False), sa.Column("created_at", time, nullable=False),
        sa.Column("modified_at", time, nullable=False),
        sa.Column("requester", sa.Text(), server_default="", nullable=False),
        sa.Column("performer", sa.Text(), server_default="", nullable=False),
        sa.Column("transaction_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("replaces", sa.Text(), server_default="", nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("uid", name="pk_workitem"))
    op.create_index("ix_workitem_reading_id", "workitem", ["reading_id"])
    op.create_index("ix_workitem_study_id", "workitem", ["study_id"])
    op.create_index("ix_workitem_state_uid", "workitem", ["state", "uid"])
    op.create_table(
        "workitem_subscriber", sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False), sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False), sa.Column("all_workitems", sa.Text(), nullable=False),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("ae_title", name="pk_workitem_subscriber"))
    op.create_table(
        "workitem_subscription", sa.Column("workitem_uid", sa.Text(), nullable=False),
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("has_lock", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("workitem_uid", "ae_title", name="pk_workitem_subscription"))
    op.create_index("ix_workitem_subscription_ae_title", "workitem_subscription", ["ae_title"])
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "workitem_event", sa.Column("id", counter, autoincrement=True, nullable=False),
        sa.Column("ae_title", sa.Text(), nullable=False), sa.Column("workitem_uid", sa.Text(), nullable=False),
        sa.Column("study_id", sa.Text(), nullable=False), sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False), sa.Column("at", time, nullable=False),
        sa.Column("information", sa.JSON(), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_workitem_event"))
    op.create_index("ix_workitem_event_ae_title_id", "workitem_event", ["ae_title", "id"])
    op.create_index("ix_workitem_event_study_id", "workitem_event", ["study_id"])
    op.create_table(
        "reading_change", sa.Column("id", counter, autoincrement=True, nullable=False),
        sa.Column("reading_id", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_reading_change"))
    # Readings that are open become workitems as well; those that are done, once they are opened again.
    op.execute("INSERT INTO reading_change (reading_id) SELECT id FROM reading WHERE state NOT IN "
               "('final', 'returned', 'given_up', 'withdrawn') ORDER BY created_at, id")
