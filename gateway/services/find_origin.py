"""Fix the requesting site of a study when its first object comes, with the evidence; later objects follow it.

Plain code on the transaction that makes the object an instance. While nobody can say whose a study is, it is at the
inbox, where no clinic sees it; a person settles it (settle_origin.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.core.study_origin import Origin, Seen, first_rule
from gateway.core.study_origin import find_origin as weigh
from storage.interface import Transaction
from storage.model import (
    EVERYWHERE,
    INBOX_SITE_ID,
    Arrival,
    Device,
    Evidence,
    EvidenceKind,
    OriginState,
    Study,
    StudyOrigin,
)

ALARM = "origin-unsettled"

_TAGS = {"InstitutionName": "00080080", "InstitutionalDepartmentName": "00081040", "InstitutionAddress": "00080081",
         "StationName": "00081010", "IssuerOfPatientID": "00100021", "AccessionNumber": "00080050",
         "PatientID": "00100020"}
_LONGEST = 200


def elements_of(attributes: Mapping[str, Any], arrival: Arrival) -> dict[str, str]:
    """What rules may ask, by keyword: of the object's DICOM JSON, and how its sender called."""
    found = {keyword: str(attributes.get(tag, {}).get("Value", [""])[0] or "") for keyword, tag in _TAGS.items()}
    found |= {"CallingAETitle": arrival.calling_ae_title, "CallingAddress": arrival.address}
    return {keyword: text[:_LONGEST] for keyword, text in found.items() if text}


def origin_of_new(tx: Transaction, arrival: Arrival, device: Device | None, attributes: Mapping[str, Any], *,
                  study_instance_uid: str) -> Origin:
    """Weigh the evidence for a study that is new."""
    elements = elements_of(attributes, arrival)
    return _weigh(tx, Seen(arrival.site_id, device, arrival.certificate_sha256, elements,
                           _ordered_by(tx, study_instance_uid, elements, device)))


def keep_origin(tx: Transaction, study: Study, origin: Origin, arrival: Arrival, attributes: Mapping[str, Any], *,
                sender_site_id: str) -> None:
    """With the study; where a person must say, an alarm tells them."""
    tx.origins.add(StudyOrigin(
        study_id=study.id, state=origin.state, site_id=origin.site_id, decided_by=origin.decided_by, why=origin.why,
        device_id=arrival.device_id, sender_site_id=sender_site_id, evidence=origin.evidence, at=arrival.at,
        elements=elements_of(attributes, arrival)))
    if origin.state is OriginState.WAITING:
        raise_waiting(tx, study.id, origin.why, at=arrival.at)


def site_of_later(tx: Transaction, arrival: Arrival, device: Device | None, attributes: Mapping[str, Any],
                  study: Study) -> str:
    """Where a further object of a known study belongs: with the study, if the same sender's site sends it.

    Where a relay's rules say plainly that it comes from another site than the study, that other one is returned, and
    so is the sender's own site for a sender of elsewhere: both are conflicts that a person sees.
    """
    is_relay = device is not None and device.is_relay
    if arrival.site_id == study.site_id and not is_relay:
        return study.site_id
    origin = tx.origins.get(study.id)
    if origin is None or origin.sender_site_id != arrival.site_id:
        return arrival.site_id
    if device is not None and is_relay and origin.decided_by not in (None, EvidenceKind.PERSON):
        known = [site.id for site in tx.sites.sites(EVERYWHERE)]
        rule = first_rule(tx.origins.relay_rules(), elements_of(attributes, arrival), device.id, known)
        if rule is not None and rule.site_id != study.site_id:
            return rule.site_id
    return study.site_id


def weigh_again(tx: Transaction, study: Study, origin: StudyOrigin, device: Device) -> StudyOrigin:
    """The origin as it is now that `device` is its sender, or that other rules hold; not written."""
    certificate = next((one.seen for one in origin.evidence if one.kind is EvidenceKind.CERTIFICATE), "")
    now = _weigh(tx, Seen(device.site_id, device, certificate, origin.elements,
                          _ordered_by(tx, study.study_instance_uid, origin.elements, device)))
    return replace(origin, state=now.state, site_id=now.site_id, decided_by=now.decided_by, why=now.why,
                   evidence=now.evidence, device_id=device.id, sender_site_id=device.site_id)


def raise_waiting(tx: Transaction, study_id: str, why: str, *, at: datetime) -> None:
    """Tell the administrators of the alliance that they must say whose a study is."""
    detail = ("No rule says which clinic a relay's study comes from." if why == "no-relay-rule"
              else "What was seen of a study names different sites.")
    tx.alarms.raise_alarm(ALARM, site_id=INBOX_SITE_ID, ref=study_id, detail=detail, at=at)


def keep_upload(tx: Transaction, study: Study, *, caller: str, at: datetime) -> None:
    """Of a file without DICOM elements, sent for a site by an account of it."""
    tx.origins.add(StudyOrigin(
        study_id=study.id, state=OriginState.SETTLED, site_id=study.site_id, decided_by=EvidenceKind.ACCOUNT,
        why="agree", device_id=study.device_id, sender_site_id=study.site_id, at=at,
        evidence=(Evidence(EvidenceKind.ACCOUNT, caller, study.site_id),)))


def _weigh(tx: Transaction, seen: Seen) -> Origin:
    is_relay = seen.device is not None and seen.device.is_relay
    # Most studies come from a device that names its site and say no more: nothing else is looked up for them.
    are_sites_named = is_relay or bool(seen.ordered_by) or "InstitutionName" in seen.elements
    return weigh(seen, sites=tx.sites.sites(EVERYWHERE) if are_sites_named else (),
                 rules=tx.origins.relay_rules() if is_relay else ())


def _ordered_by(tx: Transaction, study_instance_uid: str, elements: Mapping[str, str],
                device: Device | None) -> tuple[tuple[str, str], ...]:
    """By the Study Instance UID, which is one in the world. Accession number and Patient ID are only unique at a
    site, so they count for a relay alone, and only where the orders of one site alone have both."""
    found = tx.origins.sites_ordering(study_instance_uid)
    if found:
        return tuple((site_id, "Study Instance UID") for site_id in found)
    accession, patient = elements.get("AccessionNumber", ""), elements.get("PatientID", "")
    if device is None or not device.is_relay or not accession or not patient:
        return ()
    found = tx.origins.sites_ordering_as(accession, patient)
    return ((found[0], "Accession Number, Patient ID"),) if len(found) == 1 else ()
