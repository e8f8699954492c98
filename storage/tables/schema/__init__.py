"""The tables, once, for both engines. A change needs a revision in storage/migrations (a test compares them)."""

from __future__ import annotations

from storage.tables.schema.columns import UtcDateTime as UtcDateTime
from storage.tables.schema.columns import metadata as metadata
from storage.tables.schema.orders import exam_order as exam_order
from storage.tables.schema.orders import hl7_exchange as hl7_exchange
from storage.tables.schema.orders import hl7_partner as hl7_partner
from storage.tables.schema.origins import relay_rule as relay_rule
from storage.tables.schema.origins import seen_certificate as seen_certificate
from storage.tables.schema.origins import study_origin as study_origin
from storage.tables.schema.parties import api_token as api_token
from storage.tables.schema.parties import destination as destination
from storage.tables.schema.parties import device as device
from storage.tables.schema.parties import knock as knock
from storage.tables.schema.parties import login_session as login_session
from storage.tables.schema.parties import role_grant as role_grant
from storage.tables.schema.parties import signing_key as signing_key
from storage.tables.schema.parties import site as site
from storage.tables.schema.parties import user_account as user_account
from storage.tables.schema.quarantine import character_set_correction as character_set_correction
from storage.tables.schema.quarantine import character_set_note as character_set_note
from storage.tables.schema.quarantine import quarantine_decision as quarantine_decision
from storage.tables.schema.readings import annotation as annotation
from storage.tables.schema.readings import decision as decision
from storage.tables.schema.readings import delivery as delivery
from storage.tables.schema.readings import reading as reading
from storage.tables.schema.readings import report as report
from storage.tables.schema.readings import rule_set as rule_set
from storage.tables.schema.received import alarm as alarm
from storage.tables.schema.received import arrival as arrival
from storage.tables.schema.received import ecg as ecg
from storage.tables.schema.received import instance as instance
from storage.tables.schema.received import patient as patient
from storage.tables.schema.received import series as series
from storage.tables.schema.received import stored_object as stored_object
from storage.tables.schema.received import study as study
from storage.tables.schema.work import audit as audit
from storage.tables.schema.work import audit_head as audit_head
from storage.tables.schema.work import job as job
from storage.tables.schema.work import write_mark as write_mark
