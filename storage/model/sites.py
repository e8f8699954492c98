"""Sites, devices, and who knocked without being known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SiteKind(StrEnum):
    CENTRE = "centre"
    HOSPITAL = "hospital"
    TOWNSHIP = "township"
    VILLAGE = "village"
    INBOX = "inbox"                      # studies of devices nobody has registered yet; seen by administrators alone


INBOX_SITE_ID = "inbox"


@dataclass(frozen=True, slots=True)
class Site:
    id: str                              # short stable code, e.g. "yangchang"
    name: str
    name_en: str
    kind: SiteKind
    phone: str = ""
    is_enabled: bool = True
    tier: int = 0                        # 1 village, 2 township, 3 county, 4 city, 5 province; 0: as its kind says
    distance_km: float | None = None     # by road to the reading centre
    link_class: str = ""                 # one of LINK_CLASSES; "": nobody said


LINK_CLASSES = ("fibre", "leased", "mobile", "satellite", "weak")
"""How a site is connected: 光纤, 专线, 移动网络, 卫星, 弱网."""


@dataclass(frozen=True, slots=True)
class Device:
    """A modality or ECG cart that may send. `ae_title` is what it calls itself (calling AE title)."""

    id: str
    site_id: str
    name: str
    ae_title: str
    address: str | None                  # IP address it must call from; None: any
    modality: str                        # DICOM modality code it usually sends, "" if unknown
    character_set: str | None = None     # correction for a device that mislabels its text (C4); a Python codec name
    is_enabled: bool = True
    port: int = 0                        # where it listens itself (C-MOVE, commitment results); 0: it only calls
    answer_character_set: str = ""       # Specific Character Set of our answers to it (C5); "pinyin": Latin letters
    certificate_sha256: str = ""         # of the client certificate it must show (TLS); "": none is asked for
    max_associations: int = 0            # open at the same time; 0: no limit of its own
    quiet_period_s: float | None = None  # silence after which its studies are complete; None: as set for all
    is_relay: bool = False               # it speaks for several clinics: its own site says nothing of a study's
    uses_tls: bool = False               # its own port is secured by TLS


class KnockState(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Knock:
    """A calling AE title that nobody has registered and that tried to associate."""

    id: str
    ae_title: str
    address: str
    first_at: datetime
    last_at: datetime
    count: int
    state: KnockState


class DestinationKind(StrEnum):
    CLINIC_PAGE = "clinic_page"          # the clinic's own page; always there, acknowledged by a person
    DICOM = "dicom"                      # Encapsulated PDF by C-STORE to the site's node
    ORTHANC = "orthanc"                  # the same object into an Orthanc by its REST API
    PULL = "pull"                        # the clinic's own program, which calls out to us and fetches it


@dataclass(frozen=True, slots=True)
class Destination:
    id: str
    site_id: str
    kind: DestinationKind
    name: str
    ae_title: str = ""
    host: str = ""
    port: int = 0
    is_enabled: bool = True
    asks_commitment: bool = False        # accepted means: the node has committed to it (PS3.4 annex J)
    uses_tls: bool = False               # the node's port is secured by TLS
    certificate_sha256: str = ""         # of the certificate the node must show; "": one that names its host
