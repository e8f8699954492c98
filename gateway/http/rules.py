"""The rules' page: versions and their approval, check, and try on a study. What edits is in rule_editing."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.core.errors import InvalidRequest
from gateway.http import asking
from gateway.http import rule_views as views
from gateway.http.messages import ReasonRequest
from gateway.http.messages import rules as m
from gateway.http.routing import ADMINS, Handler, Route, caller_of, json_response, person_of, read_json
from gateway.services.administer_sites import require_alliance
from gateway.services.ports import Parts
from gateway.services.rules.check import check_rules, rule_names
from gateway.services.rules.language import language_of
from gateway.services.rules.recent import decided_lately
from gateway.services.rules.try_rules import try_rules
from gateway.services.rules.versions import (
    Author,
    approve_rules,
    propose_rules,
    refuse_rules,
    roll_back_rules,
    source_of,
    version_of,
)
from storage.model import RuleVersion


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    return [*_versions(parts), *_approval(parts), *_workbench(parts)]


def author_of(request: web.Request) -> Author:
    """The administrator of the whole alliance who asks. Raises NotAllowed."""
    caller = caller_of(request)
    require_alliance(caller.scope)
    return Author.of(person_of(request), caller.address)


def row(method: str, path: str, handler: Handler, summary: str, *, request: type | None = None,
        response: type | None = None, query: tuple[str, ...] = ()) -> Route:
    """A row of the rules' page: rules are the whole alliance's, so only its administrators come in."""
    return Route(method, f"/api/rules/{path}", handler, summary, roles=ADMINS, request=request, response=response,
                 query=query)


def _versions(parts: Parts) -> list[Route]:
    async def list_all(request: web.Request) -> web.StreamResponse:
        author = author_of(request)
        found = await parts.database.read(lambda tx: tx.rule_versions.list())
        names = await views.names_of(parts, found)
        return json_response([views.version_view(version, names, author) for version in found])

    async def show(request: web.Request) -> web.StreamResponse:
        author, version = author_of(request), _number(request)
        found, source = await version_of(parts, version), await source_of(parts, version)
        return json_response(views.version_source(found, await views.names_of(parts, [found]), author, source))

    async def propose(request: web.Request) -> web.StreamResponse:
        author, asked = author_of(request), await read_json(request, m.ProposeRulesRequest)
        return await _answer(parts, author, await propose_rules(
            parts, asked.source, author, note=asked.note, based_on=asked.based_on), status=201)

    return [
        row("GET", "versions", list_all, "Versions of the rules, newest first", response=list[m.RuleVersionView]),
        row("GET", "versions/{version}", show, "One version with its text", response=m.RuleVersionSource),
        row("POST", "versions", propose, "Propose a version; in force at once where nobody must approve it",
            request=m.ProposeRulesRequest, response=m.RuleVersionView),
    ]


def _approval(parts: Parts) -> list[Route]:
    async def approve(request: web.Request) -> web.StreamResponse:
        author, asked = author_of(request), await read_json(request, m.ApproveRulesRequest)
        return await _answer(parts, author, await approve_rules(parts, _number(request), author,
                                                                based_on=asked.based_on))

    async def refuse(request: web.Request) -> web.StreamResponse:
        author, asked = author_of(request), await read_json(request, ReasonRequest)
        return await _answer(parts, author, await refuse_rules(parts, _number(request), author, reason=asked.reason))

    async def roll_back(request: web.Request) -> web.StreamResponse:
        author, asked = author_of(request), await read_json(request, m.RollBackRulesRequest)
        return await _answer(parts, author, await roll_back_rules(
            parts, _number(request), author, note=asked.note, based_on=asked.based_on), status=201)

    return [
        row("POST", "versions/{version}/approve", approve, "Approve what another person proposed",
            request=m.ApproveRulesRequest, response=m.RuleVersionView),
        row("POST", "versions/{version}/refuse", refuse, "Refuse a waiting version, or take it back",
            request=ReasonRequest, response=m.RuleVersionView),
        row("POST", "versions/{version}/roll-back", roll_back, "Bring an older text again, as a new version",
            request=m.RollBackRulesRequest, response=m.RuleVersionView),
    ]


def _workbench(parts: Parts) -> list[Route]:
    async def check(request: web.Request) -> web.StreamResponse:
        author_of(request)
        source = (await read_json(request, m.RuleSourceRequest)).source
        problems = await check_rules(parts, source, days=asking.whole_number(request, "days", 0, most=366))
        names = await asyncio.to_thread(rule_names, source)
        return json_response(m.RuleCheckView(
            is_valid=all(problem.is_warning for problem in problems), problems=views.problem_views(problems),
            rules=[m.RuleNameView(name, line) for name, line in names]))

    async def language(request: web.Request) -> web.StreamResponse:
        author_of(request)
        return json_response(views.language_view(await language_of(parts), parts.settings.rules_need_approval))

    async def studies(request: web.Request) -> web.StreamResponse:
        scope = caller_of(request).scope
        require_alliance(scope)
        found = await decided_lately(parts, scope, asking.text(request, "q"),
                                     limit=asking.whole_number(request, "limit", 20, most=100))
        return json_response([views.decided_study_view(line) for line in found])

    async def attempt(request: web.Request) -> web.StreamResponse:
        author_of(request)
        asked = await read_json(request, m.TryRulesRequest)
        return json_response(views.trial_view(await try_rules(parts, asked.source, asked.study.strip(),
                                                              caller_of(request).scope)))

    return [
        row("POST", "check", check, "Errors and warnings of a text", request=m.RuleSourceRequest,
            response=m.RuleCheckView),
        row("GET", "language", language, "What a rule may ask, say and name", response=m.RuleLanguageView),
        row("GET", "studies", studies, "Studies to try a draft on, newest first", response=list[m.DecidedStudyView],
            query=("q", "limit")),
        row("POST", "try", attempt, "What a draft says of one study", request=m.TryRulesRequest,
            response=m.RuleTrialView),
    ]


async def _answer(parts: Parts, author: Author, version: RuleVersion, *, status: int = 200) -> web.Response:
    return json_response(views.version_view(version, await views.names_of(parts, [version]), author), status=status)


def _number(request: web.Request) -> int:
    text = request.match_info["version"]
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidRequest("A version is a number.")
    return int(text)
