"""Unified Procedure Steps, who follows them, and which readings moved since they were last looked at."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import counter, flag, integer, json, metadata, optional, text, time

workitem = sa.Table("workitem", metadata, sa.Column("uid", sa.Text, primary_key=True), text("study_id"),
                    text("site_id"), optional("reading_id"), flag("is_request", False), flag("is_current", True),
                    text("state"), time("created_at"), time("modified_at"), text("requester", server_default=""),
                    text("performer", server_default=""), text("transaction_uid", server_default=""),
                    text("replaces", server_default=""), json("attributes"), integer("revision", "0"),
                    sa.Index(None, "reading_id"), sa.Index(None, "study_id"), sa.Index(None, "state", "uid"))
workitem_subscriber = sa.Table("workitem_subscriber", metadata, sa.Column("ae_title", sa.Text, primary_key=True),
                               text("channel"), text("owner"), text("site_id"), text("all_workitems"),
                               json("filter"))
workitem_subscription = sa.Table("workitem_subscription", metadata,
                                 sa.Column("workitem_uid", sa.Text, primary_key=True),
                                 sa.Column("ae_title", sa.Text, primary_key=True), flag("has_lock", False),
                                 sa.Index(None, "ae_title"))
workitem_event = sa.Table("workitem_event", metadata, counter("id"), text("ae_title"), text("workitem_uid"),
                          text("study_id"), text("site_id"), integer("kind"), time("at"), json("information"),
                          sa.Index(None, "ae_title", "id"), sa.Index(None, "study_id"))
reading_change = sa.Table("reading_change", metadata, counter("id"), text("reading_id"))
