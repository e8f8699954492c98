"""Files that nobody can read are kept, bound to a patient, and read as soon as an adapter or a release can (B8)."""

from __future__ import annotations

import sys
import textwrap

import pytest

from gateway.core.errors import InvalidRequest, NotNow, Unreadable
from gateway.formats.added_formats import GROUP, added_formats
from gateway.services.job_runner import JobRunner
from gateway.services.keep_unread_ecg import (
    HANDLERS,
    JOB,
    attach,
    detach,
    known_formats,
    list_unread,
    read_again,
    schedule_reading,
)
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender, keep_quarantined
from gateway.services.show_ecg import EcgShelf
from storage.model import EVERYWHERE, ArrivalVia, InstanceFormat, QuarantineFilter
from storage.model.ecg_intake import UnreadEcg
from storage.model.orders import LinkEvidence
from tests.support.ecg_builders import aecg, known_samples, sha256_nanovolts
from tests.support.ecg_intake import unread_file
from tests.support.ecg_orders import BY, SITE, ecg_order, open_clinic, order_now, silent_aecg
from tests.support.hl7_results import small_pdf
from tests.support.waiting import until

MAKERS_FILE = b"DEMO-MAKER\x00" + silent_aecg()
ADAPTER = '''
    """Reads files of a demo maker: a mark, then an aECG."""
    from gateway.core.errors import Unreadable
    from gateway.formats import hl7_aecg
    from gateway.formats.ecg_format import EcgFormat
    import dataclasses

    MARK = b"DEMO-MAKER\\x00"

    def read(data, *, time_zone):
        if len(data) < 100:
            raise KeyError("header")
        return dataclasses.replace(hl7_aecg.read(data[len(MARK):], time_zone=time_zone), format="demo_maker")

    FORMAT = EcgFormat("demo_maker", lambda data: data.startswith(MARK), read)
    NO_FORMAT = "nothing"
'''


