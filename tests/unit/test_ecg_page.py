"""The printed trace is true to scale and loses nothing (promise 6), read back from the pixels of the page."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from PIL import Image

from gateway.core.report import canonical_text, text_sha256
from gateway.core.waveform import EcgLead, EcgRecord
from gateway.reports.ecg_page import draw_ecg
from gateway.reports.report_pdf import render_pdf
from tests.support.report_builders import MADE_AT, SHANGHAI, a_sheet, a_study
from tests.support.report_tools import words_of

DOTS_PER_MM = 10
MARGIN_MM, PULSE_MM = 17.0, 8.0
TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def a_record(samples_mv, *, hertz=500.0, names=("II",), start_us=0.0, missing=None):
    counts = np.rint(np.asarray(samples_mv) * 1000).astype(np.int32)          # 1 µV a count
    leads = tuple(EcgLead(name, name, counts, 1000.0, start_us=start_us, missing=missing) for name in names)
    return EcgRecord("test", 1e6 / hertz, leads, MADE_AT, filters="0.05-150 Hz")


def ink(record, folder):
    """(y, x) of the dark dots of the printed page, in mm from its upper left corner; text is left out."""
    page = draw_ecg(record)
    sheet = a_sheet(study=a_study(modality="ECG"))
    pdf = render_pdf(sheet, text_sha256=text_sha256(canonical_text(sheet)), at=MADE_AT, zone=SHANGHAI, signature=None,
                     trace=page)
    (folder / "ecg.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", str(25.4 * DOTS_PER_MM), "-f", "2", "-l", "2", "-gray", "-singlefile",
                    folder / "ecg.pdf", folder / "ecg"], check=True)
    pixels = np.asarray(Image.open(folder / "ecg.pgm"))
    assert pixels.shape == pytest.approx((2100, 2970), abs=2)
    rows, columns = np.nonzero(pixels < 90)
    return rows / DOTS_PER_MM, columns / DOTS_PER_MM, pdf


def test_one_millivolt_is_ten_and_one_second_is_twenty_five_millimetres(tmp_path):
    samples = np.zeros(5000)
    samples[1000:2000] = 1.0                                                   # 1 mV from 2 s to 4 s
    y, x, _ = ink(a_record(samples), tmp_path)
    start = MARGIN_MM + PULSE_MM
    step = (x > start + 2 * 25 + 1) & (x < start + 4 * 25 - 1) & (y > 25) & (y < 65)
    rest = (x > start + 6 * 25) & (x < start + 9 * 25) & (y > 25) & (y < 65)
    assert np.median(y[rest]) - np.median(y[step]) == pytest.approx(10.0, abs=0.15)
    high = (abs(y - np.median(y[step])) < 0.3) & (x > start) & (y > 25) & (y < 65)
    assert x[high].min() - start == pytest.approx(50.0, abs=0.3)
    assert x[high].max() - start == pytest.approx(100.0, abs=0.3)
    pulse = (x < start - 0.5) & (x > MARGIN_MM - 1) & (y > 25) & (y < 65)
    assert y[pulse].max() - y[pulse].min() == pytest.approx(10.0, abs=0.4)
    top = pulse & (y < y[pulse].min() + 0.3)
    assert x[top].max() - x[top].min() == pytest.approx(5.0, abs=0.4), "the calibration pulse: 1 mV for 0.2 s"


def test_twelve_leads_stand_three_by_four_over_a_rhythm_strip():
    page = draw_ecg(a_record(np.sin(np.arange(5000) / 50), names=TWELVE))
    assert page is not None
    places: dict[str, list[tuple[int, int]]] = {}
    for name, x, y in page.labels:
        places.setdefault(name, []).append((round((x - PULSE_MM) / 62.5), round(y / 40)))
    assert places["I"] == [(0, 0)]
    assert places["aVF"] == [(1, 2)]
    assert places["V1"] == [(2, 0)]
    assert places["V6"] == [(3, 2)]
    assert places["II"] == [(0, 1), (0, 3)]


def test_a_spike_of_one_sample_survives_a_high_sampling_rate(tmp_path):
    samples = np.zeros(80_000)
    samples[40_001] = 1.5                                                      # 0.125 ms, at 5 s
    y, x, _ = ink(a_record(samples, hertz=8000.0), tmp_path)
    near = (abs(x - (MARGIN_MM + PULSE_MM + 125)) < 0.5) & (y > 25) & (y < 65)
    assert y[near].max() - y[near].min() == pytest.approx(15.0, abs=0.3)


def test_missing_samples_leave_a_gap(tmp_path):
    missing = np.zeros(5000, dtype=np.bool_)
    missing[2000:3000] = True
    y, x, _ = ink(a_record(np.zeros(5000), missing=missing), tmp_path)
    start, row = MARGIN_MM + PULSE_MM, (y > 25) & (y < 65)
    assert not (row & (x > start + 100.5) & (x < start + 149.5)).any()
    assert (row & (x > start + 95) & (x < start + 99)).any()


def test_a_lead_that_starts_later_is_drawn_where_it_belongs(tmp_path):
    y, x, _ = ink(a_record(np.zeros(1250), start_us=5_000_000.0), tmp_path)
    drawn = x[(y > 35) & (y < 55) & (x > MARGIN_MM + PULSE_MM)]        # below the name of the lead
    assert drawn.min() == pytest.approx(MARGIN_MM + PULSE_MM + 125, abs=0.3)
    assert drawn.max() == pytest.approx(MARGIN_MM + PULSE_MM + 187.5, abs=0.3)


def test_the_page_states_scale_rate_and_filter_and_says_nothing_of_the_cart(tmp_path):
    """K2: a cart's statement never goes to the clinic by itself."""
    record = EcgRecord("test", 2000.0, a_record(np.zeros(5000)).leads, MADE_AT, filters="0.05-150 Hz",
                       statements=("急性心肌梗死",), measurements={"heart_rate_bpm": 77.0})
    words = words_of(ink(record, tmp_path)[2], tmp_path)
    for said in ("25mm/s", "10mm/mV", "500Hz", "0.05-150Hz", "王小明"):
        assert said in words
    assert "急性心肌梗死" not in words
    assert "77" not in words.split("心电图波形")[1].split("文本校验")[0]


def test_a_record_without_samples_has_no_page():
    assert draw_ecg(EcgRecord("test", 2000.0, (), None)) is None
    assert draw_ecg(a_record([])) is None
