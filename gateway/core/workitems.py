"""The life of a Unified Procedure Step, and how it follows a reading (PS3.4 CC.1.1, table CC.1.1-2).

A UPS never goes back: COMPLETED and CANCELED are final and nothing returns to SCHEDULED. A reading does: a reader
gives it back, late images reopen it. Then the offer of the reading is canceled and another one takes its place; a
request of another system stays IN PROGRESS, because we go on performing it. docs/ups.md holds the table. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from gateway.core.errors import GatewayError
from storage.model import ReadingState
from storage.model.workitems import UpsState

UPS_PUSH = "1.2.840.10008.5.1.4.34.6.1"
UPS_WATCH = "1.2.840.10008.5.1.4.34.6.2"
UPS_PULL = "1.2.840.10008.5.1.4.34.6.3"
UPS_EVENT = "1.2.840.10008.5.1.4.34.6.4"
UPS_QUERY = "1.2.840.10008.5.1.4.34.6.5"
GLOBAL_SUBSCRIPTION = "1.2.840.10008.5.1.4.34.5"
FILTERED_SUBSCRIPTION = "1.2.840.10008.5.1.4.34.5.1"


class Status(IntEnum):
    """What a request about a UPS is answered with (PS3.4 CC.2.1 to CC.2.8, PS3.7 annex C)."""

    SUCCESS = 0x0000
    INVALID_VALUE = 0x0106
    DUPLICATE = 0x0111
    MISSING_ATTRIBUTE = 0x0120
    MISSING_VALUE = 0x0121
    NOT_AUTHORIZED = 0x0124
    CREATED_WITH_CHANGES = 0xB300
    ALREADY_CANCELED = 0xB304
    ALREADY_COMPLETED = 0xB306
    NO_LONGER_UPDATED = 0xC300
    WRONG_TRANSACTION_UID = 0xC301
    ALREADY_IN_PROGRESS = 0xC302
    ONLY_BY_CREATE = 0xC303
    FINAL_NEEDS_NOT_MET = 0xC304
    UNKNOWN = 0xC307
    UNKNOWN_AE_TITLE = 0xC308
    NOT_CREATED_SCHEDULED = 0xC309
    NOT_IN_PROGRESS = 0xC310
    COMPLETED_ALREADY = 0xC311
    PERFORMER_DECLINES = 0xC313
    NOT_FOR_THIS_INSTANCE = 0xC314

    @property
    def is_failure(self) -> bool:
        """True unless the request was carried out, perhaps with a warning."""
        return self is not Status.SUCCESS and not 0xB000 <= self <= 0xBFFF


class Refused(GatewayError):
    """The request about a workitem is refused; `status` says why, the text names what."""

    reason = "workitem"

    def __init__(self, status: Status, detail: str = "") -> None:
        super().__init__(detail or SAID[status], reason=status.name.lower().replace("_", "-"))
        self.status = status


SAID: Mapping[Status, str] = {
    Status.SUCCESS: "",
    Status.INVALID_VALUE: "An attribute has a value that is not allowed.",
    Status.DUPLICATE: "There is a workitem of this UID already.",
    Status.MISSING_ATTRIBUTE: "A required attribute is missing.",
    Status.MISSING_VALUE: "A required attribute has no value.",
    Status.NOT_AUTHORIZED: "The caller may not do this.",
    Status.CREATED_WITH_CHANGES: "The Workitem was created with modifications.",
    Status.ALREADY_CANCELED: "The UPS is already in the requested state of CANCELED.",
    Status.ALREADY_COMPLETED: "The UPS is already in the requested state of COMPLETED.",
    Status.NO_LONGER_UPDATED: "The UPS may no longer be updated.",
    Status.WRONG_TRANSACTION_UID: "The correct Transaction UID was not provided.",
    Status.ALREADY_IN_PROGRESS: "The UPS is already IN PROGRESS.",
    Status.ONLY_BY_CREATE: "The UPS may only become SCHEDULED when it is created.",
    Status.FINAL_NEEDS_NOT_MET: "The UPS has not met final state requirements.",
    Status.UNKNOWN: "There is no such workitem here.",
    Status.UNKNOWN_AE_TITLE: "The Receiving AE Title is not known here.",
    Status.NOT_CREATED_SCHEDULED: "Procedure Step State must be SCHEDULED.",
    Status.NOT_IN_PROGRESS: "The UPS is not IN PROGRESS.",
    Status.COMPLETED_ALREADY: "The UPS is already COMPLETED.",
    Status.PERFORMER_DECLINES: "The performer chooses not to cancel.",
    Status.NOT_FOR_THIS_INSTANCE: "This action is not for this instance.",
}

STATE_OF_READING: Mapping[ReadingState, UpsState] = {
    ReadingState.UNREAD: UpsState.SCHEDULED,
    ReadingState.IN_PROGRESS: UpsState.IN_PROGRESS,
    ReadingState.AWAITING_REVIEW: UpsState.IN_PROGRESS,
    ReadingState.IN_REVIEW: UpsState.IN_PROGRESS,
    ReadingState.REJECTED: UpsState.IN_PROGRESS,     # back to its writer: the opinion is still being made
    ReadingState.FINAL: UpsState.COMPLETED,
    ReadingState.READ_ELSEWHERE: UpsState.COMPLETED,
    ReadingState.RETURNED: UpsState.CANCELED,
    ReadingState.GIVEN_UP: UpsState.CANCELED,
    ReadingState.WITHDRAWN: UpsState.CANCELED,
}
"""What the outside sees of each of our states; docs/ups.md repeats it, and a test compares them."""

FINAL = frozenset({UpsState.COMPLETED, UpsState.CANCELED})

NEEDED_TO_COMPLETE = ("00404028", "00404050", "00404019", "00404051", "00404033")
"""Inside the Performed Procedure Sequence, by the final state codes R and P of table CC.2.5-3: station, start,
workitem code, end, output."""


def change(state: UpsState, wanted: str, *, given_uid: str, recorded_uid: str) -> Status:
    """Judge "Change UPS State" by table CC.1.1-2; whether final needs are met is for the caller to add.

    Parameters
    ----------
    given_uid, recorded_uid
        Transaction UID of the request, and the one that locks the workitem ("" for none: of a SCHEDULED one, and of
        one that we perform ourselves, for which there is no correct one).
    """
    if wanted == UpsState.SCHEDULED:
        return Status.ONLY_BY_CREATE
    if wanted not in tuple(UpsState):
        return Status.INVALID_VALUE
    if not given_uid or (state is not UpsState.SCHEDULED and given_uid != recorded_uid):
        return Status.WRONG_TRANSACTION_UID
    if wanted == UpsState.IN_PROGRESS:
        return {UpsState.SCHEDULED: Status.SUCCESS, UpsState.IN_PROGRESS: Status.ALREADY_IN_PROGRESS}.get(
            state, Status.NO_LONGER_UPDATED)
    if state is UpsState.SCHEDULED:
        return Status.NOT_IN_PROGRESS
    if state in FINAL:
        if wanted != state:
            return Status.NO_LONGER_UPDATED
        return Status.ALREADY_COMPLETED if state is UpsState.COMPLETED else Status.ALREADY_CANCELED
    return Status.SUCCESS


def update(state: UpsState, *, given_uid: str, recorded_uid: str) -> Status:
    """Judge an N-SET (CC.2.6): while SCHEDULED without a Transaction UID, while IN PROGRESS with the correct one."""
    if state in FINAL:
        return Status.NO_LONGER_UPDATED
    if state is UpsState.SCHEDULED:
        return Status.NOT_IN_PROGRESS if given_uid else Status.SUCCESS
    return Status.SUCCESS if given_uid and given_uid == recorded_uid else Status.WRONG_TRANSACTION_UID


def cancel_request(state: UpsState) -> Status:
    """Judge "Request UPS Cancel" (CC.2.2) by the state alone."""
    if state is UpsState.COMPLETED:
        return Status.COMPLETED_ALREADY
    return Status.ALREADY_CANCELED if state is UpsState.CANCELED else Status.SUCCESS


def missing_to_complete(attributes: Mapping[str, Any]) -> list[str]:
    """Tags without a value that COMPLETED needs (codes R and P of table CC.2.5-3); [] if it may be completed.

    The standard lets Output Information be empty. We ask for one object at least (docs/ups.md): a reading that
    leaves our list must leave a report behind.
    """
    items = _items(attributes.get("00741216"))
    if not items:
        return ["00741216"]
    return [tag for tag in NEEDED_TO_COMPLETE if not any(_has_value(item.get(tag)) for item in items)]


def outputs(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(Study Instance UID, SOP Instance UID) of each object that Output Information names."""
    found = []
    for performed in _items(attributes.get("00741216")):
        for output in _items(performed.get("00404033")):
            study = _first(output.get("0020000D"))
            found += [(study, _first(one.get("00081155"))) for one in _items(output.get("00081199"))]
    return [(study, uid) for study, uid in found if uid]


