"""Readings as workitems, on both engines: following, claiming, asking, completing, subscribing (D3, D5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.core.errors import GatewayError
from gateway.core.workitem_query import key_of
from gateway.core.workitem_record import value
from gateway.core.workitems import FILTERED_SUBSCRIPTION, GLOBAL_SUBSCRIPTION, Refused, Status
from gateway.services.activate_rules import ensure_rules
from gateway.services.claim_reading import claim_reading, give_back_expired, release_reading
from gateway.services.ports import Parts
from gateway.services.route_study import route_study
from gateway.services.workitems.change_workitem import change_state, request_cancel, update_workitem
from gateway.services.workitems.create_workitem import create_workitem
from gateway.services.workitems.find_workitems import find_some, retrieve
from gateway.services.workitems.follow_readings import follow_all
from gateway.services.workitems.subscribe import subscribe, suspend, unsubscribe
from gateway.services.workitems.tell_subscriber import take_events, were_told
from gateway.settings import Settings
from storage.model import EVERYWHERE, Job, Priority, ReadingState, Role
from storage.objects.files import FileObjectStore
from tests.support.routing_builders import add_instance, add_study, add_user, site, user
from tests.support.stores import ManualClock, RecordingEvents
from tests.support.workitems import creation, elsewhere, machine, performed

WHO = machine("east")
LOCK = "1.2.3.999"


@pytest.fixture
async def parts(database, tmp_path):
    opened = Parts(settings=Settings(data_dir=tmp_path), database=database,
                   objects=FileObjectStore(tmp_path / "objects", reserve_bytes=0), clock=ManualClock(),
                   events=RecordingEvents(), node="node-a")
    await ensure_rules(opened)
    for site_id in ("east", "west"):
        await database.write(partial(_add_site, site_id))
    return opened


def _add_site(site_id, tx):
    tx.sites.add_site(site(site_id))


@pytest.fixture
async def study(parts):
    return await add_study(parts)


@pytest.fixture
async def reading(parts, study):
    routed = await route_study(parts, study.id)
    await follow_all(parts)
    return routed


async def items_of(parts, reading):
    """Our offers in the order in which one took the other's place, then requests."""
    found = await parts.database.read(lambda tx: tx.workitems.of_reading(reading.id))
    by_former = {item.replaces: item for item in found if not item.is_request}
    line, last = [], by_former.get("")
    while last is not None:
        line.append(last)
        last = by_former.get(last.uid)
    return [*line, *(item for item in found if item.is_request)]


async def stored(parts, reading):
    return await parts.database.read(lambda tx: tx.readings.get(reading.id, EVERYWHERE))


async def claimed(parts, reading, who=WHO):
    [item] = await items_of(parts, reading)
    await change_state(parts, who, item.uid, wanted="IN PROGRESS", transaction_uid=LOCK)
    return item.uid


async def refused(status, work):
    with pytest.raises(Refused) as caught:
        await work
    assert caught.value.status == status, caught.value


async def told(parts, ae_title):
    waiting = await take_events(parts, ae_title)
    assert waiting is not None
    await were_told(parts, [event.id for event in waiting.events])
    return [(int(event.kind), event.information.get("00741000", {}).get("Value", [""])[0])
            for event in waiting.events]


async def test_every_reading_is_a_workitem_and_a_person_who_claims_it_moves_it(parts, reading):
    [item] = await items_of(parts, reading)
    assert item.state == "SCHEDULED"
    reader = await add_user(parts, user("demo-reader", Role.READER))
    await claim_reading(parts, reader, reading.id)
    record = await retrieve(parts, WHO, item.uid)
    assert record["00741000"]["Value"] == ["IN PROGRESS"]
    assert "00081195" not in record
    await release_reading(parts, reader, reading.id)
    await follow_all(parts)
    first, second = await items_of(parts, reading)
    assert (first.state, first.is_current) == ("CANCELED", False)
    assert (second.state, second.replaces) == ("SCHEDULED", first.uid)
    assert len({first.uid, second.uid}) == 2


