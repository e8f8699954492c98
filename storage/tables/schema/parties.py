"""Who and where."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.schema.columns import UtcDateTime, flag, identifier, integer, metadata, optional, text, time

site = sa.Table("site", metadata, identifier(), text("name"), text("name_en", server_default=""), text("kind"),
                text("phone", server_default=""), flag("is_enabled", True),
                # what rules may ask of it
                integer("tier", "0"), optional("distance_km", sa.Float), text("link_class", server_default=""))
device = sa.Table("device", metadata, identifier(), text("site_id"), text("name"), text("ae_title"),
                  optional("address"), text("modality", server_default=""), optional("character_set"),
                  flag("is_enabled", True),
                  # what the other services need to know of it
                  integer("port", "0"), text("answer_character_set", server_default=""),
                  text("certificate_sha256", server_default=""), integer("max_associations", "0"),
                  optional("quiet_period_s", sa.Float), flag("is_relay", False),
                  flag("uses_tls", False),
                  sa.Index(None, "ae_title"))
knock = sa.Table("knock", metadata, identifier(), text("ae_title"), text("address"), time("first_at"),
                 time("last_at"), integer("count"), text("state"), sa.UniqueConstraint("ae_title", "address"))
user_account = sa.Table("user_account", metadata, identifier(), text("login"), text("display_name"),
                        text("title", server_default=""), text("password_hash"), flag("is_enabled", True),
                        integer("failed_logins", "0"), optional("locked_until", UtcDateTime), time("created_at"),
                        sa.UniqueConstraint("login"))
role_grant = sa.Table("role_grant", metadata, identifier(), text("user_id"), text("role"), optional("site_id"),
                      sa.Index(None, "user_id"))
login_session = sa.Table("login_session", metadata, sa.Column("token_sha256", sa.Text, primary_key=True),
                         text("user_id"), time("created_at"), time("last_seen_at"), time("expires_at"),
                         text("address", server_default=""), sa.Index(None, "user_id"))
api_token = sa.Table("api_token", metadata, identifier(), text("token_sha256"), text("name"), text("site_id"),
                     text("scope"), time("created_at"), flag("is_enabled", True),
                     sa.UniqueConstraint("token_sha256"))
signing_key = sa.Table("signing_key", metadata, sa.Column("user_id", sa.Text, primary_key=True),
                       text("certificate_pem"), text("encrypted_key_pem"), time("created_at"))
destination = sa.Table("destination", metadata, identifier(), text("site_id"), text("kind"), text("name"),
                       text("ae_title", server_default=""), text("host", server_default=""), integer("port", "0"),
                       flag("is_enabled", True), flag("asks_commitment", False), flag("uses_tls", False),
                       text("certificate_sha256", server_default=""), sa.Index(None, "site_id"))
