"""What the panel "Why is this with me?" is sent: every reason that was stored, and nothing made up beside it (D1)."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.http.views import decision_view
from routing_rules.evaluate import decide
from routing_rules.parse import parse
from storage.model import Decision, Priority

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
RULES = """
format: 1
title: Test rules
groups:
  imaging: {name: 影像组, name_en: Imaging}
fallback: {group: imaging}
rules:
  - name: old people first
    when: [patient.age_years > 80.0]
    then: {priority: urgent}
  - name: films
    when: ['study.modality == "DX"']
    then: {group: imaging, due_minutes: 30, tags: [chest]}
"""


def test_the_view_tells_what_each_rule_gives_and_what_could_not_be_decided() -> None:
    outcome = decide(parse(RULES), {"study.modality": "DX"}, NOW)
    decision = Decision("d", "s", NOW, 1, Priority.ROUTINE, outcome.group, None, NOW, outcome.tags, outcome.because,
                        {})
    age, films, *_ = decision_view(decision, None).because
    assert (age.matched, age.gives, age.conditions[0].why) == (False, {"priority": "urgent"}, "unknown")
    assert (films.matched, films.conditions[0].why) == (True, "")
    assert films.gives == {"group": "imaging", "due_minutes": 30, "tags": ["chest"]}


def test_a_decision_stored_without_them_is_still_shown() -> None:
    because = [{"rule": "all", "matched": True, "conditions": [{"text": "true", "holds": True, "seen": {}}]}]
    decision = Decision("d", "s", NOW, 1, Priority.ROUTINE, "imaging", None, NOW, (), because, {})
    shown = decision_view(decision, None).because[0]
    assert (shown.gives, shown.conditions[0].why) == ({}, "")
