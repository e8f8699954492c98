"""Compare two texts of rules in words, and change one rule through a form."""

from __future__ import annotations

from aiohttp import web

from gateway.http.messages import rules as m
from gateway.http.routing import Route, json_response, read_json
from gateway.http.rule_views import problem_views
from gateway.http.rules import author_of, row
from gateway.services.ports import Parts
from gateway.services.rules.check import check_rules
from gateway.services.rules.compare import difference_of
from gateway.services.rules.edit import FormCondition, RuleForm, edited, forms_of
from gateway.services.rules.versions import source_of


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def compare(request: web.Request) -> web.StreamResponse:
        author_of(request)
        asked = await read_json(request, m.CompareRulesRequest)
        old = asked.from_source if asked.from_source is not None else await source_of(parts, asked.from_version)
        new = asked.to_source if asked.to_source is not None else await source_of(parts, asked.to_version)
        changes = await difference_of(old, new)
        return json_response(m.RuleDifferenceView(
            [m.RuleChangeView(change.kind, change.subject, change.zh, change.en) for change in changes]))

    async def forms(request: web.Request) -> web.StreamResponse:
        author_of(request)
        source = (await read_json(request, m.RuleSourceRequest)).source
        return json_response(m.RuleFormsView([_form_view(form) for form in await forms_of(source)]))

    async def edit(request: web.Request) -> web.StreamResponse:
        author_of(request)
        asked = await read_json(request, m.EditRulesRequest)
        form = _form_of(asked.form) if asked.form is not None else None
        source = await edited(asked.source, asked.index, form, asked.move_to)
        return json_response(m.EditedRulesView(source, problem_views(await check_rules(parts, source))))

    return [
        row("POST", "diff", compare, "The difference of two versions or texts in words",
            request=m.CompareRulesRequest, response=m.RuleDifferenceView),
        row("POST", "forms", forms, "The rules of a text as forms", request=m.RuleSourceRequest,
            response=m.RuleFormsView),
        row("POST", "edit", edit, "Change one rule of a text; comments stay", request=m.EditRulesRequest,
            response=m.EditedRulesView),
    ]


def _form_view(form: RuleForm) -> m.RuleForm:
    return m.RuleForm(
        name=form.name, then=form.then, stop=form.stop, index=form.index, line=form.line,
        conditions=[m.RuleFormCondition(c.fact, c.operator, c.value) for c in form.conditions],
        understood=all(c.is_form for c in form.conditions), texts=[c.text for c in form.conditions])


def _form_of(form: m.RuleForm) -> RuleForm:
    conditions = tuple(FormCondition(c.fact, c.operator, c.value) for c in form.conditions)
    return RuleForm(form.name, conditions, form.then, form.stop)
