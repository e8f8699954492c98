"""Who gets a study: least loaded among the able, own prior first, never writer and reviewer in one (D1, F2)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.assignment import PRIOR_MAY_BE_BUSIER, Candidate, Wish, choose, skill_gap, why_unable
from storage.model.rosters import Grade, Presence, ReaderProfile

AT = datetime(2026, 3, 2, tzinfo=UTC)
CT = Wish("CT", "HEAD", "east")
ECG = Wish("ECG", "", "east")


def someone(login: str, **more) -> Candidate:
    plain = Candidate(f"id-{login}", login, f"演示{login}", True, None, None, True, False, 0, False, None)
    return replace(plain, **more)


def can(**more) -> ReaderProfile:
    return ReaderProfile("u", **({"grade": Grade.REVIEW} | more))


def chosen(*candidates, wish=CT) -> str | None:
    found = choose(candidates, wish).user_id
    return None if found is None else found.removeprefix("id-")


def test_the_least_loaded_gets_it():
    assert chosen(someone("a", open_count=3), someone("b", open_count=1), someone("c", open_count=2)) == "b"


def test_of_equally_loaded_readers_it_goes_to_who_waited_longest():
    a = someone("a", last_assigned_at=AT)
    b = someone("b", last_assigned_at=AT - timedelta(minutes=1))
    assert chosen(a, b) == "b"
    assert chosen(a, b, someone("c")) == "c", "nothing was assigned to them yet"
    assert chosen(a, replace(b, last_assigned_at=AT)) == "a", "the login settles what nothing else does"


def test_turns_go_round_when_each_gets_one():
    people = {login: someone(login) for login in "abc"}
    order = []
    for number in range(6):
        login = chosen(*people.values()) or "nobody"
        order.append(login)
        people[login] = replace(people[login], last_assigned_at=AT + timedelta(seconds=number))
    assert order == ["a", "b", "c", "a", "b", "c"]


def test_who_knows_the_patient_is_preferred_unless_much_busier():
    free = someone("free")
    known = someone("known", has_prior=True, open_count=PRIOR_MAY_BE_BUSIER)
    assert chosen(free, known) == "known"
    assert chosen(free, replace(known, open_count=PRIOR_MAY_BE_BUSIER + 1)) == "free"


@pytest.mark.parametrize(("profile", "wish", "gap"), [
    (None, CT, None),
    (can(), CT, None),
    (can(modalities=("CT",)), CT, None),
    (can(modalities=("DX",)), CT, "not-skilled"),
    (can(body_parts=("HEAD",)), CT, None),
    (can(body_parts=("CHEST",)), CT, "not-skilled"),
    (can(body_parts=("CHEST",)), replace(CT, body_part=""), None),
    (can(modalities=("CT",)), ECG, None),
    (can(reads_ecg=False), ECG, "not-skilled"),
    (can(reads_ecg=False), CT, None),
    (can(site_ids=("west",)), CT, "other-site"),
    (can(site_ids=("west", "east")), CT, None),
    (can(grade=Grade.WRITE), CT, None),
    (can(grade=Grade.WRITE), replace(CT, is_review=True), "not-reviewer-grade"),
])
def test_a_profile_says_what_its_reader_can_read(profile, wish, gap):
    assert skill_gap(profile, wish) == gap


@pytest.mark.parametrize(("more", "word"), [
    ({"has_role": False}, "no-role"),
    ({"is_on_leave": True}, "on-leave"),
    ({"presence": Presence.AWAY}, "away"),
    ({"presence": Presence.OFF}, "off"),
    ({"is_on_duty": False}, "off-duty"),
    ({"is_on_duty": False, "presence": Presence.PRESENT}, None),
    ({"profile": can(max_open=2), "open_count": 1}, None),
    ({"profile": can(max_open=2), "open_count": 2}, "full"),
])
def test_only_who_is_able_and_there_gets_anything(more, word):
    one = someone("a", **more)
    assert why_unable(one, CT) == word
    assert chosen(one) == (None if word else "a")


def test_nobody_reviews_what_they_wrote():
    wish = replace(CT, is_review=True, not_user_ids=frozenset({"id-a"}))
    assert chosen(someone("a"), someone("b", open_count=9), wish=wish) == "b"
    assert chosen(someone("a"), wish=wish) is None


def test_the_reasons_name_everybody_who_was_looked_at_the_chosen_first():
    [entry] = choose([someone("a", open_count=4), someone("b", presence=Presence.OFF), someone("c")], CT).entries
    assert (entry["rule"], entry["matched"], entry["gives"]) == ("assign", True, {"reader": "c"})
    assert [c["text"] for c in entry["conditions"]] == ["c: chosen", "a: able", "b: off"]
    assert [c["holds"] for c in entry["conditions"]] == [True, True, False]
    assert entry["conditions"][1]["seen"] == {"open": 4, "on_duty": True}
    [none] = choose([], CT).entries
    assert (none["matched"], none["gives"], none["conditions"]) == (False, {}, [])


def test_the_choice_does_not_depend_on_the_order_and_is_never_somebody_unable():
    seeded = random.Random(20260302)
    for _ in range(500):
        people = [someone(
            f"r{n}", has_role=seeded.random() < 0.9, open_count=seeded.randrange(6), has_prior=seeded.random() < 0.2,
            is_on_duty=seeded.random() < 0.7, is_on_leave=seeded.random() < 0.1,
            presence=seeded.choice([None, *Presence]), profile=seeded.choice([None, can(max_open=3), can(
                modalities=("DX",))]), last_assigned_at=seeded.choice([None, AT, AT + timedelta(seconds=n)]))
            for n in range(seeded.randrange(9))]
        wish = Wish("CT", "", "east", seeded.random() < 0.5, frozenset({"id-r0"}))
        first = choose(people, wish)
        seeded.shuffle(people)
        assert choose(people, wish) == first
        able = [p for p in people if why_unable(p, wish) is None]
        assert (first.user_id in [p.user_id for p in able]) if able else first.user_id is None
