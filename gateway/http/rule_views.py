"""From versions, checks, trials and forms to what the rules' page is sent: one function per message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.http.messages import rules as m
from gateway.http.views import decision_view, patient_view
from gateway.services.ports import Parts
from gateway.services.rules.check import Problem
from gateway.services.rules.language import THEN_WORDS, Language
from gateway.services.rules.recent import DecidedStudy
from gateway.services.rules.try_rules import Trial
from gateway.services.rules.versions import Author
from storage.model import RuleState, RuleVersion


async def names_of(parts: Parts, versions: Sequence[RuleVersion]) -> Mapping[str, str]:
    """Display names of everybody that the versions mention."""
    people = {person for found in versions for person in (found.proposed_by, found.approved_by, found.refused_by)}
    return await parts.database.read(lambda tx: tx.worklists.names(people))


def version_view(found: RuleVersion, names: Mapping[str, str], author: Author) -> m.RuleVersionView:
    def name(person: str | None) -> str | None:
        return names.get(person, person) if person is not None else None

    return m.RuleVersionView(
        version=found.version, title=found.title, state=found.state, at=found.proposed_at,
        by=name(found.proposed_by) or "", note=found.note, activated_at=found.activated_at,
        approved_by=name(found.approved_by), approved_at=found.approved_at, refused_by=name(found.refused_by),
        refused_at=found.refused_at, refused_reason=found.refused_reason, restores=found.restores,
        based_on=found.based_on,
        may_approve=found.state is RuleState.AWAITING_APPROVAL and found.proposed_by != author.actor)


def version_source(found: RuleVersion, names: Mapping[str, str], author: Author, source: str) -> m.RuleVersionSource:
    return m.RuleVersionSource(version_view(found, names, author), source)


def problem_views(problems: Iterable[Problem]) -> list[m.RuleProblemView]:
    return [m.RuleProblemView(p.line, p.column, p.zh, p.en, p.is_warning) for p in problems]


def language_view(language: Language, needs_approval: bool) -> m.RuleLanguageView:
    return m.RuleLanguageView(
        facts=[m.RuleFactView(f.name, f.type.value, f.unit, f.zh, f.en, f.source, list(f.choices), f.is_measured)
               for f in language.facts],
        then=[m.RuleKeyView(key, zh, en) for key, (zh, en) in THEN_WORDS.items()],
        sites=[m.RuleChoiceView(site.id, site.name, site.name_en or site.name) for site in language.sites],
        groups=[m.RuleChoiceView(group.id, group.name, group.name_en) for group in language.groups],
        destinations=[m.RuleChoiceView(found.id, found.name, found.name) for found in language.destinations],
        readers=[m.RuleChoiceView(user.login, user.display_name, user.display_name) for user in language.readers],
        needs_approval=needs_approval)


def decided_study_view(line: DecidedStudy) -> m.DecidedStudyView:
    study, decision = line.study, line.decision
    return m.DecidedStudyView(
        study_id=study.id, patient=patient_view(study.patient), accession_number=study.accession_number,
        modality=study.modality, body_part=study.body_part, description=study.description,
        site_name=line.site_name, at=study.first_arrival_at, group=decision.group if decision else "",
        rules_version=decision.rules_version if decision else None)


def trial_view(trial: Trial) -> m.RuleTrialView:
    return m.RuleTrialView(
        study_id=trial.study.id, facts_at=trial.facts_at, decision=decision_view(trial.decision, trial.reader),
        stored=decision_view(trial.stored, trial.stored_reader) if trial.stored is not None else None)
