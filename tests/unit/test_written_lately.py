"""The memory that keeps refreshing screens out of the audit trail (J2): bounded, and never in the way of an entry."""

from __future__ import annotations

from datetime import timedelta

from gateway.services.written_lately import WrittenLately
from tests.support.stores import START

MINUTE = timedelta(minutes=1)


def test_a_key_counts_as_written_until_its_window_is_over():
    written = WrittenLately(window=10 * MINUTE)
    assert not written.has("a", now=START)
    written.add("a", now=START)
    assert written.has("a", now=START + 10 * MINUTE - timedelta(microseconds=1))
    assert not written.has("a", now=START + 10 * MINUTE)
    assert not written.has("b", now=START)


def test_asking_does_not_prolong_the_window():
    written = WrittenLately(window=10 * MINUTE)
    written.add("a", now=START)
    assert written.has("a", now=START + 9 * MINUTE)
    assert not written.has("a", now=START + 11 * MINUTE)


def test_without_a_window_only_others_push_a_key_out():
    written = WrittenLately(remembered=2)
    for key in ("a", "b", "a", "c"):
        written.add(key, now=START)
    assert [written.has(key, now=START + timedelta(days=400)) for key in "abc"] == [True, False, True]
