"""Decide which site asked for a study, from what was seen when it came; or that only a person can say.

Everything seen is evidence, and some of it names a site: the certificate or the registration of the sender, the
account of an upload, an order, Institution Name where it is the name of a site. What names a site must agree. A relay
speaks for several clinics, so its own registration names none: a rule or an order must. Nothing is guessed. Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storage.model import (
    INBOX_SITE_ID,
    Comparison,
    Device,
    Evidence,
    EvidenceKind,
    OriginState,
    RelayRule,
    Site,
)

RULE_ELEMENTS = ("InstitutionName", "InstitutionalDepartmentName", "InstitutionAddress", "StationName",
                 "CallingAETitle", "CallingAddress", "PatientID", "IssuerOfPatientID", "AccessionNumber")
"""What a rule for relays may ask: elements of the first object by keyword, and how its sender called."""

_STRONGEST_FIRST = (EvidenceKind.CERTIFICATE, EvidenceKind.DEVICE, EvidenceKind.ACCOUNT, EvidenceKind.RELAY_RULE,
                    EvidenceKind.ORDER)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the first object of a study and of its sender."""

    sender_site_id: str                  # the sender's site; the inbox where nobody registered it
    device: Device | None                # None: an upload, or a device that nobody registered
    certificate_sha256: str
    elements: Mapping[str, str]          # of RULE_ELEMENTS, decoded
    ordered_by: tuple[tuple[str, str], ...] = ()      # sites with an order for it, each with what links the order


@dataclass(frozen=True, slots=True)
class Origin:
    """The site, or why none can be named."""

    state: OriginState
    site_id: str
    decided_by: EvidenceKind | None
    why: str
    evidence: tuple[Evidence, ...]


def find_origin(seen: Seen, *, sites: Iterable[Site], rules: Sequence[RelayRule]) -> Origin:
    """Weigh what was seen."""
    known = {site.id: site for site in sites if site.id != INBOX_SITE_ID}
    is_relay = seen.device is not None and seen.device.is_relay
    rule = first_rule(rules, seen.elements, seen.device.id, known) if seen.device is not None and is_relay else None
    evidence = [*_of_sender(seen), *_of_rule(rule), *_of_institution(seen, known, rule), *_of_orders(seen, known)]
    named = {one.site_id for one in evidence if one.site_id}
    if seen.device is None and seen.sender_site_id == INBOX_SITE_ID:
        return Origin(OriginState.UNREGISTERED, "", None, "unregistered", tuple(evidence))
    deciding = [one for kind in _STRONGEST_FIRST for one in evidence if one.kind is kind and one.site_id]
    if not deciding:
        return Origin(OriginState.WAITING, "", None, "no-relay-rule", tuple(evidence))
    if len(named) > 1:
        return Origin(OriginState.WAITING, "", None, "sites-differ", tuple(evidence))
    return Origin(OriginState.SETTLED, deciding[0].site_id, deciding[0].kind, "agree", tuple(evidence))


def first_rule(rules: Sequence[RelayRule], elements: Mapping[str, str], device_id: str,
               known_sites: Iterable[str]) -> RelayRule | None:
    """The first enabled rule for this relay that fits and whose site is there."""
    there = set(known_sites)
    return next((rule for rule in rules if rule.is_enabled and rule.device_id in (None, device_id)
                 and rule.site_id in there and fits(rule, elements)), None)


def fits(rule: RelayRule, elements: Mapping[str, str]) -> bool:
    """True if the element reads as the rule wants; an element that is missing or empty fits nothing."""
    said, wanted = normalised(elements.get(rule.element, "")), normalised(rule.text)
    if not said or not wanted:
        return False
    match rule.comparison:
        case Comparison.EQUALS:
            return said == wanted
        case Comparison.CONTAINS:
            return wanted in said
        case Comparison.STARTS_WITH:
            return said.startswith(wanted)


def normalised(text: str) -> str:
    """Full and half width, capitals and spaces make no difference to a name."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _of_sender(seen: Seen) -> list[Evidence]:
    device, shown = seen.device, seen.certificate_sha256
    says = "" if device is None or device.is_relay else device.site_id
    evidence = []
    if shown:
        is_its_own = device is not None and device.certificate_sha256 == shown
        evidence.append(Evidence(EvidenceKind.CERTIFICATE, shown, says if is_its_own else ""))
    caller = f"{seen.elements.get('CallingAETitle', '')} @ {seen.elements.get('CallingAddress', '')}".strip(" @")
    if device is not None or seen.sender_site_id == INBOX_SITE_ID:
        evidence.append(Evidence(EvidenceKind.DEVICE, caller, says))
    else:
        evidence.append(Evidence(EvidenceKind.ACCOUNT, caller, seen.sender_site_id))
    return evidence


def _of_rule(rule: RelayRule | None) -> list[Evidence]:
    if rule is None:
        return []
    return [Evidence(EvidenceKind.RELAY_RULE, f"{rule.element} {rule.comparison.value} {rule.text}", rule.site_id)]


def _of_institution(seen: Seen, known: Mapping[str, Site], rule: RelayRule | None) -> list[Evidence]:
    """A site is named by its whole name. Where a rule reads this element, the rule has said what it means."""
    name = seen.elements.get("InstitutionName", "")
    if not name:
        return []
    wanted = normalised(name)
    called_so = [site.id for site in known.values() if wanted in (normalised(site.name), normalised(site.name_en))]
    is_read_by_rule = rule is not None and rule.element == "InstitutionName"
    says = called_so[0] if len(called_so) == 1 and not is_read_by_rule else ""
    return [Evidence(EvidenceKind.INSTITUTION, name, says)]


def _of_orders(seen: Seen, known: Mapping[str, Site]) -> list[Evidence]:
    return [Evidence(EvidenceKind.ORDER, link, site_id) for site_id, link in seen.ordered_by if site_id in known]
