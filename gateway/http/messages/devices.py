"""Bodies of /api/admin/devices."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ShownCertificate(msgspec.Struct, frozen=True):
    """The certificate that a caller with the device's AE title and address showed last."""

    sha256: str
    subject: str
    issuer: str
    address: str
    not_after: datetime
    seen_at: datetime
    is_admitted: bool                    # false: its association was rejected
    freshness: str                       # good, ends_in_a_month, ends_in_a_week, ended


class DeviceView(msgspec.Struct, frozen=True):
    id: str
    site_id: str
    name: str
    ae_title: str
    address: str | None
    modality: str
    character_set: str | None
    is_enabled: bool
    port: int                            # where it listens itself; 0: it only calls
    answer_character_set: str            # of our answers to it; "pinyin": Latin letters; "": as its query says
    certificate_sha256: str              # that it must show, calling or called; "": none is asked for
    max_associations: int                # 0: no limit of its own
    quiet_period_s: float | None         # null: as set for all
    is_relay: bool                       # it speaks for several clinics
    uses_tls: bool                       # its own port is secured by TLS
    shown_certificate: ShownCertificate | None


class DeviceRequest(msgspec.Struct, frozen=True):
    """The whole device; what is left out is as for a new one."""

    site_id: str
    name: str
    ae_title: str
    address: str | None = None
    modality: str = ""
    character_set: str | None = None
    is_enabled: bool = True
    port: int = 0
    answer_character_set: str = ""
    certificate_sha256: str = ""         # its SHA-256 fingerprint, or the certificate itself (PEM)
    max_associations: int = 0
    quiet_period_s: float | None = None
    is_relay: bool = False
    uses_tls: bool = False
