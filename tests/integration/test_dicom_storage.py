"""From a modality's C-STORE to a durable, indexed instance, with DCMTK as the modality (B1, B2)."""

from __future__ import annotations

import pytest

from storage.model import EVERYWHERE, InstanceFormat, StudyState
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import MODALITY, SITE, open_receiver

pytestmark = pytest.mark.usefixtures("wire")


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def test_an_echo_is_answered(receiver):
    assert (await dcmtk.echoscu(receiver.address)).is_success


@pytest.mark.parametrize("make", [build.ct_slice, build.dx_image, build.us_loop, build.secondary_capture,
                                  build.ecg_waveform, build.private_object], ids=lambda make: make.__name__)
async def test_every_kind_of_object_is_kept_with_its_data_set_exactly_as_sent(receiver, tmp_path, make):
    """B1: Level 2, bit-preserving; private and unknown SOP classes too."""
    ids = build.StudyIds()
    part10 = make(ids=ids)
    sent = await dcmtk.dcmsend(receiver.address, build.write_all(tmp_path / "in", [part10]))
    assert sent.statuses == [0]
    (instance,) = await receiver.instances(ids.study)
    assert build.dataset_of(await receiver.kept_bytes(instance)) == build.dataset_of(part10)
    assert instance.format is InstanceFormat.DICOM
    assert instance.size_bytes == len(await receiver.kept_bytes(instance))


@pytest.mark.parametrize(("syntax", "propose"), [
    ("implicit", "-xi"), ("explicit", "-xe"), ("big endian", "-xb"), ("deflated", "-xd"), ("rle", "-xr"),
    ("jpeg 2000", "-xv")])
async def test_every_transfer_syntax_is_kept_as_sent(receiver, tmp_path, syntax, propose):
    """B1: nothing is transcoded."""
    ids = build.StudyIds()
    part10 = build.ct_slice(ids=ids, syntax=syntax)
    sent = await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]), options=("-R", propose))
    assert sent.statuses == [0], sent.output[-2000:]
    (instance,) = await receiver.instances(ids.study)
    assert instance.transfer_syntax_uid == build.SYNTAXES[syntax]
    if syntax != "deflated":                      # DCMTK inflates and deflates anew on its side
        assert build.dataset_of(await receiver.kept_bytes(instance)) == build.dataset_of(part10)


async def test_the_index_says_whose_and_what_it_is(receiver, tmp_path):
    ids = build.StudyIds()
    files = [build.ct_slice(n, ids=ids, StudyDescription="Chest", RequestedProcedurePriority="STAT")
             for n in (2, 1, 3)]
    assert (await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", files))).is_success
    study = await receiver.study(ids.study)
    assert (study.site_id, study.device_id, study.modality, study.body_part) == (SITE.id, MODALITY.id, "CT", "CHEST")
    assert (study.patient.patient_id, study.patient.name.display) == ("P0001", "Demo One")
    assert (study.state, study.instance_count, study.urgency) == (StudyState.ARRIVING, 3, "emergency")
    assert [i.number for i in await receiver.instances(ids.study)] == [1, 2, 3]
    (series,) = await receiver.parts.database.read(lambda tx: tx.studies.series_of(study.id, EVERYWHERE))
    assert (series.series_instance_uid, series.instance_count, series.description) == (ids.series, 3, "Chest 5mm")
    arrivals = await receiver.parts.database.read(lambda tx: tx.arrivals.of_study(study.id, EVERYWHERE))
    assert [a.calling_ae_title for a in arrivals] == ["MODALITY"] * 3
    trail = await receiver.parts.database.read(lambda tx: tx.audit.of_study(study.id, EVERYWHERE))
    assert [t.entry.action for t in trail] == ["instance.received"] * 3
    assert {t.entry.actor for t in trail} == {"device:MODALITY"}
    assert receiver.events.kinds().count("arrival") == 3


async def test_the_same_data_set_gives_the_same_object_whoever_sends_it(receiver, tmp_path):
    """B4: the file meta information that we write is fixed."""
    ids = build.StudyIds()
    paths = build.write_all(tmp_path / "in", [build.ct_slice(ids=ids)])
    await dcmtk.storescu(receiver.address, paths)
    await dcmtk.dcmsend(receiver.address, paths)
    assert len(receiver.parts.objects.names()) == 1


async def test_two_patients_with_one_patient_id_are_not_taken_for_one(receiver, tmp_path):
    """A7: never by Patient ID alone; another examination of the same person finds its priors."""
    first, second, third = build.StudyIds(), build.StudyIds(), build.StudyIds()
    other = build.Patient(name="Other^Person", birth_date="19810101")
    files = [build.dx_image(ids=first), build.dx_image(ids=second, patient=other), build.dx_image(ids=third)]
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", files))
    one, two, three = [await receiver.study(ids.study) for ids in (first, second, third)]
    assert one.patient.id == three.patient.id != two.patient.id
    related = await receiver.parts.database.read(lambda tx: tx.studies.related(three, EVERYWHERE))
    assert [study.id for study in related] == [one.id]


async def test_a_study_that_begins_with_a_presentation_state_is_named_after_its_image(receiver, tmp_path):
    ids = build.StudyIds()
    files = [build.secondary_capture(ids=ids, Modality="PR"), build.ct_slice(ids=ids)]
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", files))
    study = await receiver.study(ids.study)
    assert (study.modality, study.body_part) == ("CT", "CHEST")


async def test_an_object_larger_than_what_is_read_for_the_index_is_kept_whole(receiver, tmp_path):
    ids = build.StudyIds()
    part10 = build.ct_slice(ids=ids, rows=1500, columns=1500)
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]))
    (instance,) = await receiver.instances(ids.study)
    assert build.dataset_of(await receiver.kept_bytes(instance)) == build.dataset_of(part10)


async def test_unknown_sop_classes_are_not_negotiated_when_the_setting_says_so(tmp_path):
    async with open_receiver(tmp_path / "data", unknown_sop_classes="reject") as receiver:
        ids = build.StudyIds()
        paths = build.write_all(tmp_path / "in", [build.private_object(ids=ids), build.ct_slice(ids=ids)])
        sent = await dcmtk.dcmsend(receiver.address, paths)
        assert sent.statuses == [0]
        assert [i.sop_class_uid for i in await receiver.instances(ids.study)] == [build.CT]


async def test_an_ecg_waveform_has_its_facts_in_the_index_and_its_study_is_complete(receiver, tmp_path):
    """B8: one file is the whole examination."""
    ids = build.StudyIds()
    sent = await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [build.ecg_waveform(ids=ids)]))
    assert sent.statuses == [0]
    study = await receiver.study(ids.study)
    assert (study.modality, study.state, study.complete_by) == ("ECG", StudyState.COMPLETE, "single_file")
    (instance,) = await receiver.instances(ids.study)
    facts = await receiver.parts.database.read(lambda tx: tx.studies.ecg_of(instance.id))
    assert (facts.interval_us, facts.sample_count, len(facts.lead_names)) == (2000.0, 500, 12)
    assert instance.has_waveform


async def test_an_ecg_waveform_that_cannot_be_decoded_stays_an_instance_with_an_alarm(receiver, tmp_path):
    """B8: refused with a reason rather than guessed, and never lost."""
    ids = build.StudyIds()
    part10 = build.ecg_waveform(ids=ids, without_waveform=True)
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]))
    assert len(await receiver.instances(ids.study)) == 1
    assert await receiver.alarm_kinds() == ["ecg-unreadable"]