async def test_another_site_sees_nothing_of_it(parts, reading):
    [item] = await items_of(parts, reading)
    stranger = elsewhere(WHO, "west")
    await refused(Status.UNKNOWN, retrieve(parts, stranger, item.uid))
    await refused(Status.UNKNOWN, change_state(parts, stranger, item.uid, wanted="IN PROGRESS", transaction_uid=LOCK))
    await refused(Status.UNKNOWN, subscribe(parts, stranger, item.uid, "WATCHER", has_lock=False))
    assert await find_some(parts, stranger, [], offset=0, limit=10, base_url="") == ([], False)
    await refused(Status.INVALID_VALUE, create_workitem(parts, stranger, "1.2.3.77", creation("1.2.3.1")))


async def test_a_claim_from_outside_locks_the_reading_and_its_key_opens_it(parts, reading):
    uid = await claimed(parts, reading)
    held = await stored(parts, reading)
    assert (held.state, held.claimed_by) == (ReadingState.IN_PROGRESS, "system:READER1")
    reader = await add_user(parts, user("demo-reader", Role.READER))
    with pytest.raises(GatewayError) as caught:
        await claim_reading(parts, reader, reading.id)
    assert caught.value.reason == "claimed-by-another"
    await refused(Status.ALREADY_IN_PROGRESS, change_state(parts, WHO, uid, wanted="IN PROGRESS",
                                                           transaction_uid=LOCK))
    await refused(Status.WRONG_TRANSACTION_UID, update_workitem(parts, WHO, uid, {}, transaction_uid="1.2.3.4"))
    await refused(Status.FINAL_NEEDS_NOT_MET, change_state(parts, WHO, uid, wanted="COMPLETED", transaction_uid=LOCK))


async def test_a_system_that_may_not_perform_claims_nothing(parts, reading):
    [item] = await items_of(parts, reading)
    await refused(Status.NOT_AUTHORIZED, change_state(parts, machine("east", is_performer=False), item.uid,
                                                      wanted="IN PROGRESS", transaction_uid=LOCK))
    assert (await stored(parts, reading)).state is ReadingState.UNREAD


async def test_completing_needs_an_object_that_is_here_and_takes_the_reading_off_our_list(parts, study, reading):
    uid = await claimed(parts, reading)
    [there] = await parts.database.read(lambda tx: tx.studies.instances_of(study.id, EVERYWHERE))

    async def say(sop_instance_uid):
        await update_workitem(parts, WHO, uid, {"00741216": performed(study.study_instance_uid, sop_instance_uid)},
                              transaction_uid=LOCK)

    await say("1.9.9.9")
    await refused(Status.FINAL_NEEDS_NOT_MET, change_state(parts, WHO, uid, wanted="COMPLETED", transaction_uid=LOCK))
    await say(there.sop_instance_uid)
    done = await change_state(parts, WHO, uid, wanted="COMPLETED", transaction_uid=LOCK)
    assert (done.status, done.item.state) == (Status.SUCCESS, "COMPLETED")
    after = await stored(parts, reading)
    assert (after.state, after.claimed_by, after.reason) == (ReadingState.READ_ELSEWHERE, None, "READER1")
    again = await change_state(parts, WHO, uid, wanted="COMPLETED", transaction_uid=LOCK)
    assert again.status is Status.ALREADY_COMPLETED
    await refused(Status.NO_LONGER_UPDATED, change_state(parts, WHO, uid, wanted="CANCELED", transaction_uid=LOCK))
    await refused(Status.NO_LONGER_UPDATED, update_workitem(parts, WHO, uid, {}, transaction_uid=LOCK))
    record = await retrieve(parts, WHO, uid)
    assert there.sop_instance_uid in str(record["00741216"])


async def test_a_reader_here_may_still_read_what_was_read_elsewhere(parts, study, reading):
    await test_completing_needs_an_object_that_is_here_and_takes_the_reading_off_our_list(parts, study, reading)
    reader = await add_user(parts, user("demo-reader", Role.READER))
    assert (await claim_reading(parts, reader, reading.id)).state is ReadingState.IN_PROGRESS
    await follow_all(parts)
    first, second = await items_of(parts, reading)
    assert {(first.state.value, first.is_current), (second.state.value, second.is_current)} == {
        ("COMPLETED", False), ("IN PROGRESS", True)}


