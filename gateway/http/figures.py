"""Figures of reading for heads: turnaround, load, findings, rejections and indicators, as JSON and as CSV."""

from __future__ import annotations

from aiohttp import web

from gateway.core.reading_figures import Line, Per, StageSum, merged
from gateway.http import asking
from gateway.http.messages import figures as m
from gateway.http.routing import ADMINS, Route, caller_of, json_response
from gateway.http.spreadsheet import as_csv
from gateway.services.figures.count_readings import ReadingFigures, count_readings
from gateway.services.ports import Parts
from storage.model import Role
from storage.model.clocks import Stage

_HEADS = ADMINS | frozenset({Role.REVIEWER})
_QUERY = ("per", "from", "to")
_PER_WORDS = {Per.SITE: "机构", Per.READER: "医师", Per.MODALITY: "检查类型", Per.GROUP: "值班组"}
_STAGE_WORDS = {Stage.ARRIVE: "到齐", Stage.CLAIM: "认领", Stage.WRITE: "书写", Stage.REVIEW: "签发",
                Stage.RETURN: "回传", Stage.OPEN: "查收"}


def routes(parts: Parts) -> list[Route]:
    """The rows of this file."""
    async def figures_of(request: web.Request) -> ReadingFigures:
        return await count_readings(
            parts, caller_of(request).scope, asking.choice(request, "per", Per) or Per.SITE,
            first=asking.text(request, "from"), last=asking.text(request, "to"))

    async def show(request: web.Request) -> web.StreamResponse:
        return json_response(_view(await figures_of(request)))

    async def download(request: web.Request) -> web.StreamResponse:
        figures = await figures_of(request)
        name = f"reading-{figures.per}-{figures.months[0]}-{figures.months[-1]}.csv"
        return web.Response(body=_csv(figures), content_type="text/csv", charset="utf-8",
                            headers={"Content-Disposition": f'attachment; filename="{name}"'})

    return [
        Route("GET", "/api/figures", show, "Turnaround, load, findings and rejections by month", roles=_HEADS,
              response=m.ReadingFiguresView, query=_QUERY),
        Route("GET", "/api/figures.csv", download, "The same for a spreadsheet", roles=_HEADS, query=_QUERY),
    ]


def _view(figures: ReadingFigures) -> m.ReadingFiguresView:
    lines, names = figures.lines, figures.names
    of_subject: dict[str, list[Line]] = {}
    for line in lines:
        of_subject.setdefault(line.key, []).append(line)
    return m.ReadingFiguresView(
        per=figures.per, months=figures.months, lines=[_line(line, names) for line in lines],
        totals=[_line(merged(some, key=key, month=""), names) for key, some in of_subject.items()],
        total=_line(merged(lines, key="", month=""), {}),
        by_month=[_line(merged((one for one in lines if one.month == month), key="", month=month), {})
                  for month in figures.months],
        indicators=[m.IndicatorView(one.code, one.month, one.numerator, one.denominator, one.value)
                    for one in figures.indicators])


def _line(line: Line, names: dict[str, str]) -> m.ReadingFigureLine:
    return m.ReadingFigureLine(
        key=line.key, name=names.get(line.key, line.key), month=line.month, studies=line.studies, signed=line.signed,
        still_open=line.still_open, returned=line.returned, reviewed=line.reviewed, judged=line.judged,
        positive=line.positive, positive_rate=line.positive_rate, critical=line.critical, rejections=line.rejections,
        stages={stage.value: _stage(total) for stage, total in line.stages.items()}, hours=line.hours,
        signed_hours=line.signed_hours)


def _stage(total: StageSum) -> m.StageFigures:
    return m.StageFigures(len(total.seconds), total.quantile_s(0.5), total.quantile_s(0.9), total.counted,
                          total.breaches)


def _csv(figures: ReadingFigures) -> bytes:
    header = ["月份", _PER_WORDS[figures.per], "检查数", "已签发", "未完成", "退回或撤回", "审核", "阳性率", "危急",
              "驳回"]
    for word in _STAGE_WORDS.values():
        header += [f"{word}中位数(分)", f"{word}P90(分)", f"{word}超时", f"{word}计数"]
    rows: list[list[object]] = []
    for line in figures.lines:
        rate = line.positive_rate
        row: list[object] = [
            line.month, figures.names.get(line.key, line.key), line.studies, line.signed, line.still_open,
            line.returned, line.reviewed, "" if rate is None else f"{rate:.4f}", line.critical, line.rejections]
        for stage in _STAGE_WORDS:
            total = line.stages.get(stage, StageSum())
            row += [_minutes(total.quantile_s(0.5)), _minutes(total.quantile_s(0.9)), total.breaches, total.counted]
        rows.append(row)
    rows += [[], ["月份", "指标", "分子", "分母", "值"]]
    rows += [[one.month, one.code, one.numerator, "" if one.denominator is None else one.denominator,
              "" if one.value is None else f"{one.value:.4f}"] for one in figures.indicators]
    return as_csv(header, rows)


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.1f}"
