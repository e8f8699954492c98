"""The queue of studies whose site a person must name, and the rules for devices that speak for several clinics."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.study_origin import RULE_ELEMENTS
from gateway.http.messages import origins as m
from gateway.http.routing import ADMINS, READERS, Route, caller_of, json_response, read_json
from gateway.services.administer_sites import By, require_alliance
from gateway.services.ports import Parts
from gateway.services.settle_origin import (
    WaitingStudy,
    list_settled_by_people,
    list_waiting,
    move_origin,
    replace_relay_rules,
    settle_origin,
    try_relay_rules,
    waiting_study,
)
from storage.model import EVERYWHERE, Comparison, EvidenceKind, RelayRule, StudyOrigin, new_id


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def queue(request: web.Request) -> web.StreamResponse:
        waiting = await list_waiting(parts, _by(request))
        names = {site.id: site.name for site in await parts.database.read(lambda tx: tx.sites.sites(EVERYWHERE))}
        return json_response([_waiting_view(one, names) for one in waiting])

    async def settled(request: web.Request) -> web.StreamResponse:
        found = await list_settled_by_people(parts, _by(request))
        sites, people = await parts.database.read(lambda tx: (tx.sites.sites(EVERYWHERE), tx.users.all()))
        names = {one.id: one.name for one in sites} | {one.id: one.display_name for one in people}
        return json_response([_settled_view(one, names) for one in found])

    async def ask(request: web.Request) -> web.StreamResponse:
        waiting, sites = await waiting_study(parts, request.match_info["study_id"], _by(request))
        return json_response(m.OriginQuestionView(
            _waiting_view(waiting, {site.id: site.name for site in sites}),
            [m.SiteChoiceView(site.id, site.name) for site in sites]))

    async def move(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.SettleOriginRequest)
        await move_origin(parts, request.match_info["study_id"], site_id=asked.site_id, reason=asked.reason,
                          by=_by(request))
        return web.Response(status=204)

    async def settle(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.SettleOriginRequest)
        await settle_origin(parts, request.match_info["study_id"], site_id=asked.site_id, reason=asked.reason,
                            by=_by(request))
        return web.Response(status=204)

    async def list_rules(request: web.Request) -> web.StreamResponse:
        require_alliance(caller_of(request).scope)
        return json_response(_rules_view(await parts.database.read(lambda tx: tx.origins.relay_rules())))

    async def put_rules(request: web.Request) -> web.StreamResponse:
        asked = await read_json(request, m.RelayRulesRequest)
        rules, settled = await replace_relay_rules(parts, [_rule(rule) for rule in asked.rules], _by(request))
        return json_response(_rules_view(rules, settled))

    async def try_rules(request: web.Request) -> web.StreamResponse:
        require_alliance(caller_of(request).scope)
        asked = await read_json(request, m.TryRelayRulesRequest)
        rules = [_rule(rule) for rule in asked.rules]
        sites = await parts.database.read(lambda tx: tx.sites.sites(EVERYWHERE))
        found = try_relay_rules(rules, sites, asked.elements, asked.device_id)
        return json_response(m.TryRelayRulesView(rules.index(found), found.site_id) if found is not None
                             else m.TryRelayRulesView(None, None))

    origins, rules, of_study = "/api/admin/origins", "/api/admin/relay-rules", "/api/studies/{study_id}/origin"
    return [
        Route("GET", of_study, ask, "Which site a study of the inbox may come from", READERS | ADMINS,
              response=m.OriginQuestionView),
        Route("POST", of_study, settle, "Say which site it comes from", READERS | ADMINS,
              request=m.SettleOriginRequest),
        Route("GET", f"{origins}/settled", settled, "Studies whose site a person named, the last one first", ADMINS,
              response=list[m.SettledOriginView]),
        Route("POST", f"{origins}/{{study_id}}/move", move, "Put right which site a study comes from", ADMINS,
              request=m.SettleOriginRequest),
        Route("GET", origins, queue, "Studies whose site a person must name", ADMINS,
              response=list[m.WaitingOriginView]),
        Route("POST", f"{origins}/{{study_id}}/settle", settle, "Say which site a study comes from", ADMINS,
              request=m.SettleOriginRequest),
        Route("GET", rules, list_rules, "Rules for devices that speak for several clinics", ADMINS,
              response=m.RelayRulesView),
        Route("PUT", rules, put_rules, "Put a whole list of these rules in force", ADMINS,
              request=m.RelayRulesRequest, response=m.RelayRulesView),
        Route("POST", f"{rules}/try", try_rules, "Which rule of a list would decide", ADMINS,
              request=m.TryRelayRulesRequest, response=m.TryRelayRulesView),
    ]


def origin_view(origin: StudyOrigin | None) -> m.StudyOriginView | None:
    """For the page of the study, which clinics see too: what decided, and no more."""
    if origin is None:
        return None
    decided = [one for one in origin.evidence if one.kind is origin.decided_by and one.site_id]
    seen = "" if origin.decided_by is EvidenceKind.PERSON or not decided else decided[0].seen
    return m.StudyOriginView(state=origin.state, decided_by=origin.decided_by, seen=seen, why=origin.why)


def _waiting_view(waiting: WaitingStudy, names: Mapping[str, str]) -> m.WaitingOriginView:
    origin, study, device = waiting.origin, waiting.study, waiting.device
    return m.WaitingOriginView(
        study_id=study.id, at=origin.at, why=origin.why, device_id=origin.device_id,
        device_name=device.name if device else None, is_relay=bool(device and device.is_relay),
        patient_id=study.patient.patient_id, patient_name=study.patient.name.display, modality=study.modality,
        description=study.description, accession_number=study.accession_number, study_at=study.study_at,
        instance_count=study.instance_count, elements=origin.elements,
        evidence=[m.EvidenceView(one.kind, one.seen, one.site_id, names.get(one.site_id, one.site_id))
                  for one in origin.evidence])


def _settled_view(settled: WaitingStudy, names: Mapping[str, str]) -> m.SettledOriginView:
    origin, study = settled.origin, settled.study
    return m.SettledOriginView(
        study_id=study.id, patient_id=study.patient.patient_id, patient_name=study.patient.name.display,
        modality=study.modality, study_at=study.study_at, site_id=study.site_id,
        site_name=names.get(study.site_id, study.site_id), settled_at=origin.settled_at,
        settled_by=names.get(origin.settled_by or "", origin.settled_by or ""), reason=origin.reason)


def _rules_view(rules: list[RelayRule], settled: int = 0) -> m.RelayRulesView:
    return m.RelayRulesView(
        [m.RelayRuleView(rule.device_id, rule.element, rule.comparison, rule.text, rule.site_id, rule.is_enabled)
         for rule in rules], list(RULE_ELEMENTS), settled)


def _rule(asked: m.RelayRuleView) -> RelayRule:
    try:
        comparison = Comparison(asked.comparison)
    except ValueError as exc:
        raise InvalidRequest(f"{asked.comparison[:40]!r} is not one of {', '.join(Comparison)}.") from exc
    return RelayRule(new_id(), 0, asked.device_id or None, asked.element, comparison, asked.text, asked.site_id,
                     asked.is_enabled)


def _by(request: web.Request) -> By:
    caller = caller_of(request)
    return By(caller.actor, caller.address, caller.scope)
