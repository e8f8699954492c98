"""Hints for the order of reading: every limit just inside and just outside, every word said and denied (K3)."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest

from gateway.core.ecg_hint_rules import InvalidHintRules, packaged_hints, with_changes
from gateway.core.ecg_priority import LEVELS, EcgSeen, PriorityHint, hints_of, raises_to
from gateway.core.priority import priority_of
from gateway.http.ecg_views import priority_hint_view
from storage.model import Priority

RULES = packaged_hints()


def items(seen: EcgSeen, rules=RULES) -> list[str]:
    return [hint.item for hint in hints_of(rules, seen)]


def rr(*, longest: float = 900.0, shortest: float = 800.0) -> EcgSeen:
    return EcgSeen(rr_ms=(longest, 850.0, shortest))


AF = ("心房颤动",)
LIMITS = [
    ("ECG06", "heart_rate_bpm >=", [EcgSeen(device={"heart_rate_bpm": 180})],
     [EcgSeen(device={"heart_rate_bpm": 179})]),
    ("ECG06", "heart_rate_bpm >=", [EcgSeen(gateway={"heart_rate_bpm": 180})],
     [EcgSeen(gateway={"heart_rate_bpm": 179.9})]),
    ("ECG07", "heart_rate_bpm >=", [EcgSeen(device={"heart_rate_bpm": 180}, statements=AF)],
     [EcgSeen(device={"heart_rate_bpm": 179}, statements=AF), EcgSeen(device={"heart_rate_bpm": 200})]),
    ("ECG08", "shortest_rr_ms <=", [replace(rr(shortest=250), statements=AF)],
     [replace(rr(shortest=250.5), statements=AF), rr(shortest=200)]),
    ("ECG09", "qtc_ms >=", [EcgSeen(device={"qtc_ms": 550}), EcgSeen(gateway={"qtc_fridericia_ms": 550})],
     [EcgSeen(device={"qtc_ms": 549}), EcgSeen(gateway={"qtc_fridericia_ms": 549.9, "qtc_bazett_ms": 600})]),
    ("ECG09", "qtc_ms >= R-on-T", [EcgSeen(device={"qtc_ms": 500}, statements=("R on T 室早",))],
     [EcgSeen(device={"qtc_ms": 499}, statements=("R on T 室早",)), EcgSeen(device={"qtc_ms": 500})]),
    ("ECG09", "qtc_ms <=", [EcgSeen(device={"qtc_ms": 300})], [EcgSeen(device={"qtc_ms": 301})]),
    ("ECG11", "heart_rate_bpm <=",
     [EcgSeen(device={"heart_rate_bpm": 35}), EcgSeen(gateway={"heart_rate_bpm": 35.0})],
     [EcgSeen(device={"heart_rate_bpm": 36}), EcgSeen(gateway={"heart_rate_bpm": 35.1})]),
    ("ECG12", "longest_rr_ms >=", [rr(longest=3000)], [rr(longest=2999.9)]),
]


@pytest.mark.parametrize(("item", "limit", "inside", "outside"), LIMITS,
                         ids=[f"{case[0]} {case[1]}" for case in LIMITS])
def test_a_number_on_the_limit_gives_the_hint_and_one_short_of_it_does_not(item, limit, inside, outside):
    for seen in inside:
        assert item in items(seen)
    for seen in outside:
        assert item not in items(seen)


def test_every_limit_of_the_list_has_a_case_above():
    declared = {(item.id, f"{limit.measure} {limit.comparison}") for item in RULES.items for when in item.when
                for limit in when.limits}
    assert declared == {(item, " ".join(limit.split()[:2])) for item, limit, *_ in LIMITS}


@pytest.mark.parametrize("statement", [
    "不除外急性心肌梗死", "不排除急性心肌梗死", "无法排除急性心肌梗死", "尚不除外急性心肌梗死",
    "难以除外急性心肌梗死", "不能完全排除急性心肌梗死", "未能除外急性心肌梗死", "急性心肌梗死不除外",
    "无P波,急性心肌梗死", "无P波、急性心肌梗死", "无ST段回落，急性心肌梗死"])
def test_a_doubt_is_no_denial(statement):
    """K3: words that leave it open raise; only what is denied does not."""
    assert "ECG01" in items(EcgSeen(statements=[statement]))


@pytest.mark.parametrize("statement", [
    "已排除急性心肌梗死", "除外急性心肌梗死", "未达到急性心肌梗死标准", "无急性心肌梗死图形",
    "未见ST段抬高、急性心肌梗死图形"])
def test_a_denial_raises_nothing(statement):
    assert "ECG01" not in items(EcgSeen(statements=[statement]))


WORDS = {
    "ECG01": (["急性前壁心肌梗死", "急性心梗可能", ">>> Acute MI <<<", "Inferior infarct, acute (LCx)",
               "** ** ACUTE MI / STEMI ** **", "不能排除急性下壁心肌梗死", "Cannot rule out acute infarct"],
              ["陈旧性前壁心肌梗死", "未见急性心肌梗死改变", "Inferior infarct, old", "No evidence of acute MI",
               "可排除急性心肌梗死", "Septal infarct, age undetermined"]),
    "ECG02": (["下壁再梗死", "Reinfarction"], ["下壁梗死"]),
    "ECG03": (["心室颤动", "室颤", "Ventricular fibrillation"], ["心房颤动", "未见室颤"]),
    "ECG04": (["尖端扭转型室性心动过速", "Torsades de pointes", "多形性室速"], ["单形性"]),
    "ECG05": (["室性心动过速", "宽QRS波心动过速", "Wide QRS tachycardia", "VT"],
              ["非持续性室性心动过速", "室上性心动过速", "Supraventricular tachycardia", "短阵室速"]),
    "ECG08": (["预激综合征伴房颤", "Pre-excited atrial fibrillation"], ["预激综合征", "心房颤动"]),
    "ECG10": (["三度房室传导阻滞", "Ⅲ度房室传导阻滞", "高度房室阻滞", "Complete AV block", "3rd degree AV block"],
              ["一度房室传导阻滞", "First degree AV block", "完全性右束支传导阻滞"]),
    "ECG12": (["长间歇", "Sinus pause"], ["间歇性预激"]),
    "ECG13": (["心脏停搏", "Asystole"], ["窦性心律"]),
    "ECG14": (["考虑高钾血症", "Hyperkalemia?"], ["低钾血症"]),
    "ECG15": (["低血钾", "Hypokalaemia"], ["高钾血症"]),
    "ECG16": (["肺栓塞可能", "S1Q3T3"], ["肺型P波"]),
    "ECG17": (["间歇性起搏失夺获", "Failure to capture"], ["心室起搏心律"]),
    "ECG18": (["De Winter 改变", "Wellens syndrome", "aVR导联ST段抬高"], ["aVR导联T波直立"]),
}


@pytest.mark.parametrize("item", WORDS)
def test_the_carts_own_words_give_the_hint_and_a_denial_does_not(item):
    said, denied = WORDS[item]
    for text in said:
        (hint,) = [hint for hint in hints_of(RULES, EcgSeen(statements=(text,))) if hint.item == item]
        assert (hint.source, hint.statement) == ("statement", text)
        assert text in hint.zh
    for text in denied:
        assert item not in items(EcgSeen(statements=(text,))), text


def test_every_item_with_words_of_its_own_has_a_case_above():
    assert set(WORDS) == {item.id for item in RULES.items for when in item.when if when.words and not when.limits}


def test_the_list_holds_every_entry_of_the_critical_values():
    assert [item.id for item in RULES.items] == [f"ECG{number:02d}" for number in range(1, 20)] + ["DEVICE"]


def test_what_the_cart_itself_marked_as_critical_is_red_whatever_it_says():
    seen = EcgSeen(statements=("Sinus rhythm", "XYZ"), critical_statements=("XYZ",))
    (hint,) = hints_of(RULES, seen)
    assert (hint.item, hint.level, hint.raises_to) == ("DEVICE", "red", "emergency")


def test_a_poor_trace_is_shown_and_raises_nothing():
    (hint,) = hints_of(RULES, EcgSeen(repeat_advised=("lead_off",)))
    assert (hint.item, hint.level, hint.raises_to) == ("ECG19", "blue", "")
    assert raises_to([hint]) is None


def test_a_number_names_its_source_and_that_nobody_confirmed_it():
    by_cart, by_us = hints_of(RULES, EcgSeen(device={"heart_rate_bpm": 30}, gateway={"heart_rate_bpm": 31}))
    assert by_cart.zh == "心率 30 次/分（界限 ≤ 35，设备测量，未经医师确认）"
    assert by_us.zh == "心率 31 次/分（界限 ≤ 35，网关测量，未经医师确认）"
    assert (by_us.source, by_us.value, by_us.threshold, by_us.list_version) == ("gateway", 31, 35, RULES.version)


def test_a_normal_ecg_has_no_hint():
    seen = EcgSeen(device={"heart_rate_bpm": 72, "qtc_ms": 410},
                   gateway={"heart_rate_bpm": 72, "qtc_fridericia_ms": 400}, rr_ms=(820, 840),
                   statements=("窦性心律", "正常心电图", "Normal sinus rhythm"))
    assert hints_of(RULES, seen) == []


def test_hints_only_raise_and_never_lower():
    """K3, over every level, every named priority and every urgency."""
    rank = {Priority.ROUTINE: 0, Priority.URGENT: 1, Priority.EMERGENCY: 2}
    for level, named, urgency in product(LEVELS, (None, *Priority), Priority):
        hint = PriorityHint("X", level, "", "", "statement", raises_to=RULES.raises_to[level])
        before, _ = priority_of(named=named, raise_to=None, urgency=urgency)
        after, is_raised = priority_of(named=named, raise_to=raises_to([hint]), urgency=urgency)
        assert rank[after] >= rank[before]
        assert is_raised == (after is not before)


def test_a_hint_is_kept_and_shown_whole():
    (hint,) = hints_of(RULES, EcgSeen(device={"heart_rate_bpm": 30}))
    view = priority_hint_view(json.loads(json.dumps(hint.as_json())))
    assert (view.item, view.threshold, view.raises_to) == ("ECG11", 35, "emergency")


CHANGES = {"version": "t-1", "source": "演示医共体通知",
           "items": {"ECG11": {"level": "orange", "limits": {"heart_rate_bpm": 40}}, "ECG16": {"is_on": False},
                     "ECG09": {"limits": {"qtc_ms": 520}}}}


def test_an_alliance_moves_a_limit_and_a_level_and_the_rest_stays():
    rules = with_changes(RULES, CHANGES)
    (hint,) = hints_of(rules, EcgSeen(device={"heart_rate_bpm": 40}))
    assert (hint.level, hint.raises_to, hint.list_source) == ("orange", "urgent", "演示医共体通知")
    assert hint.list_version == f"{RULES.version}+t-1"
    assert items(EcgSeen(device={"heart_rate_bpm": 41}), rules) == []
    assert items(EcgSeen(statements=("肺栓塞",)), rules) == []
    assert items(EcgSeen(device={"qtc_ms": 520}), rules) == ["ECG09"]
    assert items(EcgSeen(device={"qtc_ms": 300}), rules) == ["ECG09"]      # the other limit of QTc is untouched
    assert items(EcgSeen(device={"heart_rate_bpm": 180}), rules) == ["ECG06"]


@pytest.mark.parametrize("wrong", [
    [], {"version": "1", "source": "s", "more": 1}, {"version": "", "source": "s"}, {"version": "1"},
    {"version": "1", "source": "s", "items": {"ECG99": {}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"level": "purple"}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"limits": {"qtc_ms": 500}}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"limits": {"heart_rate_bpm": "40"}}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"limits": {"heart_rate_bpm": -1}}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"limits": {"heart_rate_bpm": True}}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"is_on": "no"}}},
    {"version": "1", "source": "s", "items": {"ECG11": {"words": ["x"]}}},
])
def test_changes_that_are_not_understood_are_refused_whole(wrong):
    with pytest.raises(InvalidHintRules):
        with_changes(RULES, wrong)
