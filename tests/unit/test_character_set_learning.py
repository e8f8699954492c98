"""When the names of a device suggest a rule for it (C4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.core.character_set_learning import NEEDED_NAMES, lesson
from storage.model import CharacterSetNote, Confidence

AT = datetime(2026, 3, 2, tzinfo=UTC)
DECLARED, GUESSED = Confidence.DECLARED, Confidence.GUESSED


def notes(count: int, codec: str = "gb18030", confidence: Confidence = GUESSED) -> list[CharacterSetNote]:
    return [CharacterSetNote(f"{codec}-{confidence}-{n}", "dr", AT, "", codec, confidence) for n in range(count)]


def test_a_device_that_mislabels_steadily_is_to_be_corrected():
    learned = lesson(notes(NEEDED_NAMES), "")
    assert (learned.names, learned.mislabelled, learned.suggestion, learned.share) == (20, 20, "gb18030", 1.0)


@pytest.mark.parametrize("seen", [
    [], notes(NEEDED_NAMES - 1), notes(100, confidence=DECLARED), notes(60) + notes(40, "utf-8"),
    notes(NEEDED_NAMES - 1) + notes(400, confidence=DECLARED)])
def test_little_evidence_right_labels_and_a_mixture_suggest_nothing(seen):
    assert lesson(seen, "").suggestion == ""


def test_one_stray_in_twenty_is_forgiven_and_two_are_not():
    assert lesson(notes(38) + notes(2, "utf-8"), "").suggestion == "gb18030"
    assert lesson(notes(37) + notes(3, "utf-8"), "").suggestion == ""


def test_names_that_are_labelled_right_now_and_then_speak_for_the_rule_too():
    assert lesson(notes(30) + notes(30, confidence=DECLARED), "").suggestion == "gb18030"


@pytest.mark.parametrize("rule", ["gb18030", "GBK", "gb2312"])
def test_nothing_is_suggested_that_is_the_rule_already(rule):
    assert lesson(notes(50), rule).suggestion == ""


def test_a_rule_that_the_names_contradict_is_to_be_corrected():
    assert lesson(notes(50, "utf-8", DECLARED), "gbk").suggestion == "utf-8"
    assert lesson(notes(50), "no such codec").suggestion == "gb18030"