def steps(state: UpsState, target: UpsState, *, is_request: bool) -> tuple[list[UpsState], bool]:
    """How a workitem follows its reading: the states it passes through, and whether another takes its place then.

    A reading that is open again has its offer canceled and replaced; a final one only replaced. SCHEDULED never
    becomes final without having been IN PROGRESS.
    """
    if state is target:
        return [], False
    if target is UpsState.SCHEDULED:
        if state in FINAL:
            return [], not is_request
        return ([], False) if is_request else ([UpsState.CANCELED], True)
    if state in FINAL:
        return [], not is_request and target is UpsState.IN_PROGRESS
    if state is UpsState.SCHEDULED and target is not UpsState.IN_PROGRESS:
        return [UpsState.IN_PROGRESS, target], False
    return [target], False


def _items(element: Any) -> list[dict[str, Any]]:
    values = element.get("Value", []) if isinstance(element, Mapping) else []
    return [item for item in values if isinstance(item, dict)]


def _first(element: Any) -> str:
    values = element.get("Value", []) if isinstance(element, Mapping) else []
    return str(values[0]).strip() if values and isinstance(values[0], str) else ""


def _has_value(element: Any) -> bool:
    values = element.get("Value", []) if isinstance(element, Mapping) else []
    return any(value not in (None, "", {}) for value in values)
