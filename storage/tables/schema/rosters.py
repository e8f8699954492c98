"""Skills, grades, presence and rosters of readers; agreements between sites."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, flag, identifier, integer, json, metadata, optional, text, time

reader_profile = sa.Table("reader_profile", metadata, sa.Column("user_id", sa.Text, primary_key=True), text("grade"),
                          json("modalities"), json("body_parts"), flag("reads_ecg", True), json("site_ids"),
                          integer("max_open", "0"), text("home_site_id", server_default=""),
                          text("updated_by", server_default=""), optional("updated_at", UtcDateTime))
reader_presence = sa.Table("reader_presence", metadata, sa.Column("user_id", sa.Text, primary_key=True),
                           text("presence"), time("since"))
reader_turn = sa.Table("reader_turn", metadata, sa.Column("user_id", sa.Text, primary_key=True),
                       time("last_assigned_at"))
roster_entry = sa.Table("roster_entry", metadata, identifier(), text("kind"), text("duty_group", server_default=""),
                        text("user_id"), time("starts_at"), time("ends_at"), text("note", server_default=""),
                        text("created_by"), time("created_at"), integer("revision", "0"),
                        sa.Index(None, "ends_at"), sa.Index(None, "user_id", "ends_at"))
roster_swap = sa.Table("roster_swap", metadata, identifier(), text("entry_id"), text("duty_group"),
                       text("from_user_id"), text("to_user_id"), text("state"), text("note", server_default=""),
                       time("asked_at"), optional("answered_at", UtcDateTime), optional("decided_by"),
                       optional("decided_at", UtcDateTime), text("reason", server_default=""),
                       sa.Index(None, "state", "asked_at"), sa.Index(None, "entry_id"))
holiday = sa.Table("holiday", metadata, sa.Column("day", sa.Date, primary_key=True), text("kind"), text("name"),
                   text("name_en", server_default=""))
site_agreement = sa.Table("site_agreement", metadata, identifier(), text("requesting_site_id"),
                          text("reading_site_id"), text("document_number", server_default=""),
                          sa.Column("valid_from", sa.Date, nullable=False), optional("valid_until", sa.Date),
                          text("note", server_default=""), text("created_by"), time("created_at"),
                          integer("revision", "0"), sa.Index(None, "requesting_site_id"))
