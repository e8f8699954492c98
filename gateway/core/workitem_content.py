"""Check what another system sends: the data set of a create and of an update (PS3.4 table CC.2.5-3). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.core.workitem_record import PROTECTED, UNSPECIFIED_REASON, Json, code, value
from gateway.core.workitems import Refused, Status
from storage.model import Priority
from storage.model.workitems import UpsState

STATE, PRIORITY, LABEL, START = "00741000", "00741200", "00741204", "00404005"
READINESS, INPUTS, TRANSACTION_UID = "00404041", "00404021", "00081195"
PROGRESS, PERFORMED = "00741002", "00741216"
ASSIGNED = ("00404025", "00404034")

_NAMES = {STATE: "Procedure Step State", PRIORITY: "Scheduled Procedure Step Priority",
          LABEL: "Procedure Step Label", START: "Scheduled Procedure Step Start DateTime",
          READINESS: "Input Readiness State"}
_PRIORITIES = {"HIGH": Priority.URGENT, "MEDIUM": Priority.ROUTINE, "LOW": Priority.ROUTINE}
_READINESS = ("READY", "UNAVAILABLE", "INCOMPLETE")
_NEVER_SET = frozenset({
    "00080016", "00080018", "00741000", "00100010", "00100020", "00100021", "00100024", "00100030", "00100040",
    "00380010", "00380014", "00081080", "00081084", "0040A370", "00741224",
})
"""N-SET "Not allowed", apart from the Transaction UID, which is its key."""
_OF_PERFORMER = frozenset({PROGRESS, PERFORMED})
_NOT_KEPT = frozenset({"00080005", TRANSACTION_UID, "00080201"})
_LARGEST = 200                           # attributes at the top of a data set


def check_creation(sent: Mapping[str, Any]) -> Json:
    """Return what is kept of the data set of a create. Raises Refused."""
    if len(sent) > _LARGEST:
        raise Refused(Status.INVALID_VALUE, "The data set has too many attributes.")
    if STATE in sent and text_of(sent, STATE) != UpsState.SCHEDULED:
        raise Refused(Status.NOT_CREATED_SCHEDULED)
    for tag, name in _NAMES.items():
        if tag not in sent:
            raise Refused(Status.MISSING_ATTRIBUTE, f"{name} is missing.")
        if not text_of(sent, tag):
            raise Refused(Status.MISSING_VALUE, f"{name} has no value.")
    if text_of(sent, TRANSACTION_UID):
        raise Refused(Status.INVALID_VALUE, "The Transaction UID must be empty.")
    for tag in (PROGRESS, PERFORMED):
        if sent.get(tag, {}).get("Value"):
            raise Refused(Status.INVALID_VALUE, f"({tag[:4]},{tag[4:]}) must be empty.")
    _check_words(sent)
    return kept(sent)


def check_update(sent: Mapping[str, Any], *, is_performer: bool) -> Json:
    """Return what an update sets. Raises Refused.

    Parameters
    ----------
    is_performer
        False while nobody has claimed it: then only what was scheduled may change.
    """
    for tag in sent:
        if tag in _NEVER_SET or (tag in _OF_PERFORMER and not is_performer):
            raise Refused(Status.INVALID_VALUE, f"({tag[:4]},{tag[4:]}) cannot be set.")
    if len(sent) > _LARGEST:
        raise Refused(Status.INVALID_VALUE, "The data set has too many attributes.")
    _check_words(sent)
    return kept(sent)


def kept(sent: Mapping[str, Any]) -> Json:
    """What of a data set is stored: all but what we answer for ourselves; bulk data is never taken."""
    return {tag: element for tag, element in sent.items()
            if len(tag) == 8 and tag not in _NOT_KEPT and isinstance(element, dict) and "BulkDataURI" not in element}


def was_changed(sent: Mapping[str, Any]) -> bool:
    """True if something that was sent is not shown as it was sent: the answer says "with modifications"."""
    ours = PROTECTED - {STATE, PRIORITY, INPUTS, READINESS, "00080005", "00080201", TRANSACTION_UID}
    return any(sent[tag].get("Value") for tag in ours if isinstance(sent.get(tag), dict))


def priority_asked(sent: Mapping[str, Any]) -> Priority:
    """HIGH asks for an urgent reading; nothing sent from outside makes one less urgent."""
    return _PRIORITIES.get(text_of(sent, PRIORITY), Priority.ROUTINE)


def studies_named(sent: Mapping[str, Any]) -> list[str]:
    """Study Instance UIDs of Input Information, each once."""
    found = [text_of(item, "0020000D") for item in sent.get(INPUTS, {}).get("Value") or [] if isinstance(item, dict)]
    return list(dict.fromkeys(uid for uid in found if uid))


def with_cancellation(attributes: Mapping[str, Any], at_local: str, told: Mapping[str, Any]) -> Json:
    """Progress Information with what CANCELED needs (code X): when, and why, as told or unspecified."""
    items = attributes.get(PROGRESS, {}).get("Value") or [{}]
    item = dict(items[0])
    item.setdefault("00404052", value("DT", at_local))
    if "00741238" in told:
        item["00741238"] = told["00741238"]
    if not item.get("0074100E", {}).get("Value"):
        item["0074100E"] = told.get("0074100E") or value("SQ", code(*UNSPECIFIED_REASON))
    return {**attributes, PROGRESS: value("SQ", dict(sorted(item.items())))}


def text_of(record: Mapping[str, Any], tag: str) -> str:
    """The first value of an element, if it is a text."""
    element = record.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0].strip() if isinstance(values, list) and values and isinstance(values[0], str) else ""


def _check_words(sent: Mapping[str, Any]) -> None:
    if PRIORITY in sent and text_of(sent, PRIORITY) not in _PRIORITIES:
        raise Refused(Status.INVALID_VALUE, "Scheduled Procedure Step Priority is HIGH, MEDIUM or LOW.")
    if READINESS in sent and text_of(sent, READINESS) not in _READINESS:
        raise Refused(Status.INVALID_VALUE, "Input Readiness State is READY, UNAVAILABLE or INCOMPLETE.")
