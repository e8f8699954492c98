"""A rule set is checked against what this gateway knows: destinations, the roster by date, past studies (D1)."""

from __future__ import annotations

from datetime import timedelta

from gateway.services.activate_rules import ensure_rules
from gateway.services.route_study import route_study
from gateway.services.rules.check import check_rules
from storage.model import Role
from storage.model.rosters import EntryKind, RosterEntry
from tests.support.routing_builders import add_study, add_user, user
from tests.support.stores import open_parts

RULES = """\
format: 1
title: t
groups:
  imaging: {name: 影像, members: [li]}
  night: {name: 夜班}
fallback: {group: night}
rules:
  - name: CT
    when: [study.modality == "CT"]
    then: {group: imaging}
"""


async def test_studies_of_the_last_days_that_a_draft_gives_to_nobody_are_counted(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        await ensure_rules(parts)
        await add_user(parts, user("li", Role.READER))
        for modality in ("DX", "DX", "CT", "ECG"):
            await route_study(parts, (await add_study(parts, modality=modality)).id)
        parts.clock.advance(3600)
        assert await check_rules(parts, RULES) == [], "not for every key that is pressed"
        [problem] = await check_rules(parts, RULES, days=30)
        assert (problem.line, problem.column, problem.is_warning) == (6, 1, True)
        assert "最近的 4 例检查中,有 3 例" in problem.zh
        assert "2 of DX from east, 1 of ECG from east" in problem.en
        parts.clock.advance(40 * 86_400)
        assert await check_rules(parts, RULES, days=30) == []


async def test_hours_that_the_dated_roster_leaves_open_are_told_for_the_next_weeks(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        li = await add_user(parts, user("li", Role.READER))
        now = parts.clock()
        week = timedelta(days=7)
        entries = [RosterEntry(f"e{number}", EntryKind.DUTY, "night", li.id, now + week * start, now + week * end, "",
                               "boss", now) for number, (start, end) in enumerate([(0, 1), (2, 9)])]
        await parts.database.write(lambda tx: [tx.rosters.add_entry(entry) for entry in entries])
        [problem] = await check_rules(parts, RULES)
        assert (problem.line, problem.column, problem.is_warning) == (5, 3, True)
        assert "「夜班」没有人值班" in problem.zh


async def test_a_destination_that_does_not_exist_keeps_a_version_out(tmp_path):
    async with open_parts(tmp_path / "data") as parts:
        await add_user(parts, user("li", Role.READER))
        [problem] = await check_rules(parts, RULES.replace("{group: imaging}", "{group: imaging, forwards: [upper]}"))
        assert (problem.line, problem.column, problem.is_warning) == (10, 39, False)
        assert "upper" in problem.zh
