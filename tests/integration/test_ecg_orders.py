"""An ECG file finds the order it was recorded for, or waits; nobody's ECG is given away (A4–A7, B8)."""

from __future__ import annotations

import pytest

from gateway.core.errors import NotNow
from gateway.services.call_for_ecg import call_for_ecg, end_call, list_open_ecg_orders
from gateway.services.identify_ecg import (
    NamedPatient,
    list_unidentified,
    name_patient,
    say_nobody,
    take_identity_back,
)
from gateway.services.settle_match import list_open_questions, unlink
from gateway.settings import Settings
from storage.model import EVERYWHERE, Scope
from storage.model.orders import LinkEvidence, OrderState
from tests.support.ecg_builders import aecg, dicom_ecg
from tests.support.ecg_orders import (
    BY,
    SITE,
    arrives,
    cart,
    ecg_order,
    local,
    open_clinic,
    order_now,
    silent_aecg,
    study_of,
)
from tests.support.stores import ManualClock, RecordingEvents, open_parts


@pytest.fixture(params=["sqlite", "postgres"])
async def clinic(request, tmp_path):
    url = ""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_server").new_store()
    settings = Settings(data_dir=tmp_path / "data", reserve_bytes=0, node="test-node", database_url=url)
    async with open_parts(tmp_path / "data", settings=settings, clock=ManualClock(),
                          events=RecordingEvents()) as parts:
        await open_clinic(parts)
        yield parts


async def number_of(parts, order):
    shown = await list_open_ecg_orders(parts, EVERYWHERE, limit=50)
    return next(one.pairing.number for one in shown.orders if one.order.id == order.id)


async def unidentified(parts, scope=EVERYWHERE):
    return [one.study.id for one in (await list_unidentified(parts, scope, limit=50))[0]]


async def questions(parts):
    return {q.study.id: {p.order.id: p.pair.reasons for p in q.proposals}
            for q in (await list_open_questions(parts, EVERYWHERE, limit=50))[0]}


async def test_an_ecg_that_names_person_and_time_is_linked_by_the_score(clinic):
    order = await ecg_order(clinic, patient_id="P1", patient_name="演示甲")
    received = await arrives(clinic, aecg())
    order = await order_now(clinic, order)
    assert (order.study_id, order.link_evidence) == (received.study_id, LinkEvidence.SCORE)
    assert order.state is OrderState.PERFORMED        # the ECG is whole: it leaves the worklist
    assert await unidentified(clinic) == []


async def test_a_number_typed_on_the_cart_names_the_order_and_the_patient_is_the_orders(clinic):
    order, other = await ecg_order(clinic), await ecg_order(clinic, patient_id="M-8", patient_name="演示李四")
    number = await number_of(clinic, order)
    assert number != await number_of(clinic, other)
    received = await arrives(clinic, silent_aecg(patient_id=number), device=cart())
    study = await study_of(clinic, received)
    assert (await order_now(clinic, order)).study_id == received.study_id
    assert (study.patient.name.display, study.patient.patient_id, study.patient.sex) == ("演示王小明", "M-7", "M")
    assert (await order_now(clinic, other)).study_id is None
    assert await unidentified(clinic) == []
    assert study.device_id == cart().id


async def test_a_wrong_digit_names_nobody(clinic):
    order = await ecg_order(clinic)
    number = await number_of(clinic, order)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    received = await arrives(clinic, silent_aecg(patient_id=wrong))
    assert (await order_now(clinic, order)).study_id is None
    assert await unidentified(clinic) == [received.study_id]


async def test_a_number_with_the_name_of_somebody_else_asks_a_person(clinic):
    order = await ecg_order(clinic)
    received = await arrives(clinic, aecg(patient_id=await number_of(clinic, order), name="演示赵六", birth=""))
    assert (await order_now(clinic, order)).study_id is None
    assert {"cart-number", "other-name"} <= set((await questions(clinic))[received.study_id][order.id])


async def test_the_next_ecg_of_the_cart_that_records_for_a_person_is_that_persons(clinic):
    order, other = await ecg_order(clinic), await ecg_order(clinic, patient_id="M-8", patient_name="演示李四")
    await call_for_ecg(clinic, BY, order.id, device_id=cart().id)
    at = clinic.clock.advance(120)
    received = await arrives(clinic, silent_aecg(head=local(at)), device=cart())
    assert (await order_now(clinic, order)).study_id == received.study_id
    assert (await study_of(clinic, received)).patient.name.display == "演示王小明"
    second = await arrives(clinic, silent_aecg(head=local(at, minutes=0.5)), device=cart())
    assert (await order_now(clinic, other)).study_id is None
    assert await unidentified(clinic) == [second.study_id]


async def test_what_the_cart_recorded_before_is_not_that_persons(clinic):
    """A cart that sends its memory must not give yesterday's traces to whoever lies there now."""
    order = await ecg_order(clinic)
    clinic.clock.advance(3600)
    await call_for_ecg(clinic, BY, order.id, device_id=cart().id)
    at = clinic.clock.advance(60)
    received = await arrives(clinic, silent_aecg(head=local(at, minutes=-45)), device=cart())
    assert (await order_now(clinic, order)).study_id is None
    assert await unidentified(clinic) == [received.study_id]
    assert order.id in (await questions(clinic))[received.study_id]      # offered, for a person to see


