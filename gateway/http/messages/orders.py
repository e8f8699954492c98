"""Bodies of /api/orders and of the systems that send orders by HL7 v2."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class OrderRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a clinic asks for; what is left out is not known, and names that are left out are given."""

    patient_name: str
    modality: str                        # DICOM code: DX, CT, US, …
    site_id: str = ""                    # new orders: may be left out by who has one site alone
    patient_id: str = ""                 # left out: the visit number
    name_alphabetic: str = ""            # left out: pinyin
    sex: str = ""                        # M, F, O
    birth_date: date | None = None
    id_card_number: str = ""
    visit_number: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""
    requested_procedure_id: str = ""
    scheduled_step_id: str = ""
    placer_order_number: str = ""
    body_part: str = ""
    procedure_code: str = ""
    procedure_description: str = ""
    station_ae_title: str = ""           # left out: any device of the site with this modality
    scheduled_at: datetime | None = None # left out: now
    department: str = ""
    requesting_physician: str = ""
    clinical_diagnosis: str = ""
    purpose: str = ""
    urgency: str = "routine"             # emergency, urgent, routine
    fee_item: str = ""
    consent_informed_by: str = ""        # who told the patient about remote reading
    consent_at: datetime | None = None
    consent_is_written: bool | None = None
    consent_given_by: str = ""           # the patient, or the guardian's name
    expected_count: int | None = None    # instances that the examination will have
    patient_class: str = ""              # outpatient, inpatient; its study is kept as long as that asks for
    revision: int | None = None          # changes: the one last seen


class OrderView(msgspec.Struct, frozen=True):
    """One order; `warnings` are machine words about its identity number."""

    id: str
    site_id: str
    site_name: str
    state: str                           # scheduled, in_progress, performed, withdrawn
    source: str                          # ui, api, hl7
    accession_number: str
    study_instance_uid: str
    requested_procedure_id: str
    scheduled_step_id: str
    placer_order_number: str
    patient_id: str
    patient_name: str
    name_alphabetic: str
    sex: str
    birth_date: date | None
    id_card_number: str
    visit_number: str
    modality: str
    body_part: str
    procedure_code: str
    procedure_description: str
    station_ae_title: str
    scheduled_at: datetime
    department: str
    requesting_physician: str
    clinical_diagnosis: str
    purpose: str
    urgency: str
    fee_item: str
    consent_informed_by: str
    consent_at: datetime | None
    consent_is_written: bool | None
    consent_given_by: str
    expected_count: int | None
    patient_class: str                   # outpatient, inpatient, "" where nobody said
    study_id: str | None
    link_evidence: str | None            # study_instance_uid, accession_number, score, person
    withdrawn_reason: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    revision: int
    warnings: list[str]


class OrderList(msgspec.Struct, frozen=True):
    items: list[OrderView]
    total: int


class Hl7PartnerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    facility: str                        # MSH-4
    site_id: str
    application: str = ""                # MSH-3; empty: any
    character_set: str = "UTF-8"         # where MSH-18 says nothing
    is_enabled: bool = True


class Hl7PartnerView(msgspec.Struct, frozen=True):
    """A system that sends HL7 v2, and the site that it speaks for."""

    id: str
    name: str
    application: str
    facility: str
    site_id: str
    character_set: str
    is_enabled: bool
