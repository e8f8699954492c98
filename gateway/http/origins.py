"""The queue of studies whose site a person must name, and the rules for devices that speak for several clinics."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.core.study_origin import RULE_ELEMENTS
from gateway.http.messages import origins as m
from gateway.http.routing import ADMINS, Route, caller_of, json_response, read_json
from gateway.services.administer_sites import By, require_alliance
from gateway.services.ports import Parts
from gateway.services.settle_origin import (
    WaitingStudy,
    list_waiting,
    replace_relay_rules,
    settle_origin,
    try_relay_rules,
)
from storage.model import EVERYWHERE, Comparison, EvidenceKind, RelayRule, StudyOrigin, new_id


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def queue(request: web.Request) -> web.StreamResponse:
        waiting = await list_waiting(parts, _by(request))
        names = {site.id: site.name for site in await parts.database.read(lambda tx: tx.sites.sites(EVERYWHERE))}
        return json_response([_waiting_view(one, names) for one in waiting])

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

    origins, rules = "/api/admin/origins", "/api/admin/relay-rules"
    return [
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
