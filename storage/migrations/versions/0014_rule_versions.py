"""Who approved a version of the rules, and drafts that wait for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    with op.batch_alter_table("rule_set") as table:
        table.alter_column("activated_by", new_column_name="proposed_by", existing_type=sa.Text(),
                           existing_nullable=False)
        table.alter_column("activated_at", existing_type=time, nullable=True)
        table.add_column(sa.Column("proposed_at", time, nullable=True))
        table.add_column(sa.Column("state", sa.Text(), server_default="superseded", nullable=False))
        for name in ("title", "note", "refused_reason"):
            table.add_column(sa.Column(name, sa.Text(), server_default="", nullable=False))
        for name in ("approved_by", "refused_by"):
            table.add_column(sa.Column(name, sa.Text(), nullable=True))
        for name in ("approved_at", "refused_at"):
            table.add_column(sa.Column(name, time, nullable=True))
        for name in ("restores", "based_on"):
            table.add_column(sa.Column(name, sa.BigInteger(), nullable=True))
    # Until now the newest version was the one in force.
    op.execute("UPDATE rule_set SET proposed_at = activated_at")
    op.execute("UPDATE rule_set SET state = 'active' WHERE version = (SELECT max(version) FROM rule_set)")
    with op.batch_alter_table("rule_set") as table:
        table.alter_column("proposed_at", existing_type=time, nullable=False)
        table.alter_column("state", existing_type=sa.Text(), server_default=None)
    op.create_index("uq_rule_set_active", "rule_set", ["state"], unique=True,
                    sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
    op.create_index("ix_decision_at", "decision", ["at"])
