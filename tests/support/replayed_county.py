"""A busy county for simulations: rules over every kind of fact, studies with facts of one month, and a store of them.

Everything follows from a seed. Names are made up and plainly so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from gateway.services.rules.settle import settled
from routing_rules.evaluate import decide
from routing_rules.facts import FactValue
from routing_rules.holidays import HOLIDAYS
from routing_rules.parse import parse
from storage.tables import schema as t
from storage.tables.packed_reasons import packed

ZONE = ZoneInfo("Asia/Shanghai")
UNTIL = datetime(2026, 3, 2, tzinfo=UTC)
SITES = tuple(f"town-{n:02}" for n in range(21))
MODALITIES = ("DX", "DX", "DX", "CR", "CT", "US", "ECG", "ECG")
PARTS = {"DX": ("CHEST", "HAND", "KNEE", "SPINE"), "CR": ("CHEST", "FOOT"), "CT": ("HEAD", "CHEST", "ABDOMEN"),
         "US": ("ABDOMEN", "THYROID"), "ECG": ("",)}
WORDS = ("胸部正位", "胸部侧位", "头颅平扫", "腹部", "膝关节", "体检", "复查", "外伤", "十二导联", "床旁")
GROUPS = ("imaging", "chest", "bones", "ct", "ultrasound", "ecg", "children", "night", "upper", "fallback")
READERS = tuple(f"demo-reader-{n:02}" for n in range(24))

_HEAD = """\
format: 1
title: 演示繁忙县 / Demo busy county
calendars:
  market: ["2026-02-03..2026-02-05", "2026-02-20"]
  harvest: ["02-10..02-12"]
groups:
{groups}
fallback:
  group: fallback
  priority: urgent
