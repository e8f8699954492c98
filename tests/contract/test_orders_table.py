"""Orders, HL7 partners and accepted messages, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from storage.model import EVERYWHERE, Scope, new_id
from storage.model.orders import (
    Hl7Exchange,
    Hl7Partner,
    LinkEvidence,
    Order,
    OrderFilter,
    OrderSource,
    OrderState,
)

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
A, B = Scope(frozenset({"a"})), Scope(frozenset({"b"}))


def an_order(site_id: str = "a", **more) -> Order:
    order = Order(
        id=new_id(), site_id=site_id, state=OrderState.SCHEDULED, source=OrderSource.UI, accession_number="ACC",
        study_instance_uid="1.2.3", requested_procedure_id="R", scheduled_step_id="S", patient_id="P1",
        patient_name="演示王小明", name_alphabetic="Wang^Xiaoming", modality="DX", scheduled_at=AT, created_at=AT,
        created_by="u", updated_at=AT)
    return replace(order, **more)


@pytest.fixture
async def put(database):
    async def add(*orders: Order) -> None:
        for order in orders:
            assert await database.write(lambda tx, order=order: tx.orders.add(order))
    return add


async def test_an_order_comes_back_as_it_was_put(database, put):
    full = an_order(birth_date=date(1980, 5, 6), consent_at=AT, consent_is_written=True, expected_count=3,
                    placer_order_number="N^HIS", clinical_diagnosis="咳嗽\n待查", id_card_number="11010519491231002X")
    await put(full, an_order())
    assert await database.read(lambda tx: tx.orders.get(full.id, EVERYWHERE)) == full


async def test_a_site_sees_its_own_orders_alone(database, put):
    mine, theirs = an_order("a"), an_order("b")
    await put(mine, theirs)

    def look(tx):
        return (tx.orders.get(theirs.id, A), tx.orders.find(OrderFilter(), A, limit=9), tx.orders.waiting(A),
                tx.orders.find(OrderFilter(), Scope(frozenset()), limit=9), tx.orders.of_study("x", A))

    assert await database.read(look) == (None, ([mine], 1), [mine], ([], 0), None)


async def test_a_placer_order_number_is_one_order_of_its_site_and_orders_without_one_are_many(database, put):
    await put(an_order(placer_order_number="N"), an_order("b", placer_order_number="N"), an_order(), an_order())
    assert not await database.write(lambda tx: tx.orders.add(an_order(placer_order_number="N")))
    found = await database.read(lambda tx: tx.orders.of_placer("N", "b"))
    assert found is not None
    assert found.site_id == "b"


async def test_of_two_who_change_an_order_one_wins(database, put):
    order = an_order()
    await put(order)
    changed = replace(order, purpose="x")
    assert await database.write(lambda tx: tx.orders.replace(changed))
    assert not await database.write(lambda tx: tx.orders.replace(changed))
    kept = await database.read(lambda tx: tx.orders.get(order.id, EVERYWHERE))
    assert kept == replace(changed, revision=1)


async def test_a_study_finds_its_order_by_uid_or_by_accession_number_with_the_patient_and_never_by_less(database,
                                                                                                       put):
    order = an_order()
    await put(order, an_order("b", study_instance_uid="1.9", accession_number="B1"),
              an_order(study_instance_uid="1.7", accession_number="W", state=OrderState.WITHDRAWN))

    async def found(uid, accession, site, patient=""):
        got = await database.read(lambda tx: tx.orders.for_study(uid, accession, site, patient_id=patient))
        return got.id if got else None

    assert await found("1.2.3", "", "a") == order.id
    assert await found("1.5", "ACC", "a", "P1") == order.id
    assert await found("1.5", "ACC", "a") is None
    assert await found("1.5", "ACC", "a", "P2") is None
    assert await found("1.2.3", "", "b") is None
    assert await found("1.7", "W", "a", "P1") is None
    await put(an_order(study_instance_uid="1.8"))            # the accession number alone no longer says which
    assert await found("1.5", "ACC", "a", "P1") is None


async def test_a_link_and_a_complete_study_move_the_order_on(database, put):
    order = an_order()
    await put(order)
    assert await database.write(lambda tx: tx.orders.link(order, "study-1", LinkEvidence.SCORE, at=AT))
    linked = await database.read(lambda tx: tx.orders.of_study("study-1", EVERYWHERE))
    assert (linked.state, linked.link_evidence) == (OrderState.IN_PROGRESS, LinkEvidence.SCORE)
    assert await database.write(lambda tx: tx.orders.note_performed("study-1", at=AT)) == 1
    assert await database.write(lambda tx: tx.orders.note_performed("study-1", at=AT)) == 0
    assert await database.read(lambda tx: tx.orders.waiting(EVERYWHERE)) == []


async def test_a_list_is_filtered_counted_and_paged(database, put):
    await put(*(an_order(accession_number=f"N{n}", scheduled_at=AT + timedelta(hours=n)) for n in range(5)),
              an_order(modality="CT", patient_id="zz", state=OrderState.WITHDRAWN, accession_number="X"))

    async def numbers(wanted, **page):
        orders, total = await database.read(lambda tx: tx.orders.find(wanted, A, **({"limit": 9} | page)))
        return [order.accession_number for order in orders], total

    assert await numbers(OrderFilter(states=(OrderState.SCHEDULED,))) == (["N4", "N3", "N2", "N1", "N0"], 5)
    assert await numbers(OrderFilter(states=(OrderState.SCHEDULED,)), limit=2, offset=2) == (["N2", "N1"], 5)
    assert await numbers(OrderFilter(modality="CT")) == (["X"], 1)
    assert await numbers(OrderFilter(scheduled_from=AT + timedelta(hours=1),
                                     scheduled_before=AT + timedelta(hours=3))) == (["N2", "N1"], 2)
    assert await numbers(OrderFilter(text="ZZ")) == (["X"], 1)
    assert await numbers(OrderFilter(text="wang^")) == (await numbers(OrderFilter(text="演示王")))
    assert (await numbers(OrderFilter(text="%")))[1] == (await numbers(OrderFilter(text="_")))[1] == 0
    assert (await numbers(OrderFilter(without_study=True)))[1] == 6


async def test_the_worklist_pages_without_gap_or_repeat_at_equal_times(database, put):
    await put(*(an_order(accession_number=f"N{n:02}", station_ae_title=("DR", "", "CT")[n % 3]) for n in range(30)))

    def walk(tx):
        seen, after = [], None
        while page := tx.orders.waiting(A, station_ae_title="DR", after=after, limit=4):
            seen += [order.accession_number for order in page]
            after = page[-1].scheduled_at, page[-1].id
        return seen

    assert sorted(await database.read(walk)) == [f"N{n:02}" for n in range(30) if n % 3 != 2]


async def test_a_partner_with_its_own_application_wins_over_the_one_for_any(database):
    for_all = Hl7Partner("p1", "all", "", "HIS", "a")
    own = Hl7Partner("p2", "own", "RIS", "HIS", "b", "GB18030")
    for partner in (for_all, own):
        assert await database.write(lambda tx, partner=partner: tx.hl7_exchanges.add_partner(partner))
    assert not await database.write(lambda tx: tx.hl7_exchanges.add_partner(replace(own, id="p3")))

    def look(tx):
        return (tx.hl7_exchanges.find_partner("RIS", "HIS"), tx.hl7_exchanges.find_partner("LIS", "HIS"),
                tx.hl7_exchanges.find_partner("RIS", "OTHER"), tx.hl7_exchanges.partners(B))

    assert await database.read(look) == (own, for_all, None, [own])


async def test_an_accepted_message_is_remembered_once_with_its_answer(database):
    exchange = Hl7Exchange("HIS", "a", "M1", AT, "c" * 64, "d" * 64, b"MSH|\xd6\xd0\r")
    assert await database.write(lambda tx: tx.hl7_exchanges.add(exchange))
    assert not await database.write(lambda tx: tx.hl7_exchanges.add(replace(exchange, answer=b"other")))

    def look(tx):
        return (tx.hl7_exchanges.find("HIS", "a", "M1"), tx.hl7_exchanges.find("HIS", "b", "M1"))

    assert await database.read(look) == (exchange, None)


@pytest.mark.parametrize(("changes", "may_be"), [
    ({}, True),
    ({"state": OrderState.IN_PROGRESS}, True),
    ({"scheduled_at": AT - timedelta(days=9)}, False),
    ({"scheduled_at": AT - timedelta(days=9), "study_instance_uid": "1.2.9"}, True),
    ({"scheduled_at": AT - timedelta(days=9), "accession_number": "A9"}, True),
    ({"study_instance_uid": "1.2.9", "site_id": "b"}, False),
    ({"state": OrderState.PERFORMED}, False),
    ({"state": OrderState.WITHDRAWN, "study_instance_uid": "1.2.9"}, False),
    ({"study_id": "another"}, False),
])
async def test_an_open_order_without_a_study_may_be_the_one_of_a_study(database, put, changes, may_be):
    await put(an_order(**changes))

    def look(tx):
        return tx.orders.may_be_of("study-1", "a", study_instance_uid="1.2.9", accession_number="A9",
                                   scheduled_from=AT - timedelta(days=2), scheduled_before=AT + timedelta(days=2))

    assert await database.read(look) is may_be
    await put(an_order(study_id="study-1"))      # it has one already: no other is looked for
    assert await database.read(look) is False
