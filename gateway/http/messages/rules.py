"""Bodies of the rules' page: versions, check, try, simulate, compare and edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from gateway.http.messages import DecisionView, PatientView


class RuleVersionView(msgspec.Struct, frozen=True):
    """`state`: awaiting_approval, active, superseded or refused. `by` proposed it; names, not ids."""

    version: int
    title: str
    state: str
    at: datetime                         # proposed
    by: str
    note: str
    activated_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    refused_by: str | None
    refused_at: datetime | None
    refused_reason: str
    restores: int | None                 # the version whose text this roll back brought again
    based_on: int | None                 # the version in force when it was proposed
    may_approve: bool                    # whoever asks may approve it: it waits, and somebody else proposed it


class RuleVersionSource(msgspec.Struct, frozen=True):
    about: RuleVersionView
    source: str


class ProposeRulesRequest(msgspec.Struct, frozen=True):
    """`based_on`: the version in force that its author saw; another one by now is answered 409 rules-changed."""

    source: str
    note: str = ""
    based_on: int | None = None


class ApproveRulesRequest(msgspec.Struct, frozen=True):
    """`based_on`: the version in force that the approver saw, if it is another than the proposal's own."""

    based_on: int | None = None


class RollBackRulesRequest(msgspec.Struct, frozen=True):
    note: str = ""
    based_on: int | None = None


class RuleSourceRequest(msgspec.Struct, frozen=True):
    source: str


class RuleProblemView(msgspec.Struct, frozen=True):
    """Line and column count from 1."""

    line: int
    column: int
    zh: str
    en: str
    is_warning: bool


class RuleNameView(msgspec.Struct, frozen=True):
    name: str
    line: int


class RuleCheckView(msgspec.Struct, frozen=True):
    is_valid: bool                       # it has no error; warnings do not count
    problems: list[RuleProblemView]
    rules: list[RuleNameView]            # also of a text with errors, as long as YAML can read it


class RuleFactView(msgspec.Struct, frozen=True):
    name: str
    type: str
    unit: str
    zh: str
    en: str
    source: str
    choices: list[str]
    is_measured: bool                    # may only raise the priority (K3)


class RuleKeyView(msgspec.Struct, frozen=True):
    """One word that `then` understands."""

    key: str
    zh: str
    en: str


class RuleChoiceView(msgspec.Struct, frozen=True):
    """Something that a rule may name: a site, group, destination or reader."""

    id: str
    zh: str
    en: str


class RuleLanguageView(msgspec.Struct, frozen=True):
    """What the editor completes."""

    facts: list[RuleFactView]
    then: list[RuleKeyView]
    sites: list[RuleChoiceView]
    groups: list[RuleChoiceView]         # of the version in force
    destinations: list[RuleChoiceView]
    readers: list[RuleChoiceView]        # id is the login
    needs_approval: bool                 # a second person must approve a version


class TryRulesRequest(msgspec.Struct, frozen=True):
    """`study`: our id, Study Instance UID, accession number or reading id."""

    source: str
    study: str


class RuleTrialView(msgspec.Struct, frozen=True):
    """What a draft says of one study. `decision` has no id and version 0: nothing was stored."""

    study_id: str
    facts_at: datetime                   # the facts are those of this time
    decision: DecisionView
    stored: DecisionView | None          # what was decided; None: it has not been routed


class SimulateRulesRequest(msgspec.Struct, frozen=True):
    """`against`: "decided" compares with what was decided at the time, "active" with the version in force."""

    source: str
    days: int = 30
    against: str = "decided"


class SimulationStarted(msgspec.Struct, frozen=True):
    id: str


class SimulatedExample(msgspec.Struct, frozen=True):
    """A study that would go elsewhere; no patient data. `rule`: the draft's rule that named where."""

    study_id: str
    at: datetime
    site_id: str
    modality: str
    rule: str


