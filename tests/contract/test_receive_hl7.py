"""One HL7 message, many times at once, on both engines: one order, one answer (2.M)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.formats.hl7_answer import AckCode
from gateway.services.ports import Parts
from gateway.services.receive_hl7 import receive_hl7
from gateway.settings import Settings
from storage.model import EVERYWHERE
from storage.model.orders import OrderFilter
from storage.objects.files import FileObjectStore
from tests.support.mllp import SITE, omi
from tests.support.stores import ManualClock, RecordingEvents


@pytest.fixture
async def parts(database, tmp_path):
    await database.write(lambda tx: tx.sites.add_site(SITE))
    return Parts(settings=Settings(data_dir=tmp_path), database=database,
                 objects=FileObjectStore(tmp_path / "objects", reserve_bytes=0), clock=ManualClock(),
                 events=RecordingEvents(), node="node-a")


async def orders(parts):
    return (await parts.database.read(lambda tx: tx.orders.find(OrderFilter(), EVERYWHERE, limit=99)))[0]


async def test_the_same_message_on_twelve_connections_is_one_order_and_one_answer(parts):
    answers = await asyncio.gather(*(receive_hl7(parts, omi().encode(), address="x") for _ in range(12)))
    assert {answer.code for answer in answers} == {AckCode.ACCEPT}
    assert len({answer.data for answer in answers}) == 1
    assert len(await orders(parts)) == 1


async def test_one_order_number_under_many_control_ids_is_taken_once_and_the_others_are_told(parts):
    answers = await asyncio.gather(*(receive_hl7(parts, omi(control_id=f"M{n}").encode(), address="x")
                                     for n in range(12)))
    assert sorted(answer.code for answer in answers) == [AckCode.ACCEPT] + [AckCode.ERROR] * 11
    assert len(await orders(parts)) == 1


async def test_changes_that_come_at_once_are_all_done_one_after_the_other(parts):
    await receive_hl7(parts, omi().encode(), address="x")
    answers = await asyncio.gather(*(receive_hl7(
        parts, omi(control_id=f"X{n}", control="XO", diagnosis=f"{n}").encode(), address="x") for n in range(12)))
    assert {answer.code for answer in answers} == {AckCode.ACCEPT}
    [order] = await orders(parts)
    assert order.revision == 12