async def test_another_cart_of_the_site_is_not_meant(clinic):
    order = await ecg_order(clinic)
    await call_for_ecg(clinic, BY, order.id, device_id=cart().id)
    received = await arrives(clinic, silent_aecg(head=local(clinic.clock.advance(30))), device=cart(2))
    assert (await order_now(clinic, order)).study_id is None
    assert await questions(clinic) == {}
    assert await unidentified(clinic) == [received.study_id]


async def test_a_call_without_a_cart_is_offered_and_never_linked(clinic):
    order = await ecg_order(clinic)
    await call_for_ecg(clinic, BY, order.id, device_id=None)
    received = await arrives(clinic, silent_aecg(head=local(clinic.clock.advance(30))), device=cart())
    assert (await order_now(clinic, order)).study_id is None
    assert "recording-here" in (await questions(clinic))[received.study_id][order.id]


async def test_an_ecg_that_names_somebody_is_never_given_to_whom_was_called(clinic):
    order = await ecg_order(clinic)
    await call_for_ecg(clinic, BY, order.id, device_id=cart().id)
    await arrives(clinic, aecg(patient_id="X1", name="", birth="", sex="", head=local(clinic.clock.advance(30))),
                  device=cart())
    assert (await order_now(clinic, order)).study_id is None


async def test_two_calls_of_one_cart_within_the_slack_ask_a_person(clinic):
    first, second = await ecg_order(clinic), await ecg_order(clinic, patient_id="M-8", patient_name="演示李四")
    await call_for_ecg(clinic, BY, first.id, device_id=cart().id)
    at = clinic.clock.advance(60)
    await call_for_ecg(clinic, BY, second.id, device_id=cart().id)
    received = await arrives(clinic, silent_aecg(head=local(clinic.clock.advance(30))), device=cart())
    assert at < clinic.clock.now
    assert set((await questions(clinic))[received.study_id]) == {first.id, second.id}


async def test_a_call_that_ended_long_ago_means_nobody(clinic):
    order = await ecg_order(clinic)
    await call_for_ecg(clinic, BY, order.id, device_id=cart().id)
    await end_call(clinic, BY, order.id)
    received = await arrives(clinic, silent_aecg(head=local(clinic.clock.advance(1200))), device=cart())
    assert (await order_now(clinic, order)).study_id is None
    assert await unidentified(clinic) == [received.study_id]


async def test_a_wrong_link_is_taken_back_and_the_ecg_is_nobodys_again(clinic):
    order = await ecg_order(clinic)
    received = await arrives(clinic, silent_aecg(patient_id=await number_of(clinic, order)))
    await unlink(clinic, BY, order.id, "演示:拿错了")
    study = await study_of(clinic, received)
    assert study.patient.name.display == ""
    assert await unidentified(clinic) == [received.study_id]
    assert (await order_now(clinic, order)).state is OrderState.SCHEDULED


async def test_a_person_names_the_patient_and_can_take_that_back(clinic):
    received = await arrives(clinic, silent_aecg())
    await name_patient(clinic, BY, received.study_id, NamedPatient("M-9", "演示钱七", "F"), "演示:电话核实")
    assert (await study_of(clinic, received)).patient.name.display == "演示钱七"
    assert await unidentified(clinic) == []
    with pytest.raises(NotNow):
        await say_nobody(clinic, BY, received.study_id, "x")
    await take_identity_back(clinic, BY, received.study_id, "演示:弄错了")
    assert (await study_of(clinic, received)).patient.name.display == ""
    assert await unidentified(clinic) == [received.study_id]
    await say_nobody(clinic, BY, received.study_id, "演示:试机")
    assert await unidentified(clinic) == []
    entries = await clinic.database.read(lambda tx: [c.entry for c in tx.audit.walk()])
    assert [e.detail["state"] for e in entries if e.action == "ecg.identified"] == ["from_person", "nobody"]


async def test_each_site_sees_its_own_unidentified_and_the_centre_sees_all(clinic):
    await open_clinic(clinic, "machang")
    ours = await arrives(clinic, silent_aecg())
    theirs = await arrives(clinic, silent_aecg(), site_id="machang")
    assert await unidentified(clinic, Scope(frozenset({SITE}))) == [ours.study_id]
    assert set(await unidentified(clinic)) == {ours.study_id, theirs.study_id}


async def test_a_dicom_ecg_without_identity_waits_in_the_same_queue(clinic):
    received = await arrives(clinic, dicom_ecg(name=b"", elements={"PatientID": "", "PatientBirthDate": ""}))
    assert await unidentified(clinic) == [received.study_id]


async def test_the_open_orders_are_those_of_the_site_that_still_want_an_ecg(clinic):
    order = await ecg_order(clinic)
    await ecg_order(clinic, modality="DX", patient_id="M-9")
    shown = await list_open_ecg_orders(clinic, Scope(frozenset({SITE})), limit=50)
    assert [one.order.id for one in shown.orders] == [order.id]
    assert [device.name for device in shown.devices] == ["演示心电图机1", "演示心电图机2"]
    again = await list_open_ecg_orders(clinic, EVERYWHERE, limit=50)
    assert again.orders[0].pairing.number == shown.orders[0].pairing.number
    await arrives(clinic, silent_aecg(patient_id=again.orders[0].pairing.number))
    assert (await list_open_ecg_orders(clinic, EVERYWHERE, limit=50)).orders == []