class SimulatedMove(msgspec.Struct, frozen=True):
    """From whom to whom. A reader only where a rule names one."""

    from_group: str
    from_reader: str | None
    to_group: str
    to_reader: str | None
    studies: int
    examples: list[SimulatedExample]


class SimulatedChange(msgspec.Struct, frozen=True):
    """Something else than group and reader: priority, due_minutes, tags, forwards, …; None: nothing was said."""

    aspect: str
    before: Any
    after: Any
    studies: int


class SimulatedLoad(msgspec.Struct, frozen=True):
    """Studies in the whole time by hour of the day (24 numbers, in the gateway's zone), before and after."""

    id: str                              # group, or login; "" for a group without members: whoever takes it
    name: str
    is_reader: bool
    before: list[float]
    after: list[float]
    before_total: float
    after_total: float
    peak_before: float                   # most in one hour of one day
    peak_after: float


class SimulatedDue(msgspec.Struct, frozen=True):
    """Due times against when the report was really signed; without a report, against the end of the time."""

    studies: int
    unsigned: int
    late_before: int
    late_after: int
    newly_late: int
    no_longer_late: int
    examples: list[SimulatedExample]     # newly late


class SimulatedRule(msgspec.Struct, frozen=True):
    """How often a rule of the draft matched, and how often it was the one that named group or reader."""

    name: str
    line: int
    matched: int
    decided: int


class SimulationResult(msgspec.Struct, frozen=True):
    since: datetime
    until: datetime
    studies: int
    moved: int                           # to another group or reader
    changed: int                         # anything at all is different
    moves: list[SimulatedMove]
    changes: list[SimulatedChange]
    load: list[SimulatedLoad]
    due: SimulatedDue
    rules: list[SimulatedRule]
    unknown_facts: list[str]             # asked by the draft, known for none of the studies
    unreadable: int                      # stored decisions that this release cannot replay
    notes_zh: list[str]                  # what the numbers do not say
    notes_en: list[str]
    seconds: float


class SimulationView(msgspec.Struct, frozen=True):
    """`state`: waiting, running, done, failed or cancelled."""

    id: str
    state: str
    done: int
    total: int
    days: int
    against: str
    at: datetime
    error: str
    result: SimulationResult | None


class CompareRulesRequest(msgspec.Struct, frozen=True):
    """Each side by version or by text; a side without either is the version in force."""

    from_version: int | None = None
    from_source: str | None = None
    to_version: int | None = None
    to_source: str | None = None


class RuleChangeView(msgspec.Struct, frozen=True):
    kind: str
    subject: str
    zh: str
    en: str


class RuleDifferenceView(msgspec.Struct, frozen=True):
    changes: list[RuleChangeView]


class RuleFormCondition(msgspec.Struct, frozen=True):
    fact: str
    operator: str
    value: Any


class RuleForm(msgspec.Struct, frozen=True):
    """A rule as a form. Not `understood`: a condition is more than fact, operator, value; its text is the value."""

    name: str
    conditions: list[RuleFormCondition]
    then: dict[str, Any]
    stop: bool = False
    index: int | None = None
    line: int | None = None
    understood: bool = True
    texts: list[str] = []                # the conditions as they stand in the file


class RuleFormsView(msgspec.Struct, frozen=True):
    forms: list[RuleForm]


class EditRulesRequest(msgspec.Struct, frozen=True):
    """`index` null adds a rule; `form` null removes it, or moves it where `move_to` is given."""

    source: str
    index: int | None = None
    form: RuleForm | None = None
    move_to: int | None = None


class EditedRulesView(msgspec.Struct, frozen=True):
    source: str
    problems: list[RuleProblemView]


class DecidedStudyView(msgspec.Struct, frozen=True):
    """A study to try a draft on."""

    study_id: str
    patient: PatientView
    accession_number: str
    modality: str
    body_part: str
    description: str
    site_name: str
    at: datetime                         # first arrival
    group: str                           # of its newest decision; "" before it was routed
    rules_version: int | None
