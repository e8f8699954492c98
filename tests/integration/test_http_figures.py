"""The figures of reading by the web: a month of a county as a page and as a table for a spreadsheet (D4, D6)."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

from storage.model import Priority, ReadingState, Report, ReportState, ReportText, Role, new_id
from storage.model.clocks import ReadingClock, Stage
from tests.support.web import add_person, add_site, build_exam, put_exam, serving


async def put_month(parts, writer_id):
    """Four studies that were complete five minutes ago: three signed after 10, 20 and 30 minutes, one still waits."""
    for number, minutes in enumerate((10, 20, 30, None)):
        exam, _ = build_exam(parts, "yangchang", priority=Priority.EMERGENCY if number == 0 else Priority.ROUTINE,
                             state=ReadingState.UNREAD if minutes is None else ReadingState.FINAL)
        exam = replace(exam, instance=replace(exam.instance, object_sha256=new_id()))
        at = exam.study.completed_at
        assert at is not None
        signed_at = at + timedelta(minutes=minutes) if minutes is not None else None
        clock = ReadingClock(exam.reading.id, exam.study.id, Stage.REVIEW, at, at + timedelta(minutes=25), signed_at)

        def add(tx, exam=exam, clock=clock, at=at, signed_at=signed_at, number=number):
            put_exam(tx, exam)
            tx.clocks.put([clock])
            if signed_at is not None:
                tx.reports.add(Report(
                    new_id(), exam.reading.id, exam.study.id, "yangchang", 1, ReportState.FINAL,
                    ReportText("", "所见", "意见", is_positive=number == 1), "", writer_id, at, None, "reviewer",
                    signed_at, "0" * 64, None, None, None, (), 1, at))

        await parts.database.write(add)


async def test_a_head_sees_medians_breaches_rates_and_indicators_and_takes_them_away_as_a_table(parts):
    await add_site(parts, "yangchang", "=演示卫生院")
    await add_person(parts, "head", (Role.ADMIN, None))
    writer = await add_person(parts, "writer", (Role.READER, None), name="演示书写医师")
    await put_month(parts, writer.id)
    async with serving(parts) as web:
        head = await web.browser("head")
        async with head.get("/api/figures?per=reader") as answer:
            assert answer.status == 200, await answer.text()
            seen = await answer.json()
        review = seen["total"]["stages"]["review"]
        assert (review["median_s"], review["p90_s"]) == (20 * 60, 28 * 60)
        assert (review["count"], review["counted"], review["breaches"]) == (3, 3, 1)
        assert (seen["total"]["studies"], seen["total"]["signed"], seen["total"]["still_open"]) == (4, 3, 1)
        assert seen["total"]["positive_rate"] == 1 / 3
        assert {line["name"] for line in seen["totals"]} >= {"演示书写医师"}
        (emergency,) = [one for one in seen["indicators"] if one["code"] == "RRC-02"]
        assert (emergency["numerator"], emergency["denominator"], emergency["value"]) == (1, 1, 1.0)
        async with head.get("/api/figures.csv?per=site") as answer:
            data = await answer.read()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0]["机构"] == "'=演示卫生院"                     # nothing runs in a spreadsheet
    assert (rows[0]["签发中位数(分)"], rows[0]["签发P90(分)"], rows[0]["签发超时"]) == ("20.0", "28.0", "1")


async def test_figures_are_for_heads_alone_and_a_span_is_bounded(parts):
    await add_site(parts, "yangchang", "演示卫生院")
    await add_person(parts, "head", (Role.ADMIN, None))
    await add_person(parts, "reader", (Role.READER, None))
    async with serving(parts) as web:
        async with (await web.browser("reader")).get("/api/figures") as answer:
            assert answer.status == 403
        head = await web.browser("head")
        for span in ("from=2020-01&to=2026-01", "from=march", "from=2026-05&to=2026-04"):
            async with head.get(f"/api/figures?{span}") as answer:
                assert (answer.status, (await answer.json())["reason"]) == (400, "month")
