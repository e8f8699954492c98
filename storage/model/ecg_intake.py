"""How an ECG finds its patient: numbers for carts without a worklist, ECGs of nobody, files nobody can read yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class EcgPairing:
    """The short number of an open ECG order, and whether somebody said "now recording for this person"."""

    order_id: str
    site_id: str
    number: str                          # typed on the cart as Patient ID
    made_at: datetime
    called_at: datetime | None = None
    called_until: datetime | None = None
    called_by: str = ""
    device_id: str | None = None         # that records; None: any device of the site


class IdentityState(StrEnum):
    WAITING = "waiting"                  # nobody knows whose ECG it is
    FROM_ORDER = "from_order"            # the patient is the linked order's
    FROM_PERSON = "from_person"          # somebody named the patient
    NOBODY = "nobody"                    # a test trace, says somebody


@dataclass(frozen=True, slots=True)
class EcgIdentity:
    """An ECG that named no patient when it came, and what became of that; can be taken back."""

    study_id: str
    arrived_at: datetime
    state: IdentityState
    former_patient_key: str              # the empty identity that it came with
    former_age_years: float | None = None
    settled_at: datetime | None = None
    settled_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UnreadEcg:
    """A file that no reader knows yet, bound to a patient; read again whenever a release knows more formats."""

    arrival_id: str
    site_id: str
    order_id: str | None
    study_id: str | None                 # the study that it lies beside; after reading, its own
    attached_at: datetime
    attached_by: str
    reason: str                          # in the words of who attached it
    tried_with: str = ""                 # the formats known when it was last tried
    tried_at: datetime | None = None
    result: str = ""                     # why it could not be read then, machine word; "read" once it was
