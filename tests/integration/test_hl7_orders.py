"""Orders by HL7 v2 over MLLP, on real sockets and storage (A3, C6, 2.M)."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest

from gateway.services.administer_partners import add_partner, change_partner
from gateway.services.administer_sites import By
from storage.model import EVERYWHERE, ArrivalVia
from storage.model.orders import Hl7Partner, OrderSource, OrderState
from tests.support.mllp import OTHER_SITE, SITE, code_of, errors_of, listening, omi, orm

BY = By("test", "", EVERYWHERE)


@pytest.fixture
async def centre(tmp_path):
    async with listening(tmp_path / "data") as opened:
        yield opened


async def test_an_imaging_order_becomes_an_order_with_all_that_it_says(centre):
    answer = await centre.send(omi())
    assert (code_of(answer), str(answer.segment("MSA")[2])) == ("AA", "M1")
    assert str(answer.segment("MSH")[9]) == "ACK^O23^ACK"
    assert errors_of(answer) == []
    [order] = await centre.orders()
    assert (order.site_id, order.source, order.state) == (SITE.id, OrderSource.HL7, OrderState.SCHEDULED)
    assert (order.patient_id, order.patient_name, order.name_alphabetic) == ("P1", "演示王小明", "Yan^Shiwang")
    assert (order.sex, order.birth_date, order.visit_number) == ("M", date(1980, 5, 6), "M001")
    assert (order.placer_order_number, order.accession_number) == ("ORD1^HIS", "ACC1")
    assert (order.study_instance_uid, order.requested_procedure_id, order.scheduled_step_id) == (
        "1.2.3.4", "RP1", "SPS1")
    assert (order.modality, order.station_ae_title) == ("DX", "MODALITY")
    assert (order.procedure_code, order.procedure_description) == ("XR1", "胸部正位")
    assert (order.clinical_diagnosis, order.purpose) == ("咳嗽3天", "排除肺炎")
    assert (order.requesting_physician, order.department, order.urgency) == ("张开单", "内科", "urgent")
    assert order.scheduled_at == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)      # 11:00 in Asia/Shanghai


async def test_a_general_order_of_v2_3_1_with_zds_is_understood_too(centre):
    answer = await centre.send(orm(), encoding="latin-1")
    assert code_of(answer) == "AA"
    [order] = await centre.orders()
    assert (order.patient_name, order.sex, order.id_card_number) == ("Müller^Jörg", "F", "11010519491231002X")
    assert (order.accession_number, order.study_instance_uid) == ("A9", "1.2.9.9")
    assert (order.modality, order.body_part, order.urgency) == ("CT", "HEAD", "emergency")
    assert (order.requesting_physician, order.clinical_diagnosis) == ("Smith Ann", "Fall")
    assert "id-card-other-birth-date" in str(answer)                         # A6: a remark, not a refusal


@pytest.mark.parametrize(("declared", "encoding"), [
    ("UNICODE UTF-8", "utf-8"), ("GB 18030-2000", "gb18030"), ("GB18030-2000", "gb18030"), ("GBK", "gbk"),
    ("UNICODE UTF-8~GB 18030-2000", "utf-8"), ("", "utf-8")])
async def test_the_text_is_read_as_msh_18_says_and_answered_in_it(centre, declared, encoding):
    name = "演示玘乗^^^^^^L^I"                # whose second bytes in GBK are 0x5E and 0x5C (C3)
    answer = await centre.send(omi(character_set=declared, name=name), encoding=encoding)
    assert code_of(answer) == "AA"
    assert (await centre.orders())[0].patient_name == "演示玘乗"
    assert str(answer.segment("MSH")).split("|")[17:] == ([declared.split("~")[0]] if declared else [])


async def test_without_msh_18_the_partner_s_own_character_set_counts(centre):
    await add_partner(centre.parts, Hl7Partner("p1", "演示HIS", "HIS", "GBHIS", SITE.id, "GB18030"), BY)
    answer = await centre.send(omi(character_set="", facility="GBHIS"), encoding="gb18030")
    assert code_of(answer) == "AA"
    [order] = await centre.orders()
    assert (order.patient_name, order.site_id) == ("演示王小明", SITE.id)


async def test_bytes_that_do_not_fit_are_refused_not_guessed_and_lie_in_quarantine(centre):
    answer = await centre.send(omi(character_set="UNICODE UTF-8"), encoding="gb18030")
    assert code_of(answer) == "AE"
    assert errors_of(answer) == [("MSH^1^18", "102", "E")]
    assert await centre.orders() == []
    [kept] = await centre.quarantine()
    assert (kept.reason, kept.via, kept.site_id) == ("hl7-undecodable", ArrivalVia.HL7, SITE.id)
    assert centre.parts.objects.get(kept.object_sha256) == omi().encode("gb18030")


async def test_an_unknown_character_set_is_refused_by_name(centre):
    answer = await centre.send(omi(character_set="EBCDIC"))
    assert (code_of(answer), errors_of(answer)) == ("AR", [("MSH^1^18", "103", "E")])


async def test_escapes_are_resolved(centre):
    await centre.send(omi(diagnosis=r"A\F\B\S\C\T\D\R\E\E\F\X41\G C:\dir\.br\next"))
    [order] = await centre.orders()
    assert order.clinical_diagnosis == "A|B^C&D~E\\FAG C:\\dir\nnext"


async def test_line_feeds_are_tolerated_and_said(centre):
    for control_id, end in (("L1", "\n"), ("L2", "\r\n")):
        answer = await centre.send(omi(control_id=control_id, placer=control_id).replace("\r", end))
        assert code_of(answer) == "AA"
        assert [severity for _, _, severity in errors_of(answer)] == ["W"]
        assert "line feed" in str(answer)
    assert len(await centre.orders()) == 2


async def test_a_repeated_control_id_gets_the_same_answer_and_has_no_second_effect_also_after_a_restart(tmp_path):
    async with listening(tmp_path / "data") as centre:
        first = str(await centre.send(omi()))
        centre.clock.advance(60)
        assert str(await centre.send(omi())) == first
        assert str(await centre.send(omi(sent_at="20260302090500"))) == first     # only MSH-7 is new
        before = await centre.parts.database.read(lambda tx: tx.audit.head())
    async with listening(tmp_path / "data", is_empty=False) as centre:
        assert str(await centre.send(omi())) == first
        assert len(await centre.orders()) == 1
        assert await centre.parts.database.read(lambda tx: tx.audit.head()) == before


async def test_the_same_control_id_with_another_content_is_refused_and_kept(centre):
    await centre.send(omi())
    answer = await centre.send(omi(placer="ORD2"))
    assert (code_of(answer), errors_of(answer)) == ("AE", [("MSH^1^10", "205", "E")])
    assert len(await centre.orders()) == 1
    assert [kept.reason for kept in await centre.quarantine()] == ["hl7-control-id"]


async def test_two_connections_with_the_same_message_make_one_order_and_get_one_answer(centre):
    answers = await asyncio.gather(*(centre.send(omi()) for _ in range(8)))
    assert len({str(answer) for answer in answers}) == 1
    assert code_of(answers[0]) == "AA"
    assert len(await centre.orders()) == 1


async def test_a_change_replaces_what_it_names_and_keeps_the_rest(centre):
    await centre.send(omi())
    changed = omi(control_id="M2", control="XO", diagnosis="发热", time="", sex='""', accession="", study_uid="")
    assert code_of(await centre.send(changed)) == "AA"
    [order] = await centre.orders()
    assert (order.clinical_diagnosis, order.sex, order.accession_number) == ("发热", "", "ACC1")
    assert order.scheduled_at == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert order.study_instance_uid == "1.2.3.4"


async def test_a_cancel_withdraws_with_its_reason(centre):
    await centre.send(omi())
    assert code_of(await centre.send(omi(control_id="M2", control="CA", reason="1^病人离开"))) == "AA"
    [order] = await centre.orders()
    assert (order.state, order.withdrawn_reason) == (OrderState.WITHDRAWN, "病人离开")
    late = await centre.send(omi(control_id="M3", control="XO"))
    assert (code_of(late), errors_of(late)) == ("AE", [("ORC^1^2", "206", "E")])


@pytest.mark.parametrize(("message", "code", "place", "fault"), [
    (omi(control="XO"), "AE", "ORC^1^2", "204"), (omi(control="CA"), "AE", "ORC^1^2", "204"),
    (omi(control="ZZ"), "AE", "ORC^1^1", "103"), (omi(modality=""), "AE", "IPC^1^5", "101"),
    (omi(patient="").replace("M001", ""), "AE", "PID^1^3", "101"), (omi(name=""), "AE", "PID^1^5", "101"),
    (omi(birth="19801350"), "AE", "PID^1^7", "102"), (omi(time="tomorrow"), "AE", "TQ1^1^7", "102"),
    (omi(accession="A" * 17), "AE", "ORC^1^2", "102"), (omi(study_uid="1..2"), "AE", "ORC^1^2", "102"),
    (omi(kind="ADT^A01"), "AR", "MSH^1^9", "200"), (omi(kind="OMI^O99"), "AR", "MSH^1^9", "201"),
    (omi(version="3.0"), "AR", "MSH^1^12", "203"), (omi(processing="T"), "AR", "MSH^1^11", "202"),
    (omi(control_id=""), "AE", "MSH^1^10", "101"), (omi(facility="nobody"), "AR", "MSH^1^4", "103"),
    (omi().replace("ORC|", "ZZZ|"), "AE", "ORC^1", "100"), (omi().replace("PID|", "ZID|"), "AE", "PID^1", "100"),
])
async def test_what_cannot_be_done_is_answered_with_its_place_and_kept_with_a_reason(centre, message, code, place,
                                                                                     fault):
    answer = await centre.send(message)
    assert (code_of(answer), errors_of(answer)) == (code, [(place, fault, "E")])
    assert await centre.orders() == []
    [kept] = await centre.quarantine()
    assert kept.reason.startswith("hl7-")
    assert centre.parts.objects.get(kept.object_sha256) == message.encode()
    assert await centre.alarm_kinds() == ["hl7-refused"]


async def test_before_v2_5_a_fault_is_told_in_the_older_form(centre):
    answer = await centre.send(orm(control="XO"), encoding="latin-1")
    assert code_of(answer) == "AE"
    assert str(answer.segment("ERR")[1]) == "ORC^1^2^204&There is no order of this number.&HL70357"


async def test_a_new_order_under_a_number_that_is_taken_is_refused(centre):
    await centre.send(omi())
    answer = await centre.send(omi(control_id="M2"))
    assert (code_of(answer), errors_of(answer)) == ("AE", [("ORC^1^2", "205", "E")])


async def test_of_a_message_with_one_faulty_order_nothing_is_done(centre):
    good = omi()
    second = omi(placer="ORD2", modality="", accession="ACC2", study_uid="1.2.5")
    both = good + "\r".join(second.split("\r")[3:])
    answer = await centre.send(both)
    assert (code_of(answer), errors_of(answer)) == ("AE", [("IPC^2^5", "101", "E")])
    assert await centre.orders() == []
    fixed = both.replace("|1.2.5|SPS1||", "|1.2.5|SPS1|CT|").replace("|M1|", "|M9|")
    assert code_of(await centre.send(fixed)) == "AA"
    assert sorted(order.modality for order in await centre.orders()) == ["CT", "DX"]


async def test_an_unknown_sender_is_kept_once_and_passes_once_it_is_registered(centre):
    for _ in range(3):
        assert code_of(await centre.send(omi(facility="NEWHIS"))) == "AR"
    assert [kept.reason for kept in await centre.quarantine()] == ["hl7-unknown-partner"]
    assert await centre.alarm_kinds() == ["hl7-refused"]
    partner = await add_partner(centre.parts, Hl7Partner("p1", "演示HIS", "", "NEWHIS", OTHER_SITE.id), BY)
    assert code_of(await centre.send(omi(facility="NEWHIS"))) == "AA"
    assert [order.site_id for order in await centre.orders()] == [OTHER_SITE.id]
    await change_partner(centre.parts, Hl7Partner(partner.id, "演示HIS", "", "NEWHIS", OTHER_SITE.id,
                                                  is_enabled=False), BY)
    assert code_of(await centre.send(omi(facility="NEWHIS", control_id="M2", placer="ORD2"))) == "AR"


async def test_a_partner_of_one_site_cannot_touch_the_orders_of_another(centre):
    await centre.send(omi())
    answer = await centre.send(omi(facility=OTHER_SITE.id, control="CA", control_id="M2"))
    assert (code_of(answer), errors_of(answer)) == ("AE", [("ORC^1^2", "204", "E")])
    [order] = await centre.orders()
    assert order.state is OrderState.SCHEDULED


async def test_an_answer_is_never_answered(centre):
    async with centre.peer() as peer:
        peer.write(b"\x0b" + omi(kind="ACK^O23^ACK", control_id="X").encode() + b"\x1c\r")
        answer = await peer.send(omi())
        assert str(answer.segment("MSA")[2]) == "M1"


async def test_the_trail_tells_who_placed_changed_and_withdrew(centre):
    await centre.send(omi())
    await centre.send(omi(control_id="M2", control="XO", diagnosis="发热"))
    await centre.send(omi(control_id="M3", control="CA"))
    await centre.send(omi(control_id="M4", control="XO"))
    entries = [c.entry for c in await centre.parts.database.read(lambda tx: tx.audit.recent(EVERYWHERE))]
    told = [(e.action, e.actor, e.is_success) for e in reversed(entries) if e.actor.startswith("hl7:")]
    who = f"hl7:HIS|{SITE.id}"
    assert told == [("order.placed", who, True), ("order.amended", who, True), ("order.withdrawn", who, True),
                    ("hl7.refused", who, False)]
