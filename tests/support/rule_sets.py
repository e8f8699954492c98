"""Rule sets and facts of a busy county, made from a seed: for benchmarks and property tests.

`rules(200)` has 200 rules of three conditions over all kinds of facts, most of them about different sites, devices
and hours, as a county's set grows; `facts(n)` is the n-th study of such a county, always the same.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from routing_rules.facts import FactValue
from routing_rules.holidays import kind_of_day

ZONE = ZoneInfo("Asia/Shanghai")
SITES = tuple(f"site-{number:02d}" for number in range(15))
GROUPS = ("imaging", "ecg", "ultrasound", "night", "centre", "fallback")
READERS = tuple(f"demo-reader-{number}" for number in range(12))
_BODY_PARTS = ("CHEST", "HEAD", "ABDOMEN", "KNEE", "SPINE", "PELVIS", "HAND", "NECK")
_IMAGE_MODALITIES = ("DX", "CR", "CT", "US", "MR")
_WORDS = ("胸部正位", "头颅平扫", "腹部彩超", "膝关节", "腰椎", "骨盆", "手", "颈部血管")
_STATEMENTS = ("窦性心律", "窦性心动过速", "ST段改变", "急性前壁心肌梗死可能", "左室高电压", "房颤", "正常心电图")
_QUESTIONS = ("排除骨折", "胸痛三天", "体检", "复查", "术前", "排除脑出血")
_FIRST = datetime(2026, 9, 1, 0, 0, tzinfo=ZONE)


def rules(count: int = 200, conditions: int = 3, *, seed: int = 1, with_stops: bool = True) -> str:
    """The YAML of a rule set with `count` rules of `conditions` each; about one in twelve matches a given study."""
    rng = random.Random(seed)
    entries = [_rule(number, conditions, rng, with_stops=with_stops) for number in range(count - 2)]
    entries += ["  - name: 心电图\n    when: ['study.kind == \"ecg\"']\n    then: {group: ecg}\n",
                "  - name: 影像\n    when: ['study.kind == \"image\"']\n    then: {group: imaging}\n"]
    groups = "".join(f"  {name}: {{name: {name}, members: [{', '.join(rng.sample(READERS, 3))}]}}\n"
                     for name in GROUPS)
    return (f"format: 1\ntitle: 演示县 {count} 条规则\ngroups:\n{groups}fallback: {{group: fallback}}\n"
            "calendars:\n  market-day: [2026-09-10, 2026-09-20, 09-30]\n  harvest: [2026-09-25..2026-10-08]\n"
            f"rules:\n{''.join(entries)}")


def facts(number: int, *, seed: int = 1) -> dict[str, FactValue]:
    """What the gateway knows of the n-th study; about 600 a day."""
    rng = random.Random(f"{seed}:{number}")
    arrived = _FIRST + timedelta(seconds=144 * number + rng.randrange(144))
    is_ecg = rng.random() < 0.4
    day = kind_of_day(arrived.date())
    site = rng.randrange(len(SITES))
    found: dict[str, FactValue] = {
        "site.id": SITES[site], "site.kind": rng.choice(("township", "village", "hospital")),
        "site.tier": site % 3 + 1, "site.distance_km": 5.0 + 3 * site,
        "site.link": ("fibre", "leased", "mobile", "satellite", "weak")[site % 5],
        "device.id": f"device-{site}-{rng.randrange(3)}", "device.ae_title": f"AE{site}_{rng.randrange(3)}",
        "study.modality": "ECG" if is_ecg else rng.choice(_IMAGE_MODALITIES),
        "study.kind": "ecg" if is_ecg else "image",
        "study.urgency": rng.choices(("routine", "urgent", "emergency"), (90, 7, 3))[0],
        "study.instance_count": 1 if is_ecg else rng.choice((1, 2, 3, 40, 300)),
        "study.series_count": rng.randrange(1, 5), "study.size_mb": 0.1 if is_ecg else round(rng.uniform(5, 300), 1),
        "study.quality": rng.choice(([], ["no_order"])),
        "arrival.hour": arrived.hour, "arrival.minute": arrived.minute, "arrival.weekday": arrived.isoweekday(),
        "arrival.date": arrived.date().isoformat(), "arrival.is_holiday": bool(day.holiday),
        "arrival.is_workday": day.is_workday, "prior.count": rng.randrange(4), "prior.same_modality_count": 0,
        "load.waiting": {group: rng.randrange(20) for group in GROUPS[:4]}, "presence.away": [rng.choice(READERS)],
    }
    if day.holiday:
        found["arrival.holiday"] = day.holiday
    if rng.random() < 0.9:
        found |= {"patient.age_years": float(rng.randrange(1, 95)), "patient.sex": rng.choice("MF")}
    if not is_ecg:
        part = rng.randrange(len(_BODY_PARTS))
        found |= {"study.body_part": _BODY_PARTS[part], "study.description": _WORDS[part]}
    else:
        found |= {"ecg.count": 1, "ecg.lead_count": 12, "ecg.duration_s": 10.0,
                  "ecg.statements": rng.sample(_STATEMENTS, 2), "ecg.critical_statements": [],
                  "ecg.heart_rate_bpm": float(rng.randrange(38, 160)), "ecg.qtc_ms": float(rng.randrange(360, 520)),
                  "ecg.quality": rng.choice(([], ["lead_off"]))}
    if rng.random() < 0.5:
        found |= {"order.urgency": found["study.urgency"], "order.clinical_question": rng.choice(_QUESTIONS),
                  "study.procedure_code": f"P{rng.randrange(30):03d}"}
    return found


def local_now(number: int) -> datetime:
    """The moment at which the n-th study is decided about."""
    return _FIRST + timedelta(seconds=144 * number + 200)


def _rule(number: int, conditions: int, rng: random.Random, *, with_stops: bool) -> str:
    is_measured = rng.random() < 0.1
    makers = [*(rng.sample(_ECG_CONDITIONS, 1) if is_measured else ()),
              *rng.sample(_CONDITIONS, conditions - (1 if is_measured else 0))]
    when = "".join(f"      - '{make(rng)}'\n" for make in makers)
    then = {"priority": "urgent", "tags": f"[tag-{number % 20}]"} if is_measured else _gives(number, rng)
    lines = "".join(f"      {key}: {value}\n" for key, value in then.items())
    stop = "    stop: true\n" if not is_measured and rng.random() < 0.05 and with_stops else ""
    return f"  - name: 规则 {number}\n    when:\n{when}    then:\n{lines}{stop}"


def _gives(number: int, rng: random.Random) -> dict[str, str]:
    """At least one thing; a group for most rules."""
    gives = {"tags": f"[tag-{number % 20}]"}
    if rng.random() < 0.7:
        gives["group"] = rng.choice(GROUPS[:5])
    if rng.random() < 0.2:
        gives["priority"] = rng.choice(("routine", "urgent", "emergency"))
    if rng.random() < 0.2:
        gives["due"] = f"{{claim: {rng.randrange(5, 30)}, review: {rng.randrange(30, 240)}}}"
    if rng.random() < 0.1:
        gives["reader"] = rng.choice(READERS)
    if rng.random() < 0.1:
        gives["notify"] = "[{who: group, when: routed}]"
    return gives


_CONDITIONS = (
    lambda rng: f'site.id == "{rng.choice(SITES)}"',
    lambda rng: f'site.id in ["{rng.choice(SITES)}", "{rng.choice(SITES)}", "{rng.choice(SITES)}"]',
    lambda rng: f"site.tier <= {rng.randrange(1, 4)}",
    lambda rng: f"site.distance_km > {rng.randrange(5, 50)}.0",
    lambda rng: f'site.link in ["mobile", "{rng.choice(("satellite", "weak"))}"]',
    lambda rng: f'device.ae_title == "AE{rng.randrange(15)}_{rng.randrange(3)}"',
    lambda rng: f'study.modality == "{rng.choice((*_IMAGE_MODALITIES, "ECG"))}"',
    lambda rng: f'study.modality in ["DX", "{rng.choice(_IMAGE_MODALITIES)}"]',
    lambda rng: f'study.kind == "{rng.choice(("image", "ecg"))}"',
    lambda rng: f'study.body_part == "{rng.choice(_BODY_PARTS)}"',
    lambda rng: f'study.description.contains("{rng.choice(_WORDS)[:2]}")',
    lambda rng: f'study.description.matches("(?i){rng.choice(_WORDS)}|chest.{{0,{rng.randrange(3, 9)}}}pa")',
    lambda rng: f'study.urgency != "{rng.choice(("routine", "urgent"))}"',
    lambda rng: f"study.instance_count > {rng.randrange(1, 50)}",
    lambda rng: f"study.size_mb < {rng.randrange(1, 300)}.5",
    lambda rng: '!("no_order" in study.quality)',
    lambda rng: f'order.clinical_question.contains("{rng.choice(_QUESTIONS)[:2]}")',
    lambda rng: f'study.procedure_code == "P{rng.randrange(30):03d}"',
    lambda rng: f"patient.age_years {rng.choice(('<', '>='))} {rng.randrange(1, 90)}.0",
    lambda rng: f'patient.sex == "{rng.choice("MF")}"',
    lambda rng: f"arrival.hour >= {rng.randrange(17, 23)} || arrival.hour < {rng.randrange(6, 9)}",
    lambda rng: f"arrival.weekday {rng.choice(('<=', '>'))} {rng.randrange(4, 7)}",
    lambda rng: rng.choice(("arrival.is_workday", "!arrival.is_holiday", '"harvest" in arrival.calendars')),
    lambda rng: f"prior.count >= {rng.randrange(0, 4)}",
    lambda rng: f'load.waiting["{rng.choice(GROUPS)}"] > {rng.randrange(20)}',
    lambda rng: f'presence.on_duty["{rng.choice(GROUPS)}"] >= {rng.randrange(1, 3)}',
)
_ECG_CONDITIONS = (
    lambda rng: f"ecg.heart_rate_bpm > {rng.randrange(100, 150)}.0",
    lambda rng: f"ecg.qtc_ms >= {rng.randrange(450, 510)}.0",
    lambda rng: f'ecg.statements.exists(s, s.contains("{rng.choice(_STATEMENTS)[:3]}"))',
    lambda rng: 'ecg.statements.exists(s, s.matches("(?i)急性.{0,8}梗死|STEMI"))',
    lambda rng: '"lead_off" in ecg.quality',
)
