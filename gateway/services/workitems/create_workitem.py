"""Another system asks for a reading: N-CREATE and Create Workitem (PS3.4 CC.2.5, PS3.18 11.4).

Taken is a request for exactly one study that is here, in the caller's scope; any other is refused, because nobody
could say whose it is. The request gets a workitem of its own beside our offer of the reading; its words become an
order of the study where there is none, and HIGH makes the study urgent. What is urgent is never made less so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.errors import InvalidRequest
from gateway.core.identifiers import InvalidUid, Uid
from gateway.core.order import OrderRequest, checked, more_urgent
from gateway.core.workitem_content import check_creation, priority_asked, studies_named, text_of, was_changed
from gateway.core.workitems import Refused, Status
from gateway.formats.workitem_dataset import fault_of
from gateway.services.administer_sites import By
from gateway.services.link_order import take_link
from gateway.services.match_order import route_again
from gateway.services.place_order import place
from gateway.services.ports import Event, Parts
from gateway.services.workitems.follow_readings import follow
from gateway.services.workitems.outsider import Outsider
from gateway.services.workitems.tell_followers import announce
from storage.interface import Transaction
from storage.model import AuditEntry, Study
from storage.model.orders import LinkEvidence, OrderSource
from storage.model.workitems import UpsState, Workitem


@dataclass(frozen=True, slots=True)
class Created:
    """The workitem, and SUCCESS or CREATED_WITH_CHANGES."""

    item: Workitem
    status: Status


async def create_workitem(parts: Parts, who: Outsider, uid: str, sent: Mapping[str, Any]) -> Created:
    """Keep a request. Raises Refused: what is wrong with it, DUPLICATE, NOT_AUTHORIZED; StorageUnavailable."""
    try:
        uid = Uid.parse(uid).value
    except InvalidUid as exc:
        raise Refused(Status.INVALID_VALUE, "The SOP Instance UID is none.") from exc
    check_writable(sent)
    kept = check_creation(sent)
    studies = studies_named(sent)
    if len(studies) != 1:
        raise Refused(Status.INVALID_VALUE, "Input Information must name exactly one study.")
    status = Status.CREATED_WITH_CHANGES if was_changed(sent) else Status.SUCCESS

    def work(tx: Transaction) -> Workitem:
        study = tx.studies.find_uid(studies[0], who.sees(tx))
        if study is None:
            if tx.workitems.get(uid, who.sees(tx)) is not None:
                raise Refused(Status.DUPLICATE)
            raise Refused(Status.INVALID_VALUE, "The study of Input Information is not here.")
        reading = tx.readings.of_study(study.id, who.sees(tx))
        now = parts.clock()
        item = Workitem(uid, study.id, study.site_id, reading.id if reading else None, is_request=True,
                        is_current=True, state=UpsState.SCHEDULED, created_at=now, modified_at=now,
                        requester=who.owner, attributes=kept)
        if not tx.workitems.add(item):
            raise Refused(Status.DUPLICATE)
        order_id = _as_order(tx, parts, who, study, sent)
        raise_urgency(tx, parts, study, sent)
        tx.audit.append(AuditEntry(
            now, who.actor, "workitem.created", site_id=study.site_id, study_id=study.id,
            patient_id=study.patient.id, address=who.address,
            detail={"workitem": uid, "order": order_id, "priority": text_of(sent, "00741200")}))
        announce(tx, parts, item)
        if reading is not None:              # it may have begun already, or be at its end
            follow(tx, parts, reading)
        return tx.workitems.get(uid, who.sees(tx)) or item

    item = await parts.database.write(work)
    parts.events.wake_jobs()
    parts.events.publish(Event("reading", item.site_id, item.study_id, item.reading_id or ""))
    return Created(item, status)


def check_writable(sent: Mapping[str, Any]) -> None:
    """Raises Refused (INVALID_VALUE) for what could not be shown to others."""
    fault = fault_of(sent)
    if fault:
        raise Refused(Status.INVALID_VALUE, fault)


def raise_urgency(tx: Transaction, parts: Parts, study: Study, sent: Mapping[str, Any]) -> None:
    """HIGH makes the study urgent, and has it routed once more; the emergency of others stays one."""
    urgency = more_urgent(priority_asked(sent).value, study.urgency)
    if urgency != study.urgency:
        tx.studies.set_urgency(study.id, urgency)
        route_again(tx, study, at=parts.clock())


def _as_order(tx: Transaction, parts: Parts, who: Outsider, study: Study, sent: Mapping[str, Any]) -> str:
    """Id of the study's order: the one that it has, else one made of the request; "" where none can be made."""
    known = tx.orders.of_study(study.id, who.sees(tx))
    if known is not None:
        return known.id
    if study.accession_number and tx.orders.of_accession(study.accession_number, study.site_id):
        return ""                            # an order of that number waits for a person to say if it is this study's
    asked = [item for item in (sent.get("0040A370") or {}).get("Value") or [] if isinstance(item, dict)] or [{}]
    try:
        request = checked(OrderRequest(
            patient_id=study.patient.patient_id, patient_name=study.patient.name.display, modality=study.modality,
            sex=study.patient.sex, birth_date=study.patient.birth_date, accession_number=study.accession_number,
            body_part=study.body_part, department=text_of(asked[0], "00321033")[:64],
            clinical_diagnosis=text_of(sent, "00081080"), purpose=text_of(sent, "00400400"),
            urgency=more_urgent(priority_asked(sent).value, study.urgency)))
        order = place(tx, parts, study.site_id, request, By(who.actor, who.address, who.sees(tx)), OrderSource.API)
    except InvalidRequest:
        return ""                            # a study that nobody could order as it is; the request stands anyway
    take_link(tx, order, study, LinkEvidence.STUDY_INSTANCE_UID, at=parts.clock(), actor=who.actor)
    return order.id
