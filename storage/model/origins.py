"""Where a study comes from, and what that was read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OriginState(StrEnum):
    SETTLED = "settled"                  # by evidence, or by a person
    WAITING = "waiting"                  # a person must say: the study stays in the inbox
    UNREGISTERED = "unregistered"        # its sender is no device yet; settled when it becomes one


class EvidenceKind(StrEnum):
    CERTIFICATE = "certificate"          # the client certificate of the connection (TLS)
    DEVICE = "device"                    # calling AE title and address of a registered device
    ACCOUNT = "account"                  # the token or account of an upload
    INSTITUTION = "institution"          # Institution Name (0008,0080) of the objects
    ORDER = "order"                      # the order that the study answers
    RELAY_RULE = "relay_rule"            # a rule for a device that speaks for several clinics
    PERSON = "person"                    # an administrator said so


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen, and the site that it names; "" where it names none."""

    kind: EvidenceKind
    seen: str
    site_id: str = ""


@dataclass(frozen=True, slots=True)
class StudyOrigin:
    """What fixed the requesting site of a study when its first object came, or why nothing could."""

    study_id: str
    state: OriginState
    site_id: str                         # the requesting site; "" while it waits
    decided_by: EvidenceKind | None
    why: str                             # machine word, e.g. "agree", "no-relay-rule", "sites-differ"
    device_id: str | None
    sender_site_id: str                  # the site that the sender was registered for; the inbox if it was not
    evidence: tuple[Evidence, ...]
    at: datetime
    elements: dict[str, str] = field(default_factory=dict)     # what rules may ask, by keyword, as decoded
    settled_at: datetime | None = None
    settled_by: str | None = None        # a person's id
    reason: str = ""                     # what that person wrote


class Comparison(StrEnum):
    EQUALS = "equals"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"


@dataclass(frozen=True, slots=True)
class RelayRule:
    """What a relay sends comes from this site when the element reads so. The first rule that fits decides."""

    id: str
    position: int
    device_id: str | None                # None: every relay
    element: str                         # one of gateway.core.study_origin.RULE_ELEMENTS
    comparison: Comparison
    text: str
    site_id: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """The client certificate that a caller showed last."""

    id: str
    ae_title: str
    address: str
    sha256: str
    subject: str
    issuer: str
    not_after: datetime
    seen_at: datetime
    is_admitted: bool                    # False: its association was rejected
