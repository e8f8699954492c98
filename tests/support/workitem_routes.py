"""How every route of the worklist service is called by the walk that looks for leaks between sites."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from gateway.core.workitem_record import value
from gateway.core.workitems import GLOBAL_SUBSCRIPTION
from gateway.services.ports import Parts
from gateway.services.workitems.change_workitem import change_state
from gateway.services.workitems.follow_readings import follow_all
from gateway.services.workitems.subscribe import subscribe
from storage.interface import Transaction
from storage.model.workitems import Workitem
from tests.support.route_walk import Call
from tests.support.two_sites import Clinic
from tests.support.web import Exam, add_exam
from tests.support.workitems import creation, machine

LOCK = "1.2.826.0.1.9999"
_ALL = "/dicom-web/workitems"
_SUBSCRIBER = "/subscribers/{aetitle}"


def _sent(data: Any) -> dict[str, Any]:
    return {"data": msgspec.json.encode(data), "headers": {"Content-Type": "application/dicom+json"}}


def _creation(clinic: Clinic) -> dict[str, Any]:
    return _sent(creation(str(clinic.ids["study_uid"])))


def _claim(clinic: Clinic) -> dict[str, Any]:
    return _sent({"00741000": value("CS", "IN PROGRESS"), "00081195": value("UI", LOCK)})


def _progress(clinic: Clinic) -> dict[str, Any]:
    return _sent({"00741002": value("SQ", {"00741004": value("DS", 50)})})


WORKITEM_CALLS: dict[tuple[str, str], Call] = {
    ("GET", _ALL): Call(is_list=True, shows="workitem", asks=(
        "", "PatientID={patient_id}", "StudyInstanceUID={study_uid}", "SOPInstanceUID={workitem}",
        "PatientName=*{name}*", "includefield=all")),
    ("POST", _ALL): Call(send=_creation, is_list=True),
    ("GET", _ALL + "/{workitem}"): Call({"workitem": "workitem"}),
    ("POST", _ALL + "/{workitem}"): Call({"workitem": "held_workitem"}, _progress,
                                         asks=(f"transaction-uid={LOCK}",)),
    ("PUT", _ALL + "/{workitem}/state"): Call({"workitem": "workitem"}, _claim),
    ("POST", _ALL + "/{workitem}/cancelrequest"): Call({"workitem": "held_workitem"}),
    ("POST", _ALL + "/{workitem}" + _SUBSCRIBER): Call({"workitem": "workitem", "aetitle": "watcher"}),
    ("DELETE", _ALL + "/{workitem}" + _SUBSCRIBER): Call({"workitem": "workitem", "aetitle": "watcher"}),
    ("POST", _ALL + "/{workitem}" + _SUBSCRIBER + "/suspend"): Call(
        {"workitem": f"={GLOBAL_SUBSCRIPTION}", "aetitle": "watcher"}),
}


async def add_workitems(parts: Parts, clinic: Clinic) -> None:
    """An offer that nobody claimed, one that a machine holds, and somebody who follows all of the site."""
    who = machine(clinic.site_id)
    for key, name in (("workitem", "待领"), ("held_workitem", "已领")):
        exam = await add_exam(parts, clinic.site_id, name=f"演示{clinic.word}{name}")
        await follow_all(parts)
        [item] = await parts.database.read(partial(_items, exam))
        clinic.ids[key] = item.uid
    await change_state(parts, who, clinic.ids["held_workitem"], wanted="IN PROGRESS", transaction_uid=LOCK)
    clinic.ids["watcher"] = f"WATCH_{clinic.site_id.upper()}"
    await subscribe(parts, who, GLOBAL_SUBSCRIPTION, clinic.ids["watcher"], has_lock=False)


def _items(exam: Exam, tx: Transaction) -> list[Workitem]:
    return tx.workitems.of_reading(exam.reading.id)
