"""Every fact that a rule may ask, declared once: name, type, unit, source, and a sentence in both languages.

From here come the types that CEL checks when a rule set loads, the reference page, the words that the editor offers,
and the check of what the gateway hands in. A fact that is not known for a study is left out; a condition that needs
it does not hold, and the explanation says "not known" instead of guessing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from routing_rules.fact_types import Fact as Fact
from routing_rules.fact_types import FactType as FactType
from routing_rules.fact_types import FactValue as FactValue
from routing_rules.holidays import HOLIDAYS

MAX_TEXT_CHARACTERS = 1000
MAX_ITEMS = 200
"""What a rule sees of a long text or list: its beginning. The cost of a condition has a bound because of these."""


class UndeclaredFact(ValueError):
    """The gateway handed in a fact that is not declared, or a value of the wrong type: a fault of ours."""


_S, _I, _D, _B, _L, _C = (FactType.STRING, FactType.INT, FactType.DOUBLE, FactType.BOOL, FactType.STRINGS,
                          FactType.COUNTS)
_CART = "ECG cart (device's own analysis, not confirmed by a physician)"
_EITHER = "ECG cart, else the gateway (neither confirmed by a physician)"
_GATEWAY = "gateway (measured on the samples, not confirmed by a physician)"
_CLOCK = "first arrival, in the gateway's time zone"
_ORDER = "order linked to the study"
_PRIORS = "earlier studies of the same patient at the same site"
_URGENCIES = ("emergency", "urgent", "routine")

_SITE = (
    Fact("site.id", _S, "", "site of the sending device", "送检单位的代码", "Code of the site that sent the study"),
    Fact("site.kind", _S, "", "site record", "送检单位的类别", "Kind of the site that sent the study",
         choices=("centre", "hospital", "township", "village", "inbox")),
    Fact("site.tier", _I, "", "site record, else its kind", "送检单位的层级:1 村,2 乡镇,3 县,4 市,5 省",
         "Tier of the site: 1 village, 2 township, 3 county, 4 city, 5 province", lowest=1, highest=5),
    Fact("site.distance_km", _D, "km", "site record", "送检单位到阅片中心的路程(公里)",
         "Distance of the site from the reading centre, by road", lowest=0),
    Fact("site.link", _S, "", "site record", "送检单位的网络类别", "How the site is connected",
         choices=("fibre", "leased", "mobile", "satellite", "weak")),
    Fact("device.id", _S, "", "device record", "发送设备的代码", "Code of the sending device"),
    Fact("device.ae_title", _S, "", "device record", "发送设备的 AE 名", "AE title of the sending device"),
    Fact("device.model", _S, "", "Manufacturer's Model Name (0008,1090), or as the ECG cart says", "设备型号",
         "Model of the device"),
)
_STUDY = (
    Fact("study.modality", _S, "", "Modality (0008,0060); ECG for every electrocardiogram",
         "检查设备类型,如 DX、CT、US、ECG", "Modality, such as DX, CT, US or ECG"),
    Fact("study.kind", _S, "", "derived from the modality", "影像还是心电", "Image study or electrocardiogram",
         choices=("image", "ecg")),
    Fact("study.body_part", _S, "", "Body Part Examined (0018,0015), upper case", "检查部位,如 CHEST",
         "Body part, such as CHEST"),
    Fact("study.description", _S, "", "Study Description (0008,1030)", "检查描述", "Description of the study"),
    Fact("study.procedure_code", _S, "", f"{_ORDER}: code of the procedure", "检查项目代码", "Code of the procedure"),
    Fact("study.urgency", _S, "", "request or device (Requested Procedure Priority)", "申请的紧急程度",
         "Urgency as asked for", choices=_URGENCIES),
    Fact("study.instance_count", _I, "", "index of received instances", "已到达的图像或文件数",
         "Number of instances that have arrived", lowest=0),
    Fact("study.series_count", _I, "", "index of received instances", "已到达的序列数",
         "Number of series that have arrived", lowest=0),
    Fact("study.size_mb", _D, "MB", "index of received instances", "已到达的数据量(兆字节)",
         "Size of what has arrived, in 1,000,000 bytes", lowest=0),
    Fact("study.quality", _L, "", "gateway (what is missing or was guessed; no opinion on the image)",
         "资料的质量提示:不齐、姓名靠猜、没有申请单、来源不确定",
         "Hints on the data: incomplete, name guessed, no order, origin uncertain",
         choices=("incomplete", "name_guessed", "no_order", "origin_uncertain")),
    Fact("order.urgency", _S, "", _ORDER, "申请单上的紧急程度", "Urgency on the order", choices=_URGENCIES),
    Fact("order.clinical_question", _S, "", f"{_ORDER}: purpose", "检查目的(临床想知道什么)",
         "Clinical question of the order"),
    Fact("order.clinical_diagnosis", _S, "", _ORDER, "申请单上的临床诊断", "Clinical diagnosis on the order"),
    Fact("order.department", _S, "", _ORDER, "申请科室", "Department that asks"),
    Fact("order.patient_class", _S, "", _ORDER, "门诊还是住院", "Outpatient or inpatient",
         choices=("outpatient", "inpatient")),
    Fact("patient.age_years", _D, "years", "Patient's Age (0010,1010), else Birth Date and study date",
         "患者年龄(岁),检查时", "Age of the patient at the study, in years"),
    Fact("patient.sex", _S, "", "Patient's Sex (0010,0040)", "患者性别", "Sex of the patient",
         choices=("M", "F", "O")),
)
_TIME = (
    Fact("arrival.hour", _I, "h", _CLOCK, "首次到达的钟点,0 到 23", "Hour of the first arrival, 0 to 23",
         lowest=0, highest=23),
    Fact("arrival.minute", _I, "min", _CLOCK, "首次到达的分钟,0 到 59", "Minute of the first arrival, 0 to 59",
         lowest=0, highest=59),
    Fact("arrival.weekday", _I, "", _CLOCK, "首次到达是星期几,1 为星期一,7 为星期日",
         "Weekday of the first arrival, 1 is Monday, 7 is Sunday", lowest=1, highest=7),
    Fact("arrival.date", _S, "", _CLOCK, "首次到达的日期,如 2026-02-17",
         "Date of the first arrival, such as 2026-02-17"),
    Fact("arrival.is_holiday", _B, "", "days of the alliance, else the public holidays of China",
         "首次到达是不是法定节假日(含调休放假)", "Whether the day is a public holiday, days off in lieu with it"),
    Fact("arrival.holiday", _S, "", "public holidays of China", "是哪个节日;不是节假日时没有",
         "Which public holiday it is; not known on other days", choices=HOLIDAYS),
    Fact("arrival.is_workday", _B, "", "days of the alliance, else the public holidays of China",
         "首次到达是不是上班日(周末调休上班也算)", "Whether the day is worked, make-up days at weekends with it"),
    Fact("arrival.calendars", _L, "", "the rule set's own calendars and the date of arrival",
         "首次到达落在规则里的哪些日历", "Which of the rule set's calendars hold the day", is_derived=True),
)
_ECG = (
    Fact("ecg.count", _I, "", "index of received instances", "心电图份数", "Number of ECGs in the study", lowest=0),
    Fact("ecg.lead_count", _I, "", "ECG file", "最新一份心电图的导联数", "Leads of the newest ECG", lowest=0),
    Fact("ecg.duration_s", _D, "s", "ECG file", "最新一份心电图的记录时长", "Length of the newest ECG", lowest=0),
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
_PEOPLE = (
    Fact("prior.count", _I, "", _PRIORS, "同一患者以前的检查数", "Number of earlier studies of the patient",
         lowest=0),
    Fact("prior.same_modality_count", _I, "", _PRIORS, "同一患者以前的同类检查数",
         "Number of earlier studies with the same modality", lowest=0),
    Fact("prior.days_since", _D, "days", _PRIORS, "距上一次检查的天数;没有以前的检查时没有",
         "Days since the last earlier study; not known without one", lowest=0),
    Fact("prior.last_reader", _S, "", "newest signed report of the patient", "上一次签发报告的医师(登录名)",
         "Login of the reader who signed the patient's last report"),
    Fact("load.waiting", _C, "", "worklist, at the moment of the decision", "每个值班组还没人接手的检查数",
         "Number of studies that nobody has claimed, by group", lowest=0),
    Fact("presence.away", _L, "", "what readers say of themselves", "自己标为离开或下班的医师(登录名)",
         "Logins of readers who said that they are away or off"),
    Fact("presence.on_duty", _C, "", "roster of the group, less those who are away",
         "每个值班组现在在班的人数", "Number of people on duty now, by group", lowest=0, is_derived=True),
)

FACTS: Mapping[str, Fact] = MappingProxyType({fact.name: fact for fact in
                                              (*_SITE, *_STUDY, *_TIME, *_ECG, *_PEOPLE)})


def checked(values: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Return the facts as the conditions see them: ints widened to double where declared so, long ones cut.

    Raises UndeclaredFact, also for a number that is none (NaN, infinity) and for a derived fact.
    """
    result: dict[str, FactValue] = {}
    for name, value in values.items():
        fact = FACTS.get(name)
        if fact is None or fact.is_derived:
            raise UndeclaredFact(f"{name} is not a fact that the gateway hands in; see routing_rules/facts.py")
        if fact.type is FactType.DOUBLE and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not _FITS[fact.type](value):
            raise UndeclaredFact(f"{name} is a {fact.type}, not {value!r}")
        result[name] = _cut(value)
    return result


def _cut(value: FactValue) -> FactValue:
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARACTERS]
    if isinstance(value, list):
        return [item[:MAX_TEXT_CHARACTERS] for item in value[:MAX_ITEMS]]
    return value


_FITS: Mapping[FactType, Callable[[FactValue], bool]] = {
    FactType.STRING: lambda value: isinstance(value, str),
    FactType.INT: lambda value: isinstance(value, int) and not isinstance(value, bool),
    FactType.DOUBLE: lambda value: isinstance(value, float) and math.isfinite(value),
    FactType.BOOL: lambda value: isinstance(value, bool),
    FactType.STRINGS: lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    FactType.COUNTS: lambda value: isinstance(value, dict) and all(
        isinstance(key, str) and isinstance(count, int) and not isinstance(count, bool)
        for key, count in value.items()),
}
