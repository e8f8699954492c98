"""A thousand readings whose timers fall due in a few seconds: for tests of what fires, and for the benchmark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from gateway.core.clock_plan import Plan
from storage.interface import Database, Transaction
from storage.model import Grant, Role, Site, SiteKind, User, new_id
from storage.model.clocks import ReadingClock, ReadingTimer, Stage
from storage.tables import schema
from tests.support.web import build_exam, put_exam

RULES = """
format: 1
title: timers
groups:
  imaging: {name: 影像, members: [reader-one, reader-two]}
  upper: {name: 上级, members: [reader-two]}
fallback: {group: imaging}
rules: []
"""
MINUTES = {"claim": 60, "write": 600, "review": 600, "return": 1, "open": 60}


@dataclass(frozen=True)
class DueTimer:
    """A reading, when its timer is due, and what it does then."""

    reading_id: str
    due_at: datetime
    is_overflow: bool


async def add_people(database: Database, *, at: datetime) -> None:
    """A site, two readers, and the rules with their groups."""
    def add(tx: Transaction) -> None:
        tx.sites.add_site(Site("timed", "演示计时", "Demo timed", SiteKind.TOWNSHIP))
        for login in ("reader-one", "reader-two"):
            tx.users.add(User(new_id(), login, f"演示{login}", "", (Grant(Role.READER, None),)), password_hash="!",
                         at=at)
        tx.decisions.add_rule_set(RULES, by="test", at=at)

    await database.write(add)


async def add_due_timers(parts, count: int, *, first: datetime, over: timedelta) -> list[DueTimer]:
    """Timers spread evenly: three of four are a reminder, the fourth an overflow to the upper centre."""
    made: list[DueTimer] = []
    for start in range(0, count, 100):
        numbers = range(start, min(start + 100, count))
        some = [DueTimer("", first + over * (n / count), n % 4 == 3) for n in numbers]
        exams = [build_exam(parts, "timed")[0] for _ in numbers]
        exams = [replace(exam, instance=replace(exam.instance, object_sha256=new_id())) for exam in exams]
        made += [replace(timer, reading_id=exam.reading.id) for timer, exam in zip(some, exams, strict=True)]

        def add(tx: Transaction, exams=exams, some=made[start:]) -> None:
            for exam in exams:
                put_exam(tx, exam)
            for timer, exam in zip(some, exams, strict=True):
                _add_timer(tx, timer, exam.study.id)

        await parts.database.write(add)
    return made


def _add_timer(tx: Transaction, timer: DueTimer, study_id: str) -> None:
    # A reminder is due when half of the hour is gone; where it overflows then, the reminders lie behind.
    started = timer.due_at - timedelta(minutes=30)
    nudged = 80 if timer.is_overflow else 0
    plan = Plan(minutes=MINUTES, overflow_group="upper" if timer.is_overflow else "", overflow_minutes=30)
    tx.clocks.put([
        ReadingClock(timer.reading_id, study_id, stage, started, started + timedelta(minutes=MINUTES[stage.value]),
                     nudged_percent=nudged) for stage in (Stage.CLAIM, Stage.WRITE, Stage.REVIEW)])
    tx.clocks.put_timers([ReadingTimer(timer.reading_id, study_id, timer.due_at, plan.as_json())])


def fired_at(tx: Transaction) -> dict[str, list[tuple[str, datetime, str]]]:
    """What the audit trail says was fired: by reading, (action, at, node)."""
    found: dict[str, list[tuple[str, datetime, str]]] = {}
    for row in tx.connection.execute(sa.select(schema.audit).where(schema.audit.c.actor == "gateway")):
        if row.action.startswith(("clock.", "reading.")) and "reading" in row.detail:
            found.setdefault(row.detail["reading"], []).append((row.action, row.at, row.node))
    return found
