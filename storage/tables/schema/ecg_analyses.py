"""What the gateway measured on an ECG, and what a doctor corrected."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import flag, identifier, json, metadata, text, time

ecg_analysis = sa.Table("ecg_analysis", metadata, sa.Column("instance_id", sa.Text, primary_key=True),
                        text("study_id"), text("state"), text("reason", server_default=""), text("method"),
                        time("at"), flag("is_repeat_advised", False), json("hints"), json("content"),
                        sa.Index(None, "study_id"))
ecg_correction = sa.Table("ecg_correction", metadata, identifier(), text("instance_id"), text("study_id"),
                          text("user_id"), time("at"), text("method"), json("fiducials_us"), json("measurements"),
                          sa.Index(None, "instance_id", "at"), sa.Index(None, "study_id"))
