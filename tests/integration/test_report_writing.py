"""From the first letter to the signature: locks, revisions, two persons, versions (F2, F3, F5, F7, F9, K5)."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from pydicom import dcmread

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.reports.signing.signer import SigningFailed
from gateway.services.acknowledge import acknowledge_delivery, open_report
from gateway.services.claim_reading import claim_reading
from gateway.services.sign_report import prepare_signing, sign_report
from gateway.services.write_report import reject_report, save_draft, submit_report
from storage.model import (
    EVERYWHERE,
    DeliveryState,
    Destination,
    DestinationKind,
    Priority,
    ReadingState,
    ReportState,
    ReportText,
)
from tests.support.ecg_builders import aecg
from tests.support.report_builders import CLINIC, REVIEWER, SITE, STRANGER, WRITER, a_text, furnish
from tests.support.report_tools import dicom_complaints, signature_report, squeezed, words_of
from tests.support.web import PASSWORD, password_hash

NODE = Destination("node-1", SITE.id, DestinationKind.DICOM, "演示羊场PACS", "CLINIC", "127.0.0.1", 11113)


@pytest.fixture
async def room(parts):
    return await furnish(parts, password_hash=password_hash())


async def write(parts, room, *, user=WRITER, text=None, revision=0):
    return await save_draft(parts, user, room.reading.id, text or a_text(), template_id="T1", revision=revision)


async def submitted(parts, room):
    await write(parts, room)
    await submit_report(parts, WRITER, room.reading.id)
    await claim_reading(parts, REVIEWER, room.reading.id)


async def sign(parts, room, user, *, is_emergency=False, password=PASSWORD):
    sheet = await prepare_signing(parts, user, room.reading.id)
    return await sign_report(parts, user, room.reading.id, password=password, text_sha256=sheet.text_sha256,
                             is_emergency=is_emergency, address="10.0.0.5")


async def state_of(parts, room):
    return (await parts.database.read(lambda tx: tx.readings.get(room.reading.id, EVERYWHERE))).state


async def versions(parts, room):
    return await parts.database.read(lambda tx: tx.reports.versions(room.reading.id, EVERYWHERE))


async def deliveries(parts, room):
    return await parts.database.read(lambda tx: tx.deliveries.of_study(room.study.id, EVERYWHERE))


async def story(parts, room):
    chain = await parts.database.read(lambda tx: tx.audit.of_study(room.study.id, EVERYWHERE))
    return [(chained.entry.action, chained.entry.actor) for chained in chain]


# --------------------------------------------------------------------------------------------------------- writing
async def test_a_save_keeps_the_words_and_extends_the_lock(parts, room, clock):
    first = await write(parts, room)
    assert (first.version, first.state, first.revision) == (1, ReportState.DRAFT, 1)
    assert first.read_from == (room.instance.object_sha256,)
    clock.advance(600)
    second = await write(parts, room, text=replace(a_text(), impression="右侧气胸。"), revision=1)
    assert (second.id, second.revision, second.text.impression) == (first.id, 2, "右侧气胸。")
    reading = await parts.database.read(lambda tx: tx.readings.get(room.reading.id, EVERYWHERE))
    assert (reading.lock_until - clock()).total_seconds() == parts.settings.claim_minutes * 60
    assert (await versions(parts, room)) == [second]


@pytest.mark.parametrize("revision", [0, 2, 7])
async def test_a_save_from_another_window_is_refused(parts, room, revision):
    await write(parts, room)
    with pytest.raises(NotNow) as refused:
        await write(parts, room, revision=revision)
    assert refused.value.reason == "revision"


async def test_only_who_holds_the_reading_writes(parts, room):
    with pytest.raises(NotNow) as refused:
        await write(parts, room, user=REVIEWER)
    assert refused.value.reason == "not-holder"
    with pytest.raises(NotFound):
        await write(parts, room, user=CLINIC)


async def test_what_cannot_be_seen_is_not_kept(parts, room):
    text = ReportText("a\r\nb\rc\td", "零\u200b宽\x00字", "e\u0301\ufeff")
    kept = (await write(parts, room, text=text)).text
    assert (kept.technique, kept.findings, kept.impression) == ("a\nb\nc d", "零宽字", "é")


async def test_a_report_without_end_and_a_template_that_is_not_there_are_refused(parts, room):
    with pytest.raises(InvalidRequest):
        await write(parts, room, text=replace(a_text(), findings="长" * 20_001))
    with pytest.raises(InvalidRequest):
        await save_draft(parts, WRITER, room.reading.id, a_text(), template_id="T99", revision=0)


async def test_an_empty_report_is_not_handed_to_review(parts, room):
    for text in (None, ReportText("方法", " ", "")):
        if text:
            await write(parts, room, text=text)
        with pytest.raises(InvalidRequest) as refused:
            await submit_report(parts, WRITER, room.reading.id)
        assert refused.value.reason == "nothing-written"
    assert await state_of(parts, room) is ReadingState.IN_PROGRESS


async def test_the_reviewer_gives_it_back_with_a_reason_and_the_writer_goes_on_in_the_same_version(parts, room):
    await submitted(parts, room)
    with pytest.raises(InvalidRequest):
        await reject_report(parts, REVIEWER, room.reading.id, "  ")
    await reject_report(parts, REVIEWER, room.reading.id, "请写压缩百分比")
    reading = await claim_reading(parts, WRITER, room.reading.id)
    assert reading.reason == "请写压缩百分比"
    [report] = await versions(parts, room)
    assert report.state is ReportState.DRAFT
    again = await write(parts, room, revision=report.revision)
    assert (again.id, again.version) == (report.id, 1)


# --------------------------------------------------------------------------------------------------------- signing
async def test_two_persons_sign_and_everything_that_leaves_says_the_same_words(parts, room, tmp_path):
    await submitted(parts, room)
    report = await sign(parts, room, REVIEWER)
    assert (report.state, report.version, report.writer_id, report.reviewer_id, report.signed_by) == (
        ReportState.FINAL, 1, WRITER.id, REVIEWER.id, REVIEWER.id)
    assert await state_of(parts, room) is ReadingState.FINAL
    assert await versions(parts, room) == [replace(report, revision=report.revision + 1)]

    pdf, dicom = parts.objects.get(report.pdf_sha256), parts.objects.get(report.dicom_sha256)
    words = words_of(pdf, tmp_path)
    for said in (a_text().findings, a_text().impression, report.text_sha256, "演示阅片医师主治医师",
                 "演示审核医师副主任医师", "正式报告", "测试证书,无法律效力", "演示申请医师"):
        assert squeezed(said) in words
    assert "Signature is Valid" in signature_report(pdf, tmp_path)
    assert dicom_complaints(dicom, tmp_path) == []
    data = dcmread(BytesIO(dicom))
    assert data.EncapsulatedDocument[:data.EncapsulatedDocumentLength] == pdf
    assert data.SOPInstanceUID == report.sop_instance_uid
    promised = await parts.database.read(lambda tx: [tx.objects.has(report.pdf_sha256),
                                                     tx.objects.has(report.dicom_sha256)])
    assert promised == [True, True]


async def test_what_is_shown_is_what_is_signed(parts, room):
    await submitted(parts, room)
    shown = await prepare_signing(parts, REVIEWER, room.reading.id)
    assert a_text().impression in shown.text
    assert "演示审核医师" in shown.text
    for other in ("", "0" * 64, shown.text_sha256.upper()):
        with pytest.raises(NotNow) as refused:
            await sign_report(parts, REVIEWER, room.reading.id, password=PASSWORD, text_sha256=other)
        assert refused.value.reason == "text-changed"
    assert await deliveries(parts, room) == []


async def test_an_image_that_comes_between_showing_and_signing_stops_the_signature(parts, room):
    await submitted(parts, room)
    shown = await prepare_signing(parts, REVIEWER, room.reading.id)
    late = replace(room.instance, id="late", sop_instance_uid="1.2.3.4", object_sha256="cd" * 32)
    await parts.database.write(lambda tx: tx.studies.add_instance(late))
    with pytest.raises(NotNow) as refused:
        await sign_report(parts, REVIEWER, room.reading.id, password=PASSWORD, text_sha256=shown.text_sha256)
    assert refused.value.reason == "text-changed"
    assert "late-images" in {check.code for check in
                             (await prepare_signing(parts, REVIEWER, room.reading.id)).checks}


async def test_the_password_is_asked_again_and_wrong_ones_lock_the_account(parts, room):
    await submitted(parts, room)
    for _ in range(parts.settings.failed_logins_allowed):
        with pytest.raises(NotAllowed) as refused:
            await sign(parts, room, REVIEWER, password="wrong-password")
        assert refused.value.reason == "bad-password"
    with pytest.raises(NotAllowed) as refused:
        await sign(parts, room, REVIEWER)
    assert refused.value.reason == "locked"
    assert await state_of(parts, room) is ReadingState.IN_REVIEW


async def test_a_writer_never_reviews_the_own_report(parts, room):
    """F2, even with both roles."""
    await write(parts, room)
    await submit_report(parts, WRITER, room.reading.id)
    both = replace(WRITER, grants=(*WRITER.grants, *REVIEWER.grants))
    with pytest.raises(NotNow) as refused:
        await claim_reading(parts, both, room.reading.id)
    assert refused.value.reason == "own-report"
    with pytest.raises(NotNow):
        await prepare_signing(parts, both, room.reading.id)


async def test_an_open_placeholder_cannot_be_signed(parts, room):
    await write(parts, room, text=replace(a_text(), findings="右侧气胸,心胸比约【0.】。"))
    await submit_report(parts, WRITER, room.reading.id)
    await claim_reading(parts, REVIEWER, room.reading.id)
    shown = await prepare_signing(parts, REVIEWER, room.reading.id)
    assert [check.code for check in shown.checks if check.is_blocking] == ["placeholder"]
    with pytest.raises(InvalidRequest) as refused:
        await sign(parts, room, REVIEWER)
    assert refused.value.reason == "checks-failed"
    assert "【0.】" in str(refused.value)


async def test_a_second_signature_at_the_same_time_signs_nothing_more(parts, room):
    await submitted(parts, room)
    shown = await prepare_signing(parts, REVIEWER, room.reading.id)
    await sign(parts, room, REVIEWER)
    with pytest.raises((NotNow, InvalidRequest)):
        await sign_report(parts, REVIEWER, room.reading.id, password=PASSWORD, text_sha256=shown.text_sha256)
    assert len(await versions(parts, room)) == 1
    assert len(await deliveries(parts, room)) == 1


# -------------------------------------------------------------------------------------------- emergency and versions
async def test_an_emergency_goes_out_with_one_signature_and_its_review_replaces_it(parts, room, tmp_path, clock):
    await parts.database.write(lambda tx: tx.sites.add_destination(NODE))
    await write(parts, room)
    preliminary = await sign(parts, room, WRITER, is_emergency=True)
    assert (preliminary.state, preliminary.reviewer_id) == (ReportState.PRELIMINARY, None)
    assert await state_of(parts, room) is ReadingState.AWAITING_REVIEW
    assert squeezed("急诊临时报告") in words_of(parts.objects.get(preliminary.pdf_sha256), tmp_path)
    out = {delivery.kind: delivery.state for delivery in await deliveries(parts, room)}
    assert out == {DestinationKind.CLINIC_PAGE: DeliveryState.ACCEPTED, DestinationKind.DICOM: DeliveryState.QUEUED}

    clock.advance(300)
    await claim_reading(parts, REVIEWER, room.reading.id)
    final = await sign(parts, room, REVIEWER)
    assert (final.state, final.version, final.writer_id) == (ReportState.FINAL, 2, WRITER.id)
    assert final.written_at == preliminary.written_at
    assert final.sop_instance_uid != preliminary.sop_instance_uid
    assert [report.state for report in await versions(parts, room)] == [ReportState.REPLACED, ReportState.FINAL]
    states = {(delivery.report_id, delivery.kind): delivery.state for delivery in await deliveries(parts, room)}
    assert states == {
        (preliminary.id, DestinationKind.CLINIC_PAGE): DeliveryState.CALLED_BACK,
        (preliminary.id, DestinationKind.DICOM): DeliveryState.CALLED_BACK,
        (final.id, DestinationKind.CLINIC_PAGE): DeliveryState.ACCEPTED,
        (final.id, DestinationKind.DICOM): DeliveryState.QUEUED}
    due = await parts.database.read(lambda tx: tx.jobs.counts())
    assert due.get("ready") == 1, "the job of the called-back delivery is gone"


async def test_the_reviewer_may_mend_a_preliminary_before_signing_it(parts, room):
    await write(parts, room)
    await sign(parts, room, WRITER, is_emergency=True)
    await claim_reading(parts, REVIEWER, room.reading.id)
    mended = await write(parts, room, user=REVIEWER, text=replace(a_text(), impression="右侧气胸,右肺受压约65%。"))
    assert (mended.version, mended.writer_id) == (2, WRITER.id)
    final = await sign(parts, room, REVIEWER)
    assert (final.id, final.version, final.text.impression) == (mended.id, 2, "右侧气胸,右肺受压约65%。")


async def test_a_rejected_preliminary_stays_out_until_the_next_version(parts, room):
    await write(parts, room)
    await sign(parts, room, WRITER, is_emergency=True)
    await claim_reading(parts, REVIEWER, room.reading.id)
    await reject_report(parts, REVIEWER, room.reading.id, "请重测压缩比")
    await claim_reading(parts, WRITER, room.reading.id)
    assert [report.state for report in await versions(parts, room)] == [ReportState.PRELIMINARY]
    with pytest.raises(InvalidRequest) as refused:
        await sign(parts, room, WRITER, is_emergency=True)
    assert refused.value.reason == "nothing-written"
    await write(parts, room, text=replace(a_text(), impression="右侧气胸,右肺受压约65%。"))
    second = await sign(parts, room, WRITER, is_emergency=True)
    assert second.version == 2
    assert [report.state for report in await versions(parts, room)] == [ReportState.REPLACED, ReportState.PRELIMINARY]


async def test_only_an_emergency_goes_out_with_one_signature(parts):
    room = await furnish(parts, priority=Priority.ROUTINE, password_hash=password_hash())
    await write(parts, room)
    with pytest.raises(NotNow) as refused:
        await prepare_signing(parts, WRITER, room.reading.id)
    assert refused.value.reason == "not-emergency"


async def test_a_review_cannot_be_passed_off_as_an_emergency_nor_the_other_way(parts, room):
    await write(parts, room)
    with pytest.raises(NotNow):
        await sign(parts, room, WRITER)
    await submit_report(parts, WRITER, room.reading.id)
    await claim_reading(parts, REVIEWER, room.reading.id)
    with pytest.raises(NotNow):
        await sign(parts, room, REVIEWER, is_emergency=True)


# ------------------------------------------------------------------------------------------- at the clinic, the story
async def test_sent_opened_and_acknowledged_are_different_times_and_the_trail_tells_the_story(parts, room, clock):
    """G5, F5."""
    await submitted(parts, room)
    report = await sign(parts, room, REVIEWER)
    signed_at = clock()
    opened_at = clock.advance(60)
    _, pdf = await open_report(parts, CLINIC, report.id, address="10.1.0.9")
    assert pdf == parts.objects.get(report.pdf_sha256)
    received_at = clock.advance(60)
    [delivery] = await deliveries(parts, room)
    assert delivery.state is DeliveryState.OPENED
    received = await acknowledge_delivery(parts, CLINIC, delivery.id, address="10.1.0.9")
    assert (received.accepted_at, received.opened_at, received.acknowledged_at, received.acknowledged_by) == (
        signed_at, opened_at, received_at, CLINIC.id)
    clock.advance(60)
    assert await acknowledge_delivery(parts, CLINIC, delivery.id, address="10.1.0.9") == received
    assert await story(parts, room) == [
        ("report.submitted", WRITER.id), ("reading.claimed", REVIEWER.id), ("report.signed", REVIEWER.id),
        ("delivery.accepted", "gateway"), ("report.opened", CLINIC.id), ("report.acknowledged", CLINIC.id)]


async def test_a_reader_who_opens_a_report_does_not_count_as_the_clinic(parts, room):
    await submitted(parts, room)
    report = await sign(parts, room, REVIEWER)
    await open_report(parts, REVIEWER, report.id, address="")
    assert (await deliveries(parts, room))[0].state is DeliveryState.ACCEPTED


async def test_a_called_back_report_cannot_be_acknowledged_and_the_new_one_must_be(parts, room):
    await write(parts, room)
    first = await sign(parts, room, WRITER, is_emergency=True)
    [old] = await deliveries(parts, room)
    await acknowledge_delivery(parts, CLINIC, old.id, address="")
    await claim_reading(parts, REVIEWER, room.reading.id)
    final = await sign(parts, room, REVIEWER)
    with pytest.raises(NotNow) as refused:
        await acknowledge_delivery(parts, CLINIC, old.id, address="")
    assert refused.value.reason == "called-back"
    by_report = {delivery.report_id: delivery for delivery in await deliveries(parts, room)}
    assert by_report[first.id].acknowledged_by == CLINIC.id
    assert by_report[final.id].state is DeliveryState.ACCEPTED


async def test_a_clinic_sees_no_draft_and_no_other_site_sees_anything(parts, room, tmp_path):
    """K5 and promise 5: unsigned text never looks like a report."""
    draft = await write(parts, room)
    with pytest.raises(NotFound):
        await open_report(parts, CLINIC, draft.id, address="")
    _, pdf = await open_report(parts, WRITER, draft.id, address="")
    assert "草稿" in words_of(pdf, tmp_path)
    await submit_report(parts, WRITER, room.reading.id)
    await claim_reading(parts, REVIEWER, room.reading.id)
    report = await sign(parts, room, REVIEWER)
    [delivery] = await deliveries(parts, room)
    with pytest.raises(NotFound):
        await open_report(parts, STRANGER, report.id, address="")
    for user in (STRANGER, REVIEWER):
        with pytest.raises(NotFound):
            await acknowledge_delivery(parts, user, delivery.id, address="")


async def test_when_the_signature_cannot_be_made_nothing_is_signed(parts, room):
    await submitted(parts, room)
    folder = parts.settings.data_dir / "signing"
    folder.mkdir()
    (folder / "ca_key.pem").write_bytes(b"broken by a bad copy")
    with pytest.raises(SigningFailed):
        await sign(parts, room, REVIEWER)
    assert await state_of(parts, room) is ReadingState.IN_REVIEW
    assert [report.state for report in await versions(parts, room)] == [ReportState.SUBMITTED]
    assert await deliveries(parts, room) == []


async def test_each_person_has_one_key_of_their_own(parts, room):
    await write(parts, room)
    await sign(parts, room, WRITER, is_emergency=True)
    await claim_reading(parts, REVIEWER, room.reading.id)
    await sign(parts, room, REVIEWER)
    keys = await parts.database.read(lambda tx: [tx.users.signing_key(user.id) for user in (WRITER, REVIEWER)])
    assert None not in keys
    assert keys[0] != keys[1]




async def test_an_ecg_report_carries_its_trace_and_one_that_cannot_be_decoded_goes_without(parts, tmp_path):
    for study_id, waveform, is_drawn in (("ecg-1", aecg(), True), ("ecg-2", b"no ecg at all", False)):
        room = await furnish(parts, modality="ECG", study_id=study_id, password_hash=password_hash(),
                             waveform=waveform)
        text = ReportText("12导联同步。", "窦性P波,规律出现。", "窦性心律。")
        await save_draft(parts, WRITER, room.reading.id, text, template_id="T6", revision=0)
        report = await sign(parts, room, WRITER, is_emergency=True)
        words = words_of(parts.objects.get(report.pdf_sha256), tmp_path)
        assert ("心电图波形" in words) is is_drawn
        assert "窦性心律。" in words