async def test_giving_up_puts_the_reading_back_under_a_new_workitem(parts, reading):
    uid = await claimed(parts, reading)
    done = await change_state(parts, WHO, uid, wanted="CANCELED", transaction_uid=LOCK)
    assert done.item.attributes["00741002"]["Value"][0]["0074100E"]["Value"]
    assert (await stored(parts, reading)).state is ReadingState.UNREAD
    by_state = {item.state.value: item for item in await items_of(parts, reading)}
    assert by_state["CANCELED"].uid == uid
    assert by_state["SCHEDULED"].replaces == uid


async def test_a_claim_without_updates_runs_out_and_updates_keep_it(parts, reading):
    uid = await claimed(parts, reading)
    minutes = parts.settings.outside_claim_minutes
    job = Job(1, "k", "release_claim", reading.id, parts.clock(), 1, "")
    parts.clock.advance(60 * (minutes - 1))
    await update_workitem(parts, WHO, uid, {"00741002": value("SQ", {"00741004": value("DS", 50)})},
                          transaction_uid=LOCK)
    assert (await stored(parts, reading)).lock_until == parts.clock() + timedelta(minutes=minutes)
    parts.clock.advance(60 * minutes + 1)
    await give_back_expired(parts, job)
    await refused(Status.NO_LONGER_UPDATED, update_workitem(parts, WHO, uid, {}, transaction_uid=LOCK))
    assert (await stored(parts, reading)).state is ReadingState.UNREAD


async def test_a_request_for_a_study_that_is_here_becomes_its_order_and_its_urgency(parts, study, reading):
    sent = creation(study.study_instance_uid, **{"00741200": value("CS", "HIGH")})
    made = await create_workitem(parts, WHO, "1.2.3.77", sent)
    assert (made.status, made.item.reading_id) == (Status.SUCCESS, reading.id)
    order, urgency = await parts.database.read(lambda tx: (
        tx.orders.of_study(study.id, EVERYWHERE), tx.studies.get(study.id, EVERYWHERE).urgency))
    assert (order.purpose, order.urgency, order.created_by, urgency) == ("请排除气胸", "urgent", WHO.actor, "urgent")
    await route_study(parts, study.id)
    assert (await stored(parts, reading)).priority is Priority.URGENT
    await refused(Status.DUPLICATE, create_workitem(parts, WHO, "1.2.3.77", sent))
    await refused(Status.INVALID_VALUE, create_workitem(parts, WHO, "1.2.3.78", creation("1.2.3.404")))
    record = await retrieve(parts, WHO, "1.2.3.77")
    assert record["00741200"]["Value"] == ["HIGH"]
    assert record["00741204"]["Value"] == ["演示请求"]
    assert record["00100020"]["Value"] == [study.patient.patient_id], "whose it is comes from the study alone"


async def test_a_request_before_routing_waits_and_follows_the_reading_once_it_is_there(parts, study):
    await create_workitem(parts, WHO, "1.2.3.77", creation(study.study_instance_uid))
    await refused(Status.NOT_AUTHORIZED, change_state(parts, WHO, "1.2.3.77", wanted="IN PROGRESS",
                                                      transaction_uid=LOCK))
    routed = await route_study(parts, study.id)
    reader = await add_user(parts, user("demo-reader", Role.READER))
    await claim_reading(parts, reader, routed.id)
    await follow_all(parts)
    assert {item.state for item in await items_of(parts, routed)} == {"IN PROGRESS"}
    await release_reading(parts, reader, routed.id)
    await follow_all(parts)
    assert sorted((item.state.value, item.is_request) for item in await items_of(parts, routed)) == [
        ("CANCELED", False), ("IN PROGRESS", True), ("SCHEDULED", False)]


async def test_who_asked_may_take_it_back_and_nobody_else(parts, study, reading):
    await create_workitem(parts, WHO, "1.2.3.77", creation(study.study_instance_uid))
    [offer] = [item for item in await items_of(parts, reading) if not item.is_request]
    await refused(Status.PERFORMER_DECLINES, request_cancel(parts, WHO, offer.uid, {}))
    await refused(Status.PERFORMER_DECLINES, request_cancel(parts, machine("east", name="OTHER"), "1.2.3.77", {}))
    done = await request_cancel(parts, WHO, "1.2.3.77", {"00741238": value("LT", "演示撤回")})
    assert (done.item.state, done.status) == ("CANCELED", Status.SUCCESS)
    assert (await request_cancel(parts, WHO, "1.2.3.77", {})).status is Status.ALREADY_CANCELED
    assert (await stored(parts, reading)).state is ReadingState.UNREAD, "the images stay on our list"


