"""Default due times by class of examination (requirements 3.1, D4) and what may change the priority (K3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.due_times import due_at
from gateway.core.facts import CalendarDay, facts_of
from gateway.core.priority import priority_of
from routing_rules.facts import FACTS, checked
from storage.model import Device, EcgFacts, Patient, PatientName, Priority, Site, SiteKind, Study, StudyState
from storage.model.circumstances import Circumstances
from storage.model.ecg_analyses import AnalysisState, StoredAnalysis
from storage.model.orders import Order, OrderSource, OrderState

DONE = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def minutes(modality, priority, *, body_part="CHEST", rule=None, raised=False):
    at = due_at(DONE, modality=modality, body_part=body_part, priority=priority, rule_minutes=rule, is_raised=raised)
    return (at - DONE).total_seconds() / 60


@pytest.mark.parametrize(("modality", "body_part", "emergency", "urgent", "routine"), [
    ("ECG", "", 10, 10, 30), ("DX", "CHEST", 30, 30, 120), ("CR", "HAND", 30, 30, 120), ("CT", "CHEST", 60, 60, 240),
    ("CT", "head", 30, 60, 240), ("MR", "KNEE", 60, 60, 240), ("US", "ABDOMEN", 60, 60, 240), ("XA", "", 60, 60, 240),
])
def test_each_class_has_its_due_times(modality, body_part, emergency, urgent, routine):
    assert [minutes(modality, p, body_part=body_part) for p in (
        Priority.EMERGENCY, Priority.URGENT, Priority.ROUTINE)] == [emergency, urgent, routine]


def test_a_rule_may_set_another_time_and_raising_never_gives_more():
    assert minutes("DX", Priority.ROUTINE, rule=15) == 15
    assert minutes("DX", Priority.ROUTINE, rule=600) == 600
    assert minutes("ECG", Priority.EMERGENCY, rule=600, raised=True) == 10
    assert minutes("ECG", Priority.EMERGENCY, rule=5, raised=True) == 5


@pytest.mark.parametrize(("named", "raise_to", "urgency", "expected"), [
    (None, None, "routine", (Priority.ROUTINE, False)), (None, None, "emergency", (Priority.EMERGENCY, False)),
    (None, None, "", (Priority.ROUTINE, False)), ("routine", None, "emergency", (Priority.ROUTINE, False)),
    ("routine", "urgent", "routine", (Priority.URGENT, True)),
    ("emergency", "urgent", "routine", (Priority.EMERGENCY, False)),
    (None, "emergency", "emergency", (Priority.EMERGENCY, False)),
])
def test_device_data_raises_the_priority_and_never_lowers_it(named, raise_to, urgency, expected):
    assert priority_of(named=named, raise_to=raise_to, urgency=urgency) == expected


def test_a_study_with_everything_known_gives_every_declared_fact():
    study = Study("s", "1.2", "east", Patient("p", "east", "1", PatientName("演示"), "F", None), "d", "ECG", "Chest",
                  "静息心电图", "A", DONE, 61.5, "urgent", StudyState.COMPLETE, 3, None, DONE, DONE)
    old = EcgFacts("i", "scp_ecg", 2000.0, ("I",), 10, DONE.replace(hour=1), "", "", {"heart_rate_bpm": 50},
                   ("旧",), ())
    new = EcgFacts("j", "scp_ecg", 2000.0, ("I",), 10, DONE, "", "", {
        "heart_rate_bpm": 80, "pr_ms": 150, "qrs_ms": 90, "qt_ms": 380, "qtc_ms": 400}, ("窦性心律",), ())
    hint = {"kind": "lead_off", "leads": ["V3"], "value": None, "unit": "", "is_repeat_advised": True, "detail": ""}
    measured = StoredAnalysis("j", "s", AnalysisState.DONE, "", "1", DONE, True, [hint], {
        "measurements": {"heart_rate_bpm": 70.0}, "rr_ms": [800.0, 900.0]})
    order = Order("o", "east", OrderState.PERFORMED, OrderSource.UI, "A", "1.2", "1", "1", "1", "演示", "Demo", "ECG",
                  DONE, DONE, "u", DONE, procedure_code="ECG12", clinical_diagnosis="胸痛", purpose="排除缺血",
                  department="急诊科", patient_class="outpatient", urgency="urgent")
    around = Circumstances(1, 2_500_000, "ECG-1200", 3, 2, DONE - timedelta(days=2), "demo-ecg", {"ecg": 4},
                           ("demo-away",), is_origin_settled=False)
    facts = facts_of(study, Site("east", "东", "East", SiteKind.TOWNSHIP, distance_km=40, link_class="mobile"),
                     Device("d", "east", "x", "CART", None, "ECG"), [old, new], [measured],
                     arrived_local=datetime(2026, 3, 1, 23, 5, tzinfo=UTC), order=order, around=around,
                     day=CalendarDay(is_workday=False, is_holiday=True, holiday="national-day"))
    assert set(facts) == {name for name, fact in FACTS.items() if not fact.is_derived}
    assert checked(facts) == facts
    assert (facts["site.tier"], facts["site.distance_km"], facts["prior.days_since"]) == (2, 40.0, 2.0)
    assert (facts["study.quality"], facts["study.size_mb"]) == (["origin_uncertain"], 2.5)
    assert (facts["arrival.hour"], facts["arrival.weekday"], facts["study.body_part"]) == (23, 7, "CHEST")
    assert facts["ecg.heart_rate_bpm"] == 80.0
    assert facts["ecg.measured_by_gateway"] == []
    assert (facts["ecg.longest_rr_ms"], facts["ecg.repeat_advised"]) == (900.0, ["lead_off"])
    assert facts["ecg.statements"] == ["旧", "窦性心律"]


def test_the_gateways_number_stands_in_where_the_cart_has_none_and_is_named():
    """K3: a rule on the rate works for carts that do not measure, and the explanation says who did."""
    study = Study("s", "1.2", "east", Patient("p", "east", "1", PatientName("演示"), "F", None), "d", "ECG", "", "",
                  "", DONE, None, "routine", StudyState.COMPLETE, 1, None, DONE, DONE)
    ecg = EcgFacts("j", "scp_ecg", 2000.0, ("I",), 10, DONE, "", "", {"qt_ms": 400}, (), ())
    measured = StoredAnalysis("j", "s", AnalysisState.DONE, "", "1", DONE, False, [], {
        "measurements": {"heart_rate_bpm": 33.0, "qt_ms": 390.0, "qtc_fridericia_ms": 380.0}, "rr_ms": []})
    facts = facts_of(study, None, None, [ecg], [measured], arrived_local=DONE)
    assert (facts["ecg.heart_rate_bpm"], facts["ecg.qt_ms"], facts["ecg.qtc_ms"]) == (33.0, 400.0, 380.0)
    assert facts["ecg.measured_by_gateway"] == ["heart_rate_bpm", "qtc_ms"]
    assert checked(facts) == facts


def test_what_is_not_known_is_left_out_instead_of_guessed():
    study = Study("s", "1.2", "east", Patient("p", "east", "1", PatientName("演示"), "", None), None, "DX", "", "",
                  "", None, None, "routine", StudyState.COMPLETE, 1, None, DONE, DONE)
    facts = facts_of(study, None, None, [], arrived_local=DONE)
    assert set(facts) == {"site.id", "study.modality", "study.kind", "study.urgency", "study.instance_count",
                          "arrival.hour", "arrival.minute", "arrival.weekday", "arrival.date"}
