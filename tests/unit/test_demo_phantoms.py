"""What the demo draws and synthesises is valid, marked, and the same for the same seed."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pydicom
import pytest

from gateway.demo.aecg_file import aecg_bytes
from gateway.demo.chest_ct import draw_chest_ct
from gateway.demo.chest_film import COLUMNS, ROWS, ChestFilm, draw_chest_film
from gateway.demo.demo_patients import CHECK_UP, CHEST_PAIN, COUGH, PALPITATION
from gateway.demo.dicom_objects import chest_ct_objects, chest_film_object, ecg_object, part10
from gateway.demo.ecg_generator import LEAD_NAMES, Rhythm, make_ecg
from gateway.formats.dicom_dataset import read_part10
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.ecg import read_ecg

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=ZONE)


@pytest.fixture(scope="module")
def films():
    return draw_chest_film(ChestFilm(1)), draw_chest_film(ChestFilm(1, has_pneumothorax=True))


@pytest.fixture(scope="module")
def ct():
    return draw_chest_ct(slices=3)


def test_a_film_has_air_lung_and_bone_in_the_right_order_and_twelve_bits(films):
    film, _ = films
    assert film.shape == (ROWS, COLUMNS)
    assert film.dtype == np.uint16
    assert film.max() < 4096
    air, lung = film[20:120, 20:120].mean(), film[1050:1150, 420:520].mean()
    spine, abdomen = film[2200:2300, 990:1060].mean(), film[2200:2300, 500:600].mean()
    assert air < lung < abdomen < spine


def test_the_pneumothorax_is_dark_at_the_right_side_and_dense_at_the_hilum(films):
    healthy, collapsed = (f.astype(float) for f in films)
    at_the_wall, at_the_hilum = np.s_[1100:1250, 260:340], np.s_[1000:1300, 760:860]
    assert collapsed[at_the_wall].mean() < healthy[at_the_wall].mean() - 80
    assert collapsed[at_the_hilum].mean() > healthy[at_the_hilum].mean() + 80
    other_side = np.s_[1000:1300, 1500:1700]
    assert abs(collapsed[other_side].mean() - healthy[other_side].mean()) < 40


def test_the_mark_is_in_the_pixels(films, ct):
    for film in films:
        assert (film[2280:2460, 1340:2000] == 3900).sum() > 3000
    for hu in ct:
        assert (hu[465:505, 385:512] == 1200).sum() > 150


def test_the_same_seed_draws_the_same_film():
    assert (draw_chest_film(ChestFilm(5)) == draw_chest_film(ChestFilm(5))).all()


def test_ct_values_are_hounsfield_units(ct):
    middle = ct[1]
    assert middle[:20, :20].mean() == pytest.approx(-1000, abs=15)
    assert np.median(middle[215:235, 85:105]) == pytest.approx(-850, abs=60)      # lung
    assert middle.max() > 400                                                     # bone


@pytest.mark.parametrize("rhythm", list(Rhythm))
def test_the_limb_leads_obey_einthoven_and_the_samples_survive_both_formats(rhythm):
    ecg = make_ecg(rhythm)
    assert (ecg.counts["III"] == ecg.counts["II"] - ecg.counts["I"]).all()
    assert abs(ecg.counts["aVR"] + ecg.counts["aVL"] + ecg.counts["aVF"]).max() <= 2
    files = (aecg_bytes(CHEST_PAIN, ecg, at=AT, root_id="2.25.1"),
             part10(ecg_object(PALPITATION, ecg, at=AT, station="S", institution="演示", accession_number="A")))
    for data in files:
        record = read_ecg(data, time_zone=ZONE)
        assert tuple(lead.name for lead in record.leads) == LEAD_NAMES
        for lead in record.leads:
            assert (lead.nanovolts() == ecg.counts[lead.name] * 2500).all()
        assert record.sampling_frequency_hz == 500
        assert record.statements == ecg.statements
        assert dict(record.measurements) == ecg.measurements
        assert record.recorded_at == AT
        assert record.warnings == ()


def test_the_infarct_lifts_the_st_segment_in_v2_and_fibrillation_has_no_steady_rhythm():
    def st_uv(rhythm):
        v2 = make_ecg(rhythm).counts["V2"] * 2.5
        peaks = [i for i in range(400, 4500) if v2[i] == v2[max(0, i - 100):i + 100].min() and v2[i] < -500]
        return np.median([v2[i + 40] - np.median(v2[i - 120:i - 100]) for i in peaks])      # 80 ms after the S wave
    assert st_uv(Rhythm.ANTERIOR_INFARCT) > 400
    assert abs(st_uv(Rhythm.NORMAL)) < 200
    assert "pr_ms" not in make_ecg(Rhythm.ATRIAL_FIBRILLATION).measurements


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_a_strict_checker_finds_no_error_in_the_objects(films, ct, tmp_path):
    objects = [
        chest_film_object(CHEST_PAIN, films[1], at=AT, station="S", institution="演示", accession_number="A",
                          is_emergency=True),
        *chest_ct_objects(COUGH, ct, at=AT, station="S", institution="演示", accession_number="B"),
        ecg_object(PALPITATION, make_ecg(Rhythm.NORMAL), at=AT, station="S", institution="演示",
                   accession_number="C")]
    for number, ds in enumerate(objects):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(part10(ds))
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
        assert "Error" not in said, said


@pytest.mark.parametrize(("character_set", "codec"), [("GB18030", "gb18030"), ("ISO_IR 192", "utf-8")])
def test_the_patient_is_marked_as_demo_in_every_character_set(films, character_set, codec):
    data = part10(chest_film_object(CHECK_UP, films[0], at=AT, station="S", institution="演示", accession_number="A",
                                    is_emergency=False, character_set=character_set))
    head = read_part10(ByteSource(data))
    assert "演示" in head.patient_name.display
    assert head.patient_name.encoding == codec
    assert (head.modality, head.body_part, head.rows, head.columns) == ("DX", "CHEST", ROWS, COLUMNS)
    assert head.age_years == 72
    ds = pydicom.dcmread(io.BytesIO(data))
    assert (ds.pixel_array == films[0]).all()
    assert ds.BurnedInAnnotation == "YES"


def test_a_ct_says_how_many_instances_it_has_and_counts_them(ct):
    objects = chest_ct_objects(COUGH, ct, at=AT, station="S", institution="演示", accession_number="B")
    assert {ds.StudyInstanceUID for ds in objects} == {objects[0].StudyInstanceUID}
    assert [int(ds.InstanceNumber) for ds in objects] == [1, 2, 3]
    assert read_part10(ByteSource(part10(objects[0]))).study_instance_count == 3
    assert (objects[1].pixel_array.astype(int) - 1024 == ct[1].clip(-1024)).all()