rules:
"""


def rule_set(count: int = 200, *, conditions: int = 3, seed: int = 1, changed: int | None = None) -> str:
    """YAML of `count` rules over every kind of fact; with `changed` the rule of that number says something else."""
    chooser = random.Random(seed)
    parts = [_HEAD.format(groups="\n".join(_group(n, name) for n, name in enumerate(GROUPS)))]
    for number in range(count):
        rule = _rule(chooser, number, conditions)
        if number == changed:
            rule = _rule(random.Random(seed + 1000 + number), number, conditions)
        parts.append(rule)
    return "".join(parts)


def studies(count: int, *, seed: int = 2, days: int = 30, until: datetime = UNTIL) -> Iterator[
        tuple[datetime, dict[str, FactValue], dict[str, Any]]]:
    """(decided at, facts, duty) of studies that arrive in the `days` before `until`, oldest first."""
    chooser = random.Random(seed)
    step = timedelta(days=days) / (count + 1)
    for number in range(count):
        at = until - timedelta(days=days) + step * (number + 1)
        yield at, _facts(chooser, at.astimezone(ZONE)), {"night": READERS[number // 600 % 24: number // 600 % 24 + 2]}


def fill(connection: sa.Connection, source: str, count: int, *, seed: int = 2, days: int = 30, version: int = 1,
         decided: Callable[[dict[str, FactValue], datetime, dict[str, Any]], Any] | None = None,
         because: Any = None, until: datetime = UNTIL) -> None:
    """Put that many routed studies into a store, decided by this rule set, most of them signed.

    `decided` may stand in for `decide` where thousands are wanted; `because`, packed, is then stored with each.
    """
    rules = parse(source)
    ask = decided or (lambda facts, local, duty: decide(rules, facts, local, duty))
    chooser = random.Random(seed + 1)
    rows: dict[str, list[dict[str, Any]]] = {"study": [], "decision": [], "report": []}
    for number, (at, facts, duty) in enumerate(studies(count, seed=seed, days=days, until=until)):
        local = at.astimezone(ZONE)
        outcome = ask(facts, local, duty)
        urgency = str(facts["study.urgency"])
        result = settled(outcome, hint_levels=[], completed_at=at, modality=str(facts["study.modality"]),
                         body_part=str(facts.get("study.body_part", "")), urgency=urgency, zone=ZONE)
        study_id = f"study-{seed}-{number:06}"
        rows["study"].append({
            "id": study_id, "study_instance_uid": f"1.2.826.0.1.77.{seed}.{number}", "site_id": facts["site.id"],
            "patient_key": f"patient-{number % 5000}", "modality": facts["study.modality"],
            "body_part": facts.get("study.body_part", ""), "urgency": urgency, "state": "complete",
            "first_arrival_at": at - timedelta(minutes=2), "last_arrival_at": at, "completed_at": at,
            "instance_count": 1})
        rows["decision"].append({
            "id": f"decision-{seed}-{number:06}", "study_id": study_id, "at": at, "rules_version": version,
            "priority": result.priority.value, "duty_group": outcome.group, "reader_id": None,
            "due_at": result.due_at, "tags": list(result.tags),
            "because": packed(outcome.because) if because is None else because,
            "facts": facts, "hints": [], "outcome": outcome.as_json(),
            "inputs": {"local_now": local.isoformat(), "duty": duty}})
        if chooser.random() < 0.97:
            signed = at + timedelta(minutes=chooser.uniform(5, 200))
            rows["report"].append({
                "id": f"report-{seed}-{number:06}", "reading_id": f"reading-{seed}-{number:06}",
                "study_id": study_id, "site_id": facts["site.id"], "version": 1, "state": "signed",
                "signed_at": signed, "read_from": [], "updated_at": signed})
        if len(rows["study"]) == 200:
            _insert(connection, rows)
    _insert(connection, rows)


def _insert(connection: sa.Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    for name, found in rows.items():
        if found:
            connection.execute(t.metadata.tables[name].insert(), found)
            found.clear()


def _group(number: int, name: str) -> str:
    members = ", ".join(READERS[(number * 2 + n) % 24] for n in range(4))
    hours = ""
    if name not in ("night", "fallback"):
        hours = (f'\n    cover: night\n    hours:\n      - days: [mon, tue, wed, thu, fri]\n        from: "07:30"\n'
                 f'        to: "18:00"\n        members: [{members}]')
    return f"  {name}:\n    name: 演示{name}\n    members: [{members}]{hours}"


def _rule(chooser: random.Random, number: int, conditions: int) -> str:
    is_measured = chooser.random() < 0.15
    asked = [chooser.choice(_MEASURED)(chooser)] if is_measured else []
    asked += [make(chooser) for make in chooser.sample(_PLAIN, conditions - len(asked))]
    when = "".join(f"      - '{text}'\n" for text in asked)
    if is_measured:
        then = f"priority: {chooser.choice(('urgent', 'emergency'))}\n      tags: [设备提示]"
    else:
        then = chooser.choice(_THEN)(chooser)
    stop = "    stop: true\n" if not is_measured and chooser.random() < 0.05 else ""
    return f"  - name: 规则 {number:03} / rule {number:03}\n    when:\n{when}    then:\n      {then}\n{stop}"


_PLAIN: tuple[Callable[[random.Random], str], ...] = (
    lambda r: f'site.id in ["{r.choice(SITES)}", "{r.choice(SITES)}", "{r.choice(SITES)}"]',
    lambda r: f"site.distance_km > {r.randint(2, 60)}.5",
    lambda r: f'site.link != "{r.choice(("fibre", "mobile", "weak"))}"',
    lambda r: f'study.modality == "{r.choice(MODALITIES)}"',
    lambda r: f'study.kind == "{r.choice(("image", "ecg"))}"',
    lambda r: f'study.description.contains("{r.choice(WORDS)}")',
    lambda r: f'study.description.matches("(?i){r.choice(WORDS)}.*|chest")',
    lambda r: f'study.body_part == "{r.choice(("CHEST", "HEAD", "KNEE", "ABDOMEN"))}"',
    lambda r: f"patient.age_years >= {r.randint(1, 80)}.0",
    lambda r: f"patient.age_years < {r.randint(5, 90)}.25",
    lambda r: f'patient.sex == "{r.choice("MF")}"',
    lambda r: f'study.urgency != "{r.choice(("routine", "urgent"))}"',
    lambda r: f'order.clinical_question.contains("{r.choice(WORDS)}")',
    lambda r: f"arrival.hour >= {r.randint(0, 23)} || arrival.hour < {r.randint(0, 12)}",
    lambda r: f"arrival.weekday <= {r.randint(1, 6)}",
    lambda r: "arrival.is_holiday || arrival.weekday == 7",
    lambda r: f'"{r.choice(("market", "harvest"))}" in arrival.calendars',
    lambda r: f'load.waiting["{r.choice(GROUPS)}"] > {r.randint(1, 30)}',
    lambda r: f'presence.on_duty["{r.choice(GROUPS)}"] >= {r.randint(1, 4)}',
    lambda r: f"prior.count > {r.randint(0, 5)}",
    lambda r: f'prior.last_reader == "{r.choice(READERS)}"',
    lambda r: f"study.instance_count > {r.randint(1, 300)}",
)
_MEASURED: tuple[Callable[[random.Random], str], ...] = (
    lambda r: f"ecg.heart_rate_bpm > {r.randint(60, 150)}.0",
    lambda r: f"ecg.qtc_ms > {r.randint(400, 520)}.0 && ecg.heart_rate_bpm < {r.randint(60, 120)}.0",
    lambda r: f'ecg.statements.exists(s, s.contains("{r.choice(("心动过速", "早搏", "ST"))}"))',
)
_THEN: tuple[Callable[[random.Random], str], ...] = (
    lambda r: f"group: {r.choice(GROUPS)}",
    lambda r: f"group: {r.choice(GROUPS)}\n      due_minutes: {r.choice((20, 30, 60, 120, 240))}",
    lambda r: f"reader: {r.choice(READERS)}",
    lambda r: f"priority: {r.choice(('routine', 'urgent', 'emergency'))}",
    lambda r: f"tags: [标签{r.randint(1, 9)}]",
    lambda r: f"second_reader: {r.choice(READERS)}",
    lambda r: "hold: {until: \"20:00\"}",
    lambda r: f"due: {{claim: {r.randint(5, 40)}, return: {r.randint(5, 40)}}}",
    lambda r: "notify: [{who: head, when: breach}]",
    lambda r: f"overflow: {{group: upper, after_minutes: {r.choice((30, 60))}}}",
)


def _facts(r: random.Random, local: datetime) -> dict[str, FactValue]:
    modality, site = r.choice(MODALITIES), r.randrange(len(SITES))
    facts: dict[str, FactValue] = {
        "site.id": SITES[site], "site.kind": "township", "site.tier": 2, "site.distance_km": 3.0 + site * 2.9,
        "site.link": ("fibre", "leased", "mobile", "weak")[site % 4], "device.id": f"device-{site}-{modality}",
        "study.modality": modality, "study.kind": "ecg" if modality == "ECG" else "image",
        "study.urgency": r.choices(("routine", "urgent", "emergency"), (85, 10, 5))[0],
        "study.description": f"{r.choice(WORDS)} {r.choice(WORDS)}", "study.instance_count": r.randint(1, 400),
        "study.series_count": r.randint(1, 8), "patient.age_years": round(r.uniform(0, 95), 1),
        "patient.sex": r.choice("MF"), "arrival.hour": local.hour, "arrival.minute": local.minute,
        "arrival.weekday": local.isoweekday(), "arrival.date": local.date().isoformat(),
        "arrival.is_holiday": _is_holiday(local.date()), "arrival.is_workday": local.isoweekday() < 6,
        "prior.count": r.choice((0, 0, 0, 1, 2, 5)),
        "load.waiting": {group: r.randint(0, 25) for group in GROUPS[:6]},
        "presence.away": r.sample(READERS, 3),
    }
    if PARTS[modality][0]:
        facts["study.body_part"] = r.choice(PARTS[modality])
    if _is_holiday(local.date()):
        facts["arrival.holiday"] = HOLIDAYS[0]
    if r.random() < 0.6:
        facts["order.urgency"] = facts["study.urgency"]
        facts["order.clinical_question"] = f"{r.choice(WORDS)}?编号 {r.randrange(10**6)}"
    if facts["prior.count"]:
        facts["prior.days_since"] = round(r.uniform(1, 900), 2)
        facts["prior.last_reader"] = r.choice(READERS)
    if modality == "ECG":
        facts |= {"ecg.count": 1, "ecg.statements": r.sample(["窦性心律", "心动过速", "室性早搏", "ST 段改变"], 2),
                  "ecg.heart_rate_bpm": float(r.randint(40, 160)), "ecg.qtc_ms": float(r.randint(360, 540))}
    return facts


@cache
def _is_holiday(day: date) -> bool:
    return date(2026, 2, 16) <= day <= date(2026, 2, 22)
