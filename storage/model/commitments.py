"""Storage commitment in both roles, performed procedure steps, and what they tell of a study's completeness."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class CommitmentState(StrEnum):
    """waiting → judged → reported, or given up; a judged one stays judged while its report is tried again."""

    WAITING = "waiting"                  # received, not yet decided
    JUDGED = "judged"                    # every item has its verdict, the device has not taken it yet
    REPORTED = "reported"                # the device answered the report with success
    GIVEN_UP = "given_up"                # the device did not take it for days


@dataclass(frozen=True, slots=True)
class CommitmentItem:
    """One instance that a device asks about, as it named it."""

    sop_class_uid: str
    sop_instance_uid: str
    failure_reason: int | None = None    # (0008,1197); 0: committed, None: not judged yet


@dataclass(frozen=True, slots=True)
class Commitment:
    """One transaction in which a device asks us to commit (PS3.4 annex J). Its Transaction UID is used once."""

    id: str
    transaction_uid: str
    site_id: str
    device_id: str | None
    ae_title: str
    address: str                         # where the request came from
    association_id: str
    node: str                            # the process that holds this association
    requested_at: datetime
    state: CommitmentState
    judged_at: datetime | None = None
    reported_at: datetime | None = None
    attempts: int = 0                    # of the report
    next_attempt_at: datetime | None = None
    last_error: str = ""                 # why the report waits, in plain words

    @property
    def asker(self) -> str:
        """Tells who asked from everybody else; two sites may have devices of one AE title."""
        return asker_name(self.device_id, self.ae_title, self.address)


def asker_name(device_id: str | None, ae_title: str, address: str) -> str:
    """The device where it is registered, else title and address."""
    return device_id or f"{ae_title}@{address}"


@dataclass(frozen=True, slots=True)
class AskedCommitment:
    """One transaction in which we ask the node that got a report to commit to it."""

    transaction_uid: str
    delivery_id: str
    destination_id: str
    ae_title: str                        # who was asked, and alone may answer
    sop_class_uid: str
    sop_instance_uid: str
    asked_at: datetime
    answered_at: datetime | None = None
    failure_reason: int | None = None    # as in CommitmentItem


class StepState(StrEnum):
    """Performed Procedure Step Status (0040,0252); the last two are final."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"

    @property
    def is_final(self) -> bool:
        return self is not StepState.IN_PROGRESS


@dataclass(frozen=True, slots=True)
class PerformedStep:
    """A Modality Performed Procedure Step as the device keeps it with us (PS3.4 annex F)."""

    id: str
    sop_instance_uid: str
    site_id: str
    device_id: str | None
    ae_title: str
    state: StepState
    study_instance_uids: tuple[str, ...]
    accession_numbers: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    attributes: dict[str, Any] = field(default_factory=dict)   # DICOM JSON of all that N-CREATE and N-SET told


class EvidenceKind(StrEnum):
    """Who told what a study consists of."""

    MPPS = "mpps"
    COMMITMENT = "commitment"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one source says a study consists of: named instances, or only their number."""

    study_instance_uid: str
    kind: EvidenceKind
    ref: str                             # the step, the transaction or the order
    site_id: str
    device_id: str | None
    at: datetime
    is_final: bool                       # False: a step that is still going on
    instance_count: int
    sop_instance_uids: tuple[str, ...] = ()
