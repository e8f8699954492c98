"""Skills, presence, rosters, swaps, days off and agreements, on both engines (A2, D1)."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

from storage.model import EVERYWHERE, Priority, ReadingState, Scope
from storage.model.rosters import (
    EntryKind,
    Grade,
    Holiday,
    HolidayKind,
    Presence,
    ReaderPresence,
    ReaderProfile,
    RosterEntry,
    SiteAgreement,
    Swap,
    SwapState,
)
from tests.support.report_builders import a_reading, a_study

AT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(name, *, user="u1", group="imaging", start=0.0, hours=8.0, kind=EntryKind.DUTY):
    return RosterEntry(name, kind, group, user, AT + HOUR * start, AT + HOUR * (start + hours), "备注", "boss", AT)


async def test_a_profile_comes_back_as_it_was_and_can_be_replaced_and_dropped(database):
    first = ReaderProfile("u1", Grade.WRITE, ("CT", "MR"), ("CHEST",), False, ("east",), 5, "centre", "boss", AT)
    second = ReaderProfile("u1", Grade.REVIEW)

    def work(tx):
        tx.rosters.put_profile(first)
        assert tx.rosters.profile("u1") == first
        tx.rosters.put_profile(second)
        assert tx.rosters.profiles() == {"u1": second}
        assert tx.rosters.profiles(["nobody"]) == {}
        assert tx.rosters.drop_profile("u1")
        assert not tx.rosters.drop_profile("u1")
        assert tx.rosters.profile("u1") is None

    await database.write(work)


async def test_presence_is_what_was_said_last(database):
    def work(tx):
        tx.rosters.put_presence(ReaderPresence("u1", Presence.PRESENT, AT))
        tx.rosters.put_presence(ReaderPresence("u1", Presence.AWAY, AT + HOUR))
        assert tx.rosters.presence(["u1", "u2"]) == {"u1": ReaderPresence("u1", Presence.AWAY, AT + HOUR)}
        tx.users.add_session("t", "u1", at=AT, expires_at=AT + HOUR, address="")
        assert tx.rosters.logged_in(["u1", "u2"], now=AT) == {"u1"}
        assert tx.rosters.logged_in(["u1", "u2"], now=AT + HOUR) == frozenset()

    await database.write(work)


async def test_work_in_hand_is_what_one_holds_or_was_assigned_and_nobody_holds(database):
    def add(tx, name, state, *, assigned=None, claimed=None):
        reading = dataclasses.replace(a_reading(a_study(study_id=name), state=state, priority=Priority.ROUTINE),
                                      assigned_to=assigned, claimed_by=claimed)
        tx.readings.add(reading)
        return reading.id

    def work(tx):
        held = add(tx, "a", ReadingState.IN_PROGRESS, assigned="u2", claimed="u1")
        assigned = add(tx, "b", ReadingState.UNREAD, assigned="u1")
        add(tx, "c", ReadingState.FINAL, assigned="u1")
        add(tx, "d", ReadingState.UNREAD)
        tx.rosters.note_turn("u2", at=AT)
        tx.rosters.note_turn("u2", at=AT + HOUR)
        found = tx.rosters.open_work(["u1", "u2"])
        assert [(found[u].count, found[u].last_assigned_at) for u in ("u1", "u2")] == [(2, None), (0, AT + HOUR)]
        assert [reading.id for reading in tx.rosters.readings_in_hand("u1")] == [held, assigned]
        assert tx.rosters.readings_in_hand("u2") == []

    await database.write(work)


async def test_a_roster_is_found_by_the_time_that_it_touches(database):
    def work(tx):
        early, late = entry("e1"), entry("e2", user="u2", start=8, hours=16)
        away = entry("e3", user="u1", group="", start=4, hours=2, kind=EntryKind.LEAVE)
        for one in (early, late, away):
            tx.rosters.add_entry(one)
        names = [one.id for one in tx.rosters.entries(AT, AT + HOUR * 9)]
        assert names == ["e1", "e3", "e2"]
        assert [one.id for one in tx.rosters.entries(AT + HOUR * 8, AT + HOUR * 9)] == ["e2"], "an end is exclusive"
        assert [one.id for one in tx.rosters.entries(AT, AT + HOUR * 9, user_id="u1")] == ["e1", "e3"]
        assert [one.id for one in tx.rosters.entries_at(AT + HOUR * 5)] == ["e1", "e3"]
        assert tx.rosters.entry("e1") == early
        moved = dataclasses.replace(early, user_id="u3")
        assert tx.rosters.replace_entry(moved)
        assert not tx.rosters.replace_entry(moved), "of two who change it at once one wins"
        assert tx.rosters.entry("e1") == dataclasses.replace(moved, revision=1)
        assert tx.rosters.drop_entry("e1")
        assert tx.rosters.entry("e1") is None

    await database.write(work)


async def test_a_swap_moves_only_from_the_state_in_which_it_was_seen(database):
    def work(tx):
        asked = Swap("s1", "e1", "imaging", "u1", "u2", SwapState.ASKED, "有事", AT)
        tx.rosters.add_swap(asked)
        assert tx.rosters.open_swaps_of("e1") == [asked]
        agreed = dataclasses.replace(asked, state=SwapState.AGREED, answered_at=AT + HOUR)
        assert tx.rosters.replace_swap(agreed, was=SwapState.ASKED)
        assert not tx.rosters.replace_swap(agreed, was=SwapState.ASKED)
        done = dataclasses.replace(agreed, state=SwapState.DONE, decided_by="head", decided_at=AT + HOUR)
        assert tx.rosters.replace_swap(done, was=SwapState.AGREED)
        assert tx.rosters.swap("s1") == done
        assert tx.rosters.swaps(asked_since=AT) == [done]
        assert tx.rosters.swaps(asked_since=AT + HOUR) == []
        assert tx.rosters.open_swaps_of("e1") == []

    await database.write(work)


async def test_days_off_are_data_of_the_alliance(database):
    day = date(2026, 8, 1)

    def work(tx):
        tx.rosters.put_holiday(Holiday(day, HolidayKind.HOLIDAY, "县庆", "County day"))
        tx.rosters.put_holiday(Holiday(day, HolidayKind.WORKDAY, "调休"))
        assert tx.rosters.holidays(day, day) == [Holiday(day, HolidayKind.WORKDAY, "调休")]
        assert tx.rosters.holidays(date(2026, 8, 2), date(2026, 9, 1)) == []
        assert tx.rosters.drop_holiday(day)
        assert not tx.rosters.drop_holiday(day)

    await database.write(work)


async def test_an_agreement_is_seen_by_the_two_sites_that_made_it(database):
    made = SiteAgreement("a1", "east", "centre", "协〔2026〕3号", date(2026, 1, 1), date(2026, 12, 31), "", "boss",
                         AT)

    def work(tx):
        tx.rosters.add_agreement(made)
        for site in ("east", "centre"):
            assert tx.rosters.agreements(Scope(frozenset({site}))) == [made]
        assert tx.rosters.agreements(Scope(frozenset({"west"}))) == []
        assert tx.rosters.agreements(EVERYWHERE) == [made]
        assert list(tx.rosters.agreements_of("east")) == [made]
        assert list(tx.rosters.agreements_of("centre")) == []
        ended = dataclasses.replace(made, valid_until=date(2026, 6, 30))
        assert tx.rosters.replace_agreement(ended)
        assert not tx.rosters.replace_agreement(ended)
        assert tx.rosters.agreement("a1") == dataclasses.replace(ended, revision=1)

    await database.write(work)
    assert [made.covers(d) for d in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))] == [
        False, True, True, False]
