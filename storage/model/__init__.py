"""The words that every room shares: states and records of what the gateway remembers.

Records are frozen; a state is changed by the table that holds it, in one transaction with its audit record and
its jobs. Times are aware UTC. Ids are opaque text (`new_id`), except where the standard's own UID is the key.
"""

from __future__ import annotations

from storage.model.arrivals import Alarm as Alarm
from storage.model.arrivals import Arrival as Arrival
from storage.model.arrivals import ArrivalOutcome as ArrivalOutcome
from storage.model.arrivals import ArrivalVia as ArrivalVia
from storage.model.deliveries import Delivery as Delivery
from storage.model.deliveries import DeliveryState as DeliveryState
from storage.model.ids import new_id as new_id
from storage.model.keeping import CareClass as CareClass
from storage.model.keeping import CareCounts as CareCounts
from storage.model.keeping import CheckState as CheckState
from storage.model.keeping import CopyState as CopyState
from storage.model.keeping import DayOfIntake as DayOfIntake
from storage.model.keeping import Deletion as Deletion
from storage.model.keeping import DeletionState as DeletionState
from storage.model.keeping import LegalHold as LegalHold
from storage.model.keeping import ObjectCare as ObjectCare
from storage.model.keeping import RetentionRule as RetentionRule
from storage.model.keeping import Tombstone as Tombstone
from storage.model.keeping import Visit as Visit
from storage.model.origins import Comparison as Comparison
from storage.model.origins import Evidence as Evidence
from storage.model.origins import EvidenceKind as EvidenceKind
from storage.model.origins import OriginState as OriginState
from storage.model.origins import RelayRule as RelayRule
from storage.model.origins import SeenCertificate as SeenCertificate
from storage.model.origins import StudyOrigin as StudyOrigin
from storage.model.people import EVERYWHERE as EVERYWHERE
from storage.model.people import Grant as Grant
from storage.model.people import Role as Role
from storage.model.people import Scope as Scope
from storage.model.people import User as User
from storage.model.quarantine import CharacterSetCorrection as CharacterSetCorrection
from storage.model.quarantine import CharacterSetNote as CharacterSetNote
from storage.model.quarantine import QuarantineChoice as QuarantineChoice
from storage.model.quarantine import QuarantineDecision as QuarantineDecision
from storage.model.quarantine import QuarantineFilter as QuarantineFilter
from storage.model.readings import SYSTEM_HOLDER as SYSTEM_HOLDER
from storage.model.readings import Decision as Decision
from storage.model.readings import Priority as Priority
from storage.model.readings import Reading as Reading
from storage.model.readings import ReadingState as ReadingState
from storage.model.records import AuditEntry as AuditEntry
from storage.model.records import ChainedAuditEntry as ChainedAuditEntry
from storage.model.records import Job as Job
from storage.model.records import ObjectRef as ObjectRef
from storage.model.replays import StoredReplay as StoredReplay
from storage.model.reports import Report as Report
from storage.model.reports import ReportState as ReportState
from storage.model.reports import ReportText as ReportText
from storage.model.rule_versions import RuleState as RuleState
from storage.model.rule_versions import RuleVersion as RuleVersion
from storage.model.sites import INBOX_SITE_ID as INBOX_SITE_ID
from storage.model.sites import LINK_CLASSES as LINK_CLASSES
from storage.model.sites import Destination as Destination
from storage.model.sites import DestinationKind as DestinationKind
from storage.model.sites import Device as Device
from storage.model.sites import Knock as Knock
from storage.model.sites import KnockState as KnockState
from storage.model.sites import Site as Site
from storage.model.sites import SiteKind as SiteKind
from storage.model.studies import CompleteBy as CompleteBy
from storage.model.studies import Confidence as Confidence
from storage.model.studies import EcgFacts as EcgFacts
from storage.model.studies import Instance as Instance
from storage.model.studies import InstanceFormat as InstanceFormat
from storage.model.studies import Patient as Patient
from storage.model.studies import PatientName as PatientName
from storage.model.studies import Series as Series
from storage.model.studies import Study as Study
from storage.model.studies import StudyState as StudyState
