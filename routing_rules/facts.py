"""Every fact that a rule may ask, declared once: name, type, unit, source, and a sentence in both languages.

From here come the types that CEL checks when a rule set loads, the reference page, and the check of what the
gateway hands in. A fact that is not known for a study is left out; a condition that needs it does not hold, and
the explanation says "not known" instead of guessing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

FactValue = str | int | float | list[str]


class FactType(StrEnum):
    """The CEL type of a fact. A double is compared with 65.0, never with 65."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    STRINGS = "list(string)"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a rule may ask."""

    name: str
    type: FactType
    unit: str
    source: str                          # where the gateway takes it from
    zh: str
    en: str
    choices: tuple[str, ...] = ()        # the only texts it can be; a rule that asks for another is an error
    is_measured: bool = False            # a device's own statement or measurement: may only raise priority (K3)


class UndeclaredFact(ValueError):
    """The gateway handed in a fact that is not declared, or a value of the wrong type: a fault of ours."""


_S, _I, _D, _L = FactType.STRING, FactType.INT, FactType.DOUBLE, FactType.STRINGS
_CART = "ECG cart (device's own analysis, not confirmed by a physician)"
_EITHER = "ECG cart, else the gateway (neither confirmed by a physician)"
_GATEWAY = "gateway (measured on the samples, not confirmed by a physician)"

_ALL = (
    Fact("site.id", _S, "", "site of the sending device", "送检单位的代码", "Code of the site that sent the study"),
    Fact("site.kind", _S, "", "site record", "送检单位的类别", "Kind of the site that sent the study",
         choices=("centre", "hospital", "township", "village", "inbox")),
    Fact("device.ae_title", _S, "", "device record", "发送设备的 AE 名", "AE title of the sending device"),
    Fact("study.modality", _S, "", "Modality (0008,0060); ECG for every electrocardiogram",
         "检查设备类型,如 DX、CT、US、ECG", "Modality, such as DX, CT, US or ECG"),
    Fact("study.kind", _S, "", "derived from the modality", "影像还是心电", "Image study or electrocardiogram",
         choices=("image", "ecg")),
    Fact("study.body_part", _S, "", "Body Part Examined (0018,0015), upper case", "检查部位,如 CHEST",
         "Body part, such as CHEST"),
    Fact("study.description", _S, "", "Study Description (0008,1030)", "检查描述", "Description of the study"),
    Fact("study.urgency", _S, "", "request or device (Requested Procedure Priority)", "申请的紧急程度",
         "Urgency as asked for", choices=("emergency", "urgent", "routine")),
    Fact("study.instance_count", _I, "", "index of received instances", "已到达的图像或文件数",
         "Number of instances that have arrived"),
    Fact("patient.age_years", _D, "years", "Patient's Age (0010,1010), else Birth Date and study date",
         "患者年龄(岁),检查时", "Age of the patient at the study, in years"),
    Fact("patient.sex", _S, "", "Patient's Sex (0010,0040)", "患者性别", "Sex of the patient",
         choices=("M", "F", "O")),
    Fact("arrival.hour", _I, "h", "first arrival, in the gateway's time zone", "首次到达的钟点,0 到 23",
         "Hour of the first arrival, 0 to 23"),
    Fact("arrival.weekday", _I, "", "first arrival, in the gateway's time zone",
         "首次到达是星期几,1 为星期一,7 为星期日", "Weekday of the first arrival, 1 is Monday, 7 is Sunday"),
    Fact("ecg.statements", _L, "", _CART, "心电图机自己的分析语句(未经医师确认)", "Statements of the ECG cart itself",
         is_measured=True),
    Fact("ecg.heart_rate_bpm", _D, "1/min", _EITHER, "心率:心电图机测得,否则为网关测得",
         "Heart rate measured by the cart, else by the gateway", is_measured=True),
    Fact("ecg.pr_ms", _D, "ms", _EITHER, "PR 间期:心电图机测得,否则为网关测得",
         "PR interval measured by the cart, else by the gateway", is_measured=True),
    Fact("ecg.qrs_ms", _D, "ms", _EITHER, "QRS 时限:心电图机测得,否则为网关测得",
         "QRS duration measured by the cart, else by the gateway", is_measured=True),
    Fact("ecg.qt_ms", _D, "ms", _EITHER, "QT 间期:心电图机测得,否则为网关测得",
         "QT interval measured by the cart, else by the gateway", is_measured=True),
    Fact("ecg.qtc_ms", _D, "ms", _EITHER, "QTc 间期:心电图机测得,否则为网关测得(Fridericia)",
         "Corrected QT interval measured by the cart, else by the gateway (Fridericia)", is_measured=True),
    Fact("ecg.longest_rr_ms", _D, "ms", _GATEWAY, "最长 RR 间期", "Longest RR interval", is_measured=True),
    Fact("ecg.shortest_rr_ms", _D, "ms", _GATEWAY, "最短 RR 间期", "Shortest RR interval", is_measured=True),
    Fact("ecg.critical_statements", _L, "", _CART, "心电图机自己标为危急的语句(未经医师确认)",
         "Statements that the ECG cart itself marked as critical", is_measured=True),
    Fact("ecg.measured_by_gateway", _L, "", _GATEWAY, "哪些数值是网关测的,如 qt_ms",
         "Which of the numbers the gateway measured, such as qt_ms", is_measured=True),
    Fact("ecg.quality", _L, "", _GATEWAY, "图形的技术问题,如 lead_off",
         "Technical faults of the trace, such as lead_off", is_measured=True),
    Fact("ecg.repeat_advised", _L, "", _GATEWAY, "建议重新采集的技术问题",
         "Technical faults for which a repeat is advised", is_measured=True),
)

FACTS: Mapping[str, Fact] = MappingProxyType({fact.name: fact for fact in _ALL})


def checked(values: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Return the facts with ints widened to double where declared so. Raises UndeclaredFact."""
    result: dict[str, FactValue] = {}
    for name, value in values.items():
        fact = FACTS.get(name)
        if fact is None:
            raise UndeclaredFact(f"{name} is not declared in routing_rules/facts.py")
        if fact.type is FactType.DOUBLE and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not _fits(fact.type, value):
            raise UndeclaredFact(f"{name} is a {fact.type}, not {value!r}")
        result[name] = value
    return result


def _fits(kind: FactType, value: FactValue) -> bool:
    if isinstance(value, bool):
        return False
    if kind is FactType.STRINGS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, {FactType.STRING: str, FactType.INT: int, FactType.DOUBLE: float}[kind])