async def test_asking_to_cancel_what_is_being_read_tells_the_performer_and_an_administrator(parts, reading):
    uid = await claimed(parts, reading)
    await subscribe(parts, WHO, uid, "READER1", has_lock=False)
    await told(parts, "READER1")
    await request_cancel(parts, machine("east", name="CLINIC"), uid, {"00741238": value("LT", "演示重拍")})
    waiting = await take_events(parts, "READER1")
    assert waiting is not None
    [event] = waiting.events
    assert (int(event.kind), event.information["00741236"]["Value"]) == (2, ["CLINIC"])
    alarms = await parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))
    assert [alarm.kind for alarm in alarms] == ["workitem-cancel-requested"]


async def test_a_reader_and_many_systems_race_for_one_reading_and_exactly_one_wins(parts, reading):
    [item] = await items_of(parts, reading)
    readers = [await add_user(parts, user(f"demo-{n}", Role.READER)) for n in range(10)]

    async def person(one):
        await claim_reading(parts, one, reading.id)
        return one.id

    async def system(n):
        await change_state(parts, machine("east", name=f"S{n}"), item.uid, wanted="IN PROGRESS",
                           transaction_uid=f"1.2.3.{n}")
        return f"system:S{n}"

    done = await asyncio.gather(*(person(one) for one in readers), *(system(n) for n in range(10)),
                                return_exceptions=True)
    winners = [one for one in done if isinstance(one, str)]
    assert len(winners) == 1
    assert all(isinstance(one, GatewayError) for one in done if not isinstance(one, str)), done
    assert {one.status for one in done if isinstance(one, Refused)} <= {
        Status.ALREADY_IN_PROGRESS, Status.WRONG_TRANSACTION_UID}
    assert (await stored(parts, reading)).claimed_by == winners[0]


async def test_subscribers_hear_of_what_they_follow_and_of_nothing_else(parts, study, reading):
    [item] = await items_of(parts, reading)
    other = machine("west", name="OTHER")
    seen = await route_study(parts, (await add_study(parts, site_id="west")).id)
    await follow_all(parts)
    [theirs] = await items_of(parts, seen)
    await subscribe(parts, WHO, item.uid, "ONE", has_lock=False)
    await subscribe(parts, WHO, GLOBAL_SUBSCRIPTION, "ALL", has_lock=False)
    await subscribe(parts, WHO, GLOBAL_SUBSCRIPTION, "LOCKED", has_lock=True)
    await subscribe(parts, WHO, FILTERED_SUBSCRIPTION, "HIGH", has_lock=False,
                    keys=[key_of(["00741200"], "CS", "HIGH")])
    await subscribe(parts, machine("west", name="WESTERN"), GLOBAL_SUBSCRIPTION, "WEST", has_lock=True)
    await refused(Status.NOT_AUTHORIZED, subscribe(parts, other, theirs.uid, "ALL", has_lock=False))
    await refused(Status.INVALID_VALUE, subscribe(parts, WHO, FILTERED_SUBSCRIPTION, "NONE", has_lock=False))
    heard = {name: await told(parts, name) for name in ("ONE", "ALL", "LOCKED", "HIGH", "WEST")}
    assert heard == {"ONE": [(1, "SCHEDULED")], "ALL": [], "LOCKED": [(1, "SCHEDULED")], "HIGH": [],
                     "WEST": [(1, "SCHEDULED")]}
    await change_state(parts, WHO, item.uid, wanted="IN PROGRESS", transaction_uid=LOCK)
    await update_workitem(parts, WHO, item.uid, {"00741002": value("SQ", {"00741004": value("DS", 50)})},
                          transaction_uid=LOCK)
    heard = {name: await told(parts, name) for name in ("ONE", "ALL", "LOCKED", "HIGH", "WEST")}
    news = [(1, "IN PROGRESS"), (3, "")]
    assert heard == {"ONE": news, "ALL": news, "LOCKED": news, "HIGH": [], "WEST": []}
    await suspend(parts, WHO, GLOBAL_SUBSCRIPTION, "ALL")
    await create_workitem(parts, WHO, "1.2.3.77", creation(study.study_instance_uid))
    assert await told(parts, "ALL") == []
    assert await told(parts, "LOCKED") == [(1, "SCHEDULED"), (1, "IN PROGRESS")]
    await unsubscribe(parts, WHO, GLOBAL_SUBSCRIPTION, "LOCKED")
    await change_state(parts, WHO, item.uid, wanted="CANCELED", transaction_uid=LOCK)
    assert await told(parts, "LOCKED") == []
    assert await told(parts, "ALL") == [(1, "CANCELED")]


