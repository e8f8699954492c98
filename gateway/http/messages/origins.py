"""Bodies about where studies come from."""

from __future__ import annotations

from datetime import datetime

import msgspec


class EvidenceView(msgspec.Struct, frozen=True):
    """One thing that was seen, and the site that it names; "" where it names none."""

    kind: str                            # certificate, device, account, institution, order, relay_rule, person
    seen: str
    site_id: str
    site_name: str


class WaitingOriginView(msgspec.Struct, frozen=True):
    """A study whose site a person must name, with everything that was seen when it came."""

    study_id: str
    at: datetime
    why: str                             # no-relay-rule, sites-differ
    device_id: str | None
    device_name: str | None
    is_relay: bool
    patient_id: str
    patient_name: str
    modality: str
    description: str
    accession_number: str
    study_at: datetime | None
    instance_count: int
    evidence: list[EvidenceView]
    elements: dict[str, str]             # by keyword: what a rule may ask


class SiteChoiceView(msgspec.Struct, frozen=True):
    id: str
    name: str


class OriginQuestionView(msgspec.Struct, frozen=True):
    """One study of the inbox for who reads it, with the sites that it may be given to."""

    waiting: WaitingOriginView
    sites: list[SiteChoiceView]


class SettledOriginView(msgspec.Struct, frozen=True):
    """A study whose site a person named."""

    study_id: str
    patient_id: str
    patient_name: str
    modality: str
    study_at: datetime | None
    site_id: str
    site_name: str
    settled_at: datetime | None
    settled_by: str                      # name of that person
    reason: str


class SettleOriginRequest(msgspec.Struct, frozen=True):
    site_id: str
    reason: str


class RelayRuleView(msgspec.Struct, frozen=True):
    """What a relay sends comes from the site when the element reads so. The first rule that fits decides."""

    device_id: str | None                # null: every relay
    element: str                         # keyword, one of those in RelayRulesView
    comparison: str                      # equals, contains, starts_with
    text: str
    site_id: str
    is_enabled: bool


class RelayRulesView(msgspec.Struct, frozen=True):
    """The whole list, in its order."""

    rules: list[RelayRuleView]
    elements: list[str]                  # keywords that a rule may ask
    settled: int                         # waiting studies that the list, when it was put in force, found the site of


class RelayRulesRequest(msgspec.Struct, frozen=True):
    rules: list[RelayRuleView]


class TryRelayRulesRequest(msgspec.Struct, frozen=True):
    """A list that need not be in force, and what an object says."""

    rules: list[RelayRuleView]
    elements: dict[str, str]
    device_id: str = ""                  # "": whichever relay a rule names


class TryRelayRulesView(msgspec.Struct, frozen=True):
    """The rule that decides, by its place in the list from 0, and its site; null: none fits."""

    rule: int | None
    site_id: str | None


class StudyOriginView(msgspec.Struct, frozen=True):
    """Where a study comes from and by what that is known, in one line."""

    state: str                           # settled, waiting, unregistered
    decided_by: str | None               # a kind of evidence
    seen: str                            # of the evidence that decided
    why: str
