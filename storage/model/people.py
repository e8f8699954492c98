"""Who may see what: roles, grants, scopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    CLINIC = "clinic"        # sees and acknowledges the own site's studies
    READER = "reader"        # claims, writes
    REVIEWER = "reviewer"    # reviews and signs what another wrote; may also write
    ADMIN = "admin"          # sites, devices, users, destinations, quarantine, alarms, audit


@dataclass(frozen=True, slots=True)
class Scope:
    """The sites whose data a caller may see. Every query for patient data takes one; there is no default."""

    site_ids: frozenset[str] | None      # None: every site (the gateway's own work, alliance-wide grants)

    def allows(self, site_id: str) -> bool:
        return self.site_ids is None or site_id in self.site_ids


EVERYWHERE = Scope(None)


@dataclass(frozen=True, slots=True)
class Grant:
    role: Role
    site_id: str | None                  # None: every site of the alliance


@dataclass(frozen=True, slots=True)
class User:
    id: str
    login: str
    display_name: str
    title: str                           # 职称, e.g. 主治医师; printed beside the signature
    grants: tuple[Grant, ...]
    is_enabled: bool = True
    locked_until: datetime | None = None

    def has_role(self, role: Role, site_id: str | None = None) -> bool:
        """True if the role is granted for this site (None: for any site at all)."""
        return any(g.role == role and (site_id is None or g.site_id in (None, site_id)) for g in self.grants)

    def scope(self, *roles: Role) -> Scope:
        """The sites granted with any of these roles (none named: with any role)."""
        chosen = [g for g in self.grants if not roles or g.role in roles]
        if any(g.site_id is None for g in chosen):
            return EVERYWHERE
        return Scope(frozenset(g.site_id for g in chosen if g.site_id is not None))