async def test_a_search_pages_matches_and_is_the_same_after_a_restart(parts):
    for _ in range(7):
        await route_study(parts, (await add_study(parts)).id)
    await route_study(parts, (await add_study(parts, modality="CT")).id)
    every, more = await find_some(parts, WHO, [], offset=0, limit=5, base_url="")
    rest, no_more = await find_some(parts, WHO, [], offset=5, limit=5, base_url="")
    uids = [record["00080018"]["Value"][0] for record in [*every, *rest]]
    assert (len(every), more, len(rest), no_more) == (5, True, 3, False)
    assert len(set(uids)) == 8
    found, _ = await find_some(parts, WHO, [key_of(["00741204"], "LO", "CT*"),
                                            key_of(["00741000"], "CS", "SCHEDULED")], offset=0, limit=5, base_url="")
    assert len(found) == 1


async def test_the_list_names_the_system_that_holds_a_reading(parts, reading):
    await claimed(parts, reading)
    line = await parts.database.read(lambda tx: tx.worklists.reading(reading.id, EVERYWHERE))
    assert (line.reading.claimed_by, line.claimed_by_name) == ("system:READER1", "READER1")


async def test_a_reading_that_another_process_moved_is_told_by_this_one(parts, database, request):
    """Two programs over one PostgreSQL; on SQLite there is one, and it does both."""
    study = await add_study(parts)
    reading = await route_study(parts, study.id)
    await follow_all(parts)
    [item] = await items_of(parts, reading)
    await subscribe(parts, WHO, item.uid, "ONE", has_lock=False)
    await told(parts, "ONE")
    other = database
    if "postgres" in request.node.callspec.id:
        from storage.engines.postgres import PostgresDatabase
        address = database._engine.url.render_as_string(hide_password=False)
        other = PostgresDatabase(address, node="node-b", prepare=lambda connection: None)
    far = replace(parts, database=other, node="node-b")
    reader = await add_user(far, user("demo-reader", Role.READER))
    await claim_reading(far, reader, reading.id)
    done = await asyncio.gather(*(follow_all(one) for one in (parts, far, parts, far)))
    assert sum(done) == 1, "each move is dealt with once"
    assert await told(parts, "ONE") == [(1, "IN PROGRESS")]
    if other is not database:
        await other.close()


async def test_images_that_came_after_another_system_was_done_open_the_reading_again(parts, study, reading):
    """B9: what the system itself stored as its output does not, whenever it is routed."""
    await test_completing_needs_an_object_that_is_here_and_takes_the_reading_off_our_list(parts, study, reading)
    done = await stored(parts, reading)
    await parts.database.write(lambda tx: tx.readings.replace(replace(done, late_instances=1)))
    await follow_all(parts)
    assert (await stored(parts, reading)).state is ReadingState.READ_ELSEWHERE
    parts.clock.advance(60)

    def one_more(tx):
        add_instance(tx, study, tx.studies.series_of(study.id, EVERYWHERE)[0], at=parts.clock())
        current = tx.readings.get(reading.id, EVERYWHERE)
        tx.readings.replace(replace(current, late_instances=2))

    await parts.database.write(one_more)
    await follow_all(parts)
    assert (await stored(parts, reading)).state is ReadingState.UNREAD
    first, second = await items_of(parts, reading)
    assert (first.state, second.state, second.replaces) == ("COMPLETED", "SCHEDULED", first.uid)
