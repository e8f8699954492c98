"""The words for what a rule gives and how a group works, for differences told to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

from routing_rules.model import DateRange, Shift

ASPECTS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "group": ("值班组", "group"),
    "reader": ("阅片人", "reader"),
    "second_reader": ("第二阅片人", "second reader"),
    "priority": ("优先级", "priority"),
    "due.arrive": ("到齐时限", "due to arrive"),
    "due.claim": ("领取时限", "due to be claimed"),
    "due.write": ("书写时限", "due to be written"),
    "due.review": ("签发时限", "due to be signed"),
    "due.return": ("回传时限", "due to be returned"),
    "due.open": ("查看时限", "due to be opened"),
    "tags": ("标签", "tags"),
    "forwards": ("转发目的地", "forwards"),
    "notify": ("通知", "notices"),
    "hold_until": ("暂缓到", "held until"),
    "overflow": ("溢出", "overflow"),
    "stop": ("之后的规则", "rules after it"),
    "group.name": ("名称", "name"),
    "group.name_en": ("英文名称", "English name"),
    "group.cover": ("代班组", "cover"),
    "group.assign": ("分派方式", "assignment"),
    "group.head": ("负责人", "head"),
    "group.reoffer_minutes": ("无人领取后再次提醒(分钟)", "offered again after minutes"),
})
"""What is named in a difference, in Chinese and English."""

_PRIORITIES = {"routine": "常规", "urgent": "加急", "emergency": "急诊"}
_WHO = {"clinic": "送检单位", "group": "值班组", "reader": "阅片人", "head": "负责人"}
_WHEN = {"routed": "分派时", "nudge": "快到时限", "breach": "超过时限"}
_ASSIGN = {"pool": "自行领取", "least-loaded": "分给手头最少的人"}
_DAYS_ZH = ("一", "二", "三", "四", "五", "六", "日")
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def value_zh(value: Any, aspect: str = "") -> str:
    """A value in Chinese."""
    if aspect == "stop":
        return "不再看" if value else "继续看"
    if value is None or value == ():
        return "(无)"
    if aspect.startswith("due."):
        return f"{value} 分钟"
    if aspect == "notify":
        return "、".join(f"{_WHEN.get(wish.when, wish.when)}告知{_WHO.get(wish.who, wish.who)}" for wish in value)
    if aspect == "overflow":
        return f"{value.after_minutes} 分钟后转 {value.group}"
    if isinstance(value, tuple):
        return "、".join(value_zh(each) for each in value)
    if is_dataclass(value):
        return ",".join(f"{item.name} {getattr(value, item.name)}" for item in fields(value))
    return _PRIORITIES.get(value) or _ASSIGN.get(value) or str(value)


def value_en(value: Any, aspect: str = "") -> str:
    """A value in English."""
    if aspect == "stop":
        return "no longer looked at" if value else "looked at"
    if value is None or value == ():
        return "(none)"
    if aspect.startswith("due."):
        return f"{value} min"
    if aspect == "notify":
        return ", ".join(f"{wish.who} when {wish.when}" for wish in value)
    if aspect == "overflow":
        return f"to {value.group} after {value.after_minutes} min"
    if isinstance(value, tuple):
        return ", ".join(value_en(each) for each in value)
    if is_dataclass(value):
        return ", ".join(f"{item.name} {getattr(value, item.name)}" for item in fields(value))
    return str(value)


def days_said(ranges: Sequence[DateRange]) -> str:
    """The days of a calendar."""
    said = [each.first if each.first == each.last else f"{each.first}..{each.last}" for each in ranges]
    return ", ".join(said) or "-"


def shift_said(shift: Shift) -> tuple[str, str]:
    """A shift in Chinese and in English."""
    hours = f"{_clock(shift.start_minute)}-{_clock(shift.end_minute)}"
    people = ", ".join(shift.members) or "-"
    days = sorted(shift.days)
    if len(days) == 7:
        return f"每天 {hours}:{people}", f"every day {hours}: {people}"
    zh = "、".join(f"周{_DAYS_ZH[day - 1]}" for day in days)
    return f"{zh} {hours}:{people}", f"{' '.join(_DAYS_EN[day - 1] for day in days)} {hours}: {people}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
