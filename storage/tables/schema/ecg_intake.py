"""ECG files that nobody can read yet, and ECGs that wait for their patient."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, metadata, optional, text, time

ecg_pairing = sa.Table("ecg_pairing", metadata, sa.Column("order_id", sa.Text, primary_key=True), text("site_id"),
                       text("number"), time("made_at"), optional("called_at", UtcDateTime),
                       optional("called_until", UtcDateTime), text("called_by", server_default=""),
                       optional("device_id"), sa.UniqueConstraint("site_id", "number"))
ecg_identity = sa.Table("ecg_identity", metadata, sa.Column("study_id", sa.Text, primary_key=True),
                        time("arrived_at"), text("state"), text("former_patient_key"),
                        optional("former_age_years", sa.Float), optional("settled_at", UtcDateTime),
                        text("settled_by", server_default=""), text("reason", server_default=""),
                        sa.Index(None, "state", "arrived_at"))
unread_ecg = sa.Table("unread_ecg", metadata, sa.Column("arrival_id", sa.Text, primary_key=True), text("site_id"),
                      optional("order_id"), optional("study_id"), time("attached_at"), text("attached_by"),
                      text("reason", server_default=""), text("tried_with", server_default=""),
                      optional("tried_at", UtcDateTime), text("result", server_default=""),
                      sa.Index(None, "study_id"), sa.Index(None, "result"))
