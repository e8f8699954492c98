"""What is believed for a moment, and not a moment longer."""

from __future__ import annotations

from datetime import timedelta

from gateway.services.short_memory import BELIEVED_FOR, ShortMemory
from tests.support.stores import START


def test_a_value_is_believed_for_a_second_after_it_was_looked_up():
    memory: ShortMemory[str] = ShortMemory(places=2)
    memory.put("a", "known", looked_up=START)
    assert memory.get("a", now=START) == "known"
    assert memory.get("a", now=START + BELIEVED_FOR - timedelta(microseconds=1)) == "known"
    assert memory.get("a", now=START + BELIEVED_FOR) is None


def test_asking_does_not_prolong_it():
    memory: ShortMemory[str] = ShortMemory(places=2)
    memory.put("a", "known", looked_up=START)
    half = BELIEVED_FOR * 0.6
    assert memory.get("a", now=START + half) == "known"
    assert memory.get("a", now=START + 2 * half) is None


def test_a_clock_that_was_set_back_makes_nothing_last():
    memory: ShortMemory[str] = ShortMemory(places=2)
    memory.put("a", "known", looked_up=START)
    assert memory.get("a", now=START - timedelta(hours=1)) is None


def test_its_places_are_few():
    memory: ShortMemory[int] = ShortMemory(places=2)
    for number in range(3):
        memory.put(number, number, looked_up=START)
    assert [memory.get(number, now=START) for number in range(3)] == [None, 1, 2]