@pytest.fixture
async def clinic(parts):
    await open_clinic(parts)
    return parts


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with an entry point beside the gateway, as pip would."""
    def now(value: str = "demo_maker_ecg:FORMAT"):
        place = tmp_path / "site-packages"
        info = place / "demo_maker_ecg-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (place / "demo_maker_ecg.py").write_text(textwrap.dedent(ADAPTER))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-maker-ecg\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\ndemo_maker = {value}\n")
        monkeypatch.syspath_prepend(str(place))
        added_formats.cache_clear()

    yield now
    added_formats.cache_clear()
    sys.modules.pop("demo_maker_ecg", None)


@pytest.fixture(autouse=True)
def no_adapters_left():
    yield
    added_formats.cache_clear()


async def waiting(parts, state="waiting"):
    return (await list_unread(parts, EVERYWHERE, state, limit=50))[0]


async def test_it_is_listed_with_its_reason_size_device_and_first_bytes(clinic):
    await unread_file(clinic, SITE, b"\x00\x01Mindray" * 30, file_name="a.dat")
    (file,) = await waiting(clinic)
    assert (file.arrival.reason, file.arrival.size_bytes, file.is_pdf) == ("unknown-format", 270, False)
    assert file.first_bytes.startswith(b"\x00\x01Mindray")
    assert len(file.first_bytes) == 64


async def test_sent_again_and_again_it_lies_there_once(clinic):
    for _ in range(3):
        await unread_file(clinic, SITE, b"\x00\x01Mindray" * 30)
    assert len(await waiting(clinic)) == 1


async def test_bound_to_an_order_it_waits_for_a_release_that_reads_it(clinic):
    order, arrival_id = await ecg_order(clinic), await unread_file(clinic, SITE, MAKERS_FILE)
    await attach(clinic, BY, arrival_id, order_id=order.id, study_id=None, reason="演示:机器上核对")
    assert await waiting(clinic) == []
    (kept,) = await waiting(clinic, "kept")
    assert (kept.patient_name, kept.unread.result, kept.unread.tried_with) == (
        "演示王小明", "unknown-format", known_formats())
    assert clinic.objects.get(kept.arrival.object_sha256) == MAKERS_FILE
    open_ones = await clinic.database.read(
        lambda tx: tx.quarantine.arrivals(EVERYWHERE, QuarantineFilter(False, "", "", "")))
    assert open_ones == []
    assert not await read_again(clinic, BY, arrival_id)


async def test_an_installed_adapter_reads_it_by_itself_at_the_next_start(clinic, install):
    order, arrival_id = await ecg_order(clinic), await unread_file(clinic, SITE, MAKERS_FILE)
    await attach(clinic, BY, arrival_id, order_id=order.id, study_id=None, reason="演示:机器上核对")
    install()
    assert [known.name for known in added_formats().formats] == ["demo_maker"]
    runner = JobRunner(clinic, dict(HANDLERS), workers=1)
    await schedule_reading(clinic)
    await runner.start()
    try:
        await until(lambda: is_read(clinic))
    finally:
        await runner.stop()
    (file,) = await waiting(clinic, "read")
    order = await order_now(clinic, order)
    assert (order.study_id, order.link_evidence) == (file.unread.study_id, LinkEvidence.STUDY_INSTANCE_UID)
    study = await clinic.database.read(lambda tx: tx.studies.get(file.unread.study_id, EVERYWHERE))
    (instance,) = await clinic.database.read(lambda tx: tx.studies.instances_of(study.id, EVERYWHERE))
    assert (study.patient.name.display, instance.format) == ("演示王小明", InstanceFormat.ADDED)
    shown = await EcgShelf(clinic).show(EVERYWHERE, instance.id)
    assert shown.record.format == "demo_maker"
    assert shown.record.leads[0].sha256_nanovolts() == sha256_nanovolts(next(iter(known_samples().values())), 2500)


async def test_a_binding_that_cannot_be_linked_stops_neither_its_file_nor_the_next(clinic, install):
    """A binding without a reason, as no form of today makes it, is refused as a link: InvalidRequest."""
    order, other_order = await ecg_order(clinic), await ecg_order(clinic, patient_id="P2", patient_name="演示乙")
    first = await unread_file(clinic, SITE, MAKERS_FILE, file_name="1.dat")
    second = await unread_file(clinic, SITE, MAKERS_FILE + b"\n", file_name="2.dat")
    for arrival_id, owner, reason in ((first, order, " "), (second, other_order, "演示")):
        binding = UnreadEcg(arrival_id, SITE, owner.id, None, clinic.clock(), BY.actor, reason)
        await clinic.database.write(lambda tx, binding=binding: tx.unread_ecgs.attach(binding))
    install()
    # The same bytes came again meanwhile, as the ECG of nobody: the study is there and no order is linked to it.
    await receive_ecg(clinic, MAKERS_FILE, Sender(SITE, None, ArrivalVia.ECG_UPLOAD, actor="t"))
    job = await clinic.database.write(lambda tx: tx.jobs.enqueue(JOB, "all", due=clinic.clock()))
    await HANDLERS[JOB](clinic, job)
    assert {file.arrival.id for file in await waiting(clinic, "read")} == {first, second}
    assert (await order_now(clinic, order)).study_id is None
    assert (await order_now(clinic, other_order)).study_id is not None


async def is_read(parts):
    return bool(await waiting(parts, "read"))


async def test_with_the_adapter_its_files_come_in_like_any_other(clinic, install):
    install()
    received = await receive_ecg(clinic, MAKERS_FILE, Sender(SITE, None, ArrivalVia.ECG_UPLOAD, actor="t"))
    facts = await clinic.database.read(lambda tx: tx.studies.ecg_of(received.instance_id))
    assert (received.format, facts.format) == ("demo_maker", "demo_maker")


async def test_an_adapter_that_fails_refuses_its_file_and_harms_no_other(clinic, install):
    install()
    sender = Sender(SITE, None, ArrivalVia.ECG_UPLOAD, actor="t")
    with pytest.raises(Unreadable) as refusal:
        await receive_ecg(clinic, b"DEMO-MAKER\x00short", sender)
    assert refusal.value.reason == "adapter-failed"
    assert (await receive_ecg(clinic, aecg(), sender)).format == "hl7_aecg"


@pytest.mark.parametrize("value", ["demo_maker_ecg:NO_FORMAT", "demo_maker_ecg:MISSING", "not_there:FORMAT"])
def test_an_adapter_that_is_none_is_told_and_left_out(install, value):
    install(value)
    assert added_formats().formats == ()
    (fault,) = added_formats().faults
    assert fault.startswith("demo_maker: ")


async def test_a_pdf_that_lay_in_quarantine_is_taken_in_at_once_as_the_orders(clinic):
    """As it was kept by a release that did not know PDFs."""
    receipt = await keep_quarantined(clinic, small_pdf(), Sender(SITE, None, ArrivalVia.ECG_UPLOAD),
                                     reason="unknown-format", detail="x", file_name="a.pdf")
    (file,) = await waiting(clinic)
    assert file.is_pdf
    order = await ecg_order(clinic)
    await attach(clinic, BY, receipt.arrival_id, order_id=order.id, study_id=None, reason="演示:纸上有名字")
    (read,) = await waiting(clinic, "read")
    order = await order_now(clinic, order)
    assert order.study_id == read.unread.study_id
    study = await clinic.database.read(lambda tx: tx.studies.get(order.study_id, EVERYWHERE))
    assert (study.patient.name.display, study.accession_number) == ("演示王小明", order.accession_number)


async def test_what_is_bound_to_a_study_lies_beside_it_and_becomes_that_patients(clinic, install):
    first = await receive_ecg(clinic, aecg(), Sender(SITE, None, ArrivalVia.ECG_UPLOAD, actor="t"))
    arrival_id = await unread_file(clinic, SITE, MAKERS_FILE)
    await attach(clinic, BY, arrival_id, order_id=None, study_id=first.study_id, reason="演示")
    (kept,) = await waiting(clinic, "kept")
    assert (kept.unread.study_id, kept.patient_name) == (first.study_id, "演示甲")
    install()
    assert await read_again(clinic, BY, arrival_id)
    (file,) = await waiting(clinic, "read")
    old, new = await clinic.database.read(lambda tx: [
        tx.studies.get(one, EVERYWHERE) for one in (first.study_id, file.unread.study_id)])
    assert old.id != new.id
    assert old.patient.id == new.patient.id
    with pytest.raises(NotNow):
        await read_again(clinic, BY, arrival_id)


async def test_a_file_that_names_somebody_else_is_never_linked_to_what_it_was_bound_to(clinic, install):
    order = await ecg_order(clinic)
    arrival_id = await unread_file(clinic, SITE, b"DEMO-MAKER\x00" + aecg())
    await attach(clinic, BY, arrival_id, order_id=order.id, study_id=None, reason="演示")
    install()
    assert await read_again(clinic, BY, arrival_id)
    assert (await order_now(clinic, order)).study_id is None
    (file,) = await waiting(clinic, "read")
    study = await clinic.database.read(lambda tx: tx.studies.get(file.unread.study_id, EVERYWHERE))
    assert study.patient.name.display == "演示甲"
    alarms = await clinic.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))
    assert "ecg-identity-conflict" in {alarm.kind for alarm in alarms}


async def test_a_wrong_binding_is_taken_back_and_both_are_on_record(clinic):
    order, arrival_id = await ecg_order(clinic), await unread_file(clinic, SITE, MAKERS_FILE)
    await attach(clinic, BY, arrival_id, order_id=order.id, study_id=None, reason="演示")
    with pytest.raises(NotNow):
        await attach(clinic, BY, arrival_id, order_id=order.id, study_id=None, reason="演示")
    await detach(clinic, BY, arrival_id, "演示:弄错了")
    assert [file.arrival.id for file in await waiting(clinic)] == [arrival_id]
    decisions = await clinic.database.read(lambda tx: tx.quarantine.decisions(arrival_id))
    assert [(d.choice.value, d.reason) for d in decisions] == [("settle", "演示"), ("undo", "演示:弄错了")]


async def test_a_file_of_one_site_is_never_bound_to_another_sites_patient(clinic):
    await open_clinic(clinic, "machang")
    order = await ecg_order(clinic, site_id="machang")
    arrival_id = await unread_file(clinic, SITE, MAKERS_FILE)
    with pytest.raises(InvalidRequest):
        await attach(clinic, BY, arrival_id, order_id=order.id, study_id=None, reason="演示")
    with pytest.raises(InvalidRequest):
        await attach(clinic, BY, arrival_id, order_id=order.id, study_id="x", reason="演示")
