"""What a clinic asks for: an order, and who may send orders by HL7 v2.

An order names the examination before there are images. It gives the accession number and the Study Instance UID
that the modality is to use (A4), and the clinical words that the reader needs (A1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class OrderState(StrEnum):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"          # the modality has begun, or its first image came
    PERFORMED = "performed"
    WITHDRAWN = "withdrawn"


class OrderSource(StrEnum):
    UI = "ui"
    API = "api"
    HL7 = "hl7"


class LinkEvidence(StrEnum):
    """Why we say that a study was made for an order."""

    STUDY_INSTANCE_UID = "study_instance_uid"
    ACCESSION_NUMBER = "accession_number"    # with the site and the Patient ID
    SCORE = "score"                      # several facts agree well enough (A5)
    PERSON = "person"                    # somebody said so


@dataclass(frozen=True, slots=True)
class Order:
    """One examination that a site asks for; one scheduled step of one requested procedure."""

    id: str
    site_id: str
    state: OrderState
    source: OrderSource
    accession_number: str                # at most 16 characters (SH)
    study_instance_uid: str
    requested_procedure_id: str
    scheduled_step_id: str
    patient_id: str                      # unique inside the site alone (A7)
    patient_name: str                    # as written, Chinese where it is Chinese
    name_alphabetic: str                 # in Latin letters, components apart: "Wang^Xiaoming"
    modality: str
    scheduled_at: datetime
    created_at: datetime
    created_by: str                      # user id, "token:…", "hl7:…"
    updated_at: datetime
    sex: str = ""                        # M, F, O or ""
    birth_date: date | None = None
    id_card_number: str = ""
    visit_number: str = ""               # 门诊/住院号
    placer_order_number: str = ""        # of the system that sent it; names it in amendments
    body_part: str = ""
    procedure_code: str = ""
    procedure_description: str = ""
    station_ae_title: str = ""           # "": any device of the site with this modality
    department: str = ""
    requesting_physician: str = ""
    clinical_diagnosis: str = ""
    purpose: str = ""
    urgency: str = "routine"             # "emergency", "urgent", "routine"
    fee_item: str = ""
    consent_informed_by: str = ""        # who told the patient about remote reading (A2)
    consent_at: datetime | None = None
    consent_is_written: bool | None = None   # None: nobody said
    consent_given_by: str = ""           # the patient, or the guardian's name
    expected_count: int | None = None    # instances that the examination will have
    patient_class: str = ""              # a CareClass: "outpatient", "inpatient", "" where nobody said
    study_id: str | None = None          # the study that was made for it
    link_evidence: LinkEvidence | None = None
    withdrawn_reason: str = ""
    revision: int = 0                    # grows with every change, for optimistic checks


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders a list is about; empty: no restriction."""

    states: tuple[OrderState, ...] = ()
    text: str = ""                       # begins a name, a Patient ID, an accession, visit or ID card number
    modality: str = ""
    scheduled_from: datetime | None = None
    scheduled_before: datetime | None = None
    without_study: bool = False          # not linked yet


@dataclass(frozen=True, slots=True)
class Hl7Partner:
    """A system that may send HL7 v2, known by MSH-3 and MSH-4, and the site that it speaks for."""

    id: str
    name: str
    application: str                     # MSH-3; "": any
    facility: str                        # MSH-4
    site_id: str
    character_set: str = "UTF-8"         # what its text is where MSH-18 says nothing; a Python codec name
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Hl7Exchange:
    """A message that was accepted, and the answer that a repetition gets again."""

    application: str
    facility: str
    control_id: str
    at: datetime
    content_sha256: str                  # of what it says; without the time of sending, which a repetition renews
    object_sha256: str                   # the bytes as received
    answer: bytes
