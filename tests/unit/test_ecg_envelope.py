"""What comes around a file fills in what it leaves out, and never overrules what it says (A7, B8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.core.ecg_envelope import EcgEnvelope, enclosed
from gateway.core.waveform import EcgPatient, EcgRecord

WANG = EcgPatient(patient_id="P1", name="演示王小明", sex="M", birth_date=date(1980, 5, 6))
SILENT = EcgRecord(format="hl7_aecg", interval_us=2000, leads=(), recorded_at=None)
AT = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
AROUND = EcgEnvelope("HL7 message", WANG, accession_number="A1", study_instance_uid="1.2.3", recorded_at=AT)


def test_a_silent_file_takes_everything():
    found = enclosed(SILENT, AROUND)
    record = found.record
    assert (record.patient, record.accession_number, record.study_instance_uid, record.recorded_at) == (
        WANG, "A1", "1.2.3", AT)
    assert found.conflicts == ()


def test_without_an_envelope_nothing_changes():
    assert enclosed(SILENT, None).record is SILENT


def test_what_the_file_says_stays():
    own = replace(SILENT, patient=EcgPatient(patient_id="P1", name="演示王小明"), accession_number="A1",
                  recorded_at=datetime(2026, 3, 1, tzinfo=UTC))
    record = enclosed(own, AROUND).record
    assert (record.recorded_at, record.patient.birth_date) == (own.recorded_at, WANG.birth_date)


@pytest.mark.parametrize(("patient", "word"), [
    (EcgPatient(patient_id="P2"), "Patient ID"), (EcgPatient(name="演示李四"), "name"), (EcgPatient(sex="F"), "sex"),
    (EcgPatient(birth_date=date(1980, 5, 7)), "birth date")])
def test_a_difference_is_named_and_nothing_is_filled_in(patient, word):
    found = enclosed(replace(SILENT, patient=patient), AROUND)
    assert found.conflicts == (word,)
    assert found.record.patient == patient
    assert found.record.accession_number == ""
    assert word in found.record.warnings[-1]


def test_another_accession_number_is_a_difference_too():
    assert enclosed(replace(SILENT, accession_number="A2"), AROUND).conflicts == ("accession number",)


def test_a_short_number_of_a_cart_is_no_patient_id():
    found = enclosed(replace(SILENT, patient=EcgPatient(patient_id="912345")), AROUND)
    assert (found.conflicts, found.record.patient.patient_id) == ((), "P1")


@pytest.mark.parametrize("name", ["WANG XIAOMING", "演示王小明", "Wang^Xiaoming"])
def test_names_in_other_letters_are_no_difference(name):
    around = replace(AROUND, patient=replace(WANG, name="Wang^Xiaoming" if name != "演示王小明" else "演示王小明"))
    assert enclosed(replace(SILENT, patient=EcgPatient(name=name)), around).conflicts == ()


def test_a_guessed_name_never_contradicts():
    own = replace(SILENT, patient=EcgPatient(name="演示乱码", is_name_guessed=True))
    assert enclosed(own, AROUND).conflicts == ()
