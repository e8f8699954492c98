"""Bodies of the administrator's desk: sites, who knocks, destinations, accounts, rules, alarms, the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from gateway.http.messages import GrantView


class SiteView(msgspec.Struct, frozen=True):
    id: str
    name: str
    name_en: str
    kind: str
    phone: str = ""
    is_enabled: bool = True
    tier: int = 0                        # 1 village room to 5 province; 0: as its kind says
    distance_km: float | None = None     # by road to the reading centre
    link_class: str = ""                 # fibre, leased, mobile, satellite, weak


class KnockView(msgspec.Struct, frozen=True):
    id: str
    ae_title: str
    address: str
    first_at: datetime
    last_at: datetime
    count: int
    inbox_studies: int                   # studies that it sent to the inbox; accepting it gives them to its site


class AcceptKnockRequest(msgspec.Struct, frozen=True):
    site_id: str
    name: str
    modality: str = ""
    is_any_address: bool = False


class DestinationView(msgspec.Struct, frozen=True):
    id: str
    site_id: str
    kind: str
    name: str
    ae_title: str
    host: str
    port: int
    is_enabled: bool
    asks_commitment: bool                # accepted means: the node has committed to keeping the report
    uses_tls: bool                       # the node's port is secured by TLS
    certificate_sha256: str              # that it must show; "": one that names its host


class DestinationRequest(msgspec.Struct, frozen=True):
    site_id: str
    kind: str
    name: str
    ae_title: str = ""
    host: str = ""
    port: int = 0
    is_enabled: bool = True
    asks_commitment: bool = False
    uses_tls: bool = False
    certificate_sha256: str = ""         # its SHA-256 fingerprint, or the certificate itself (PEM)


class UserView(msgspec.Struct, frozen=True):
    id: str
    login: str
    display_name: str
    title: str
    grants: list[GrantView]
    is_enabled: bool


class UserRequest(msgspec.Struct, frozen=True):
    login: str
    display_name: str
    password: str
    grants: list[GrantView]
    title: str = ""


class AlarmView(msgspec.Struct, frozen=True):
    id: str
    at: datetime
    kind: str
    site_id: str
    ref: str
    detail: str


class AuditView(msgspec.Struct, frozen=True):
    node: str
    seq: int
    at: datetime
    actor: str
    actor_name: str
    action: str
    is_success: bool
    site_id: str | None
    study_id: str | None
    detail: dict[str, Any]
    hash: str


class RuleSetView(msgspec.Struct, frozen=True):
    version: int
    activated_at: datetime
    activated_by: str
    source: str


class Overview(msgspec.Struct, frozen=True):
    """The administrator's first page."""

    sites: int
    devices: int
    studies: int
    objects: int
    object_bytes: int
    free_bytes: int | None
    days_left: float | None              # of room, at the median daily intake; None: not known yet
    space_level: str                     # enough, low, full
    waiting_readings: int
    waiting_deliveries: int
    quarantined: int
    open_alarms: int
    knocks: int
    dicom_address: str
    ae_title: str
    version: str
