"""The printed ECG is true to scale: the PDF that the browser makes is drawn by poppler and measured (E5).

Nothing here knows our geometry: lines and edges are found in the pixels.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.browser import chromium
from tests.support.ecg_page import ecg_page, ecg_room, press, settle

pytestmark = pytest.mark.browser

DPI = 600
MM = DPI / 25.4          # dots in a millimetre


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with ecg_room(tmp_path_factory.mktemp("ecg")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(room, browser):
    with ecg_page(room, browser) as page:
        yield page


def printed(page, folder: Path) -> Path:
    path = folder / "ecg.pdf"
    page.pdf(path=path, prefer_css_page_size=True)
    return path


def pixels(path: Path, page_number: int = 1) -> np.ndarray:
    """(height, width, 3) of one page."""
    stem = path.with_suffix(f".{page_number}")
    subprocess.run(["pdftoppm", "-r", str(DPI), "-f", str(page_number), "-l", str(page_number), "-singlefile", "-png",
                    str(path), str(stem)], check=True)
    Image.MAX_IMAGE_PIXELS = None
    return np.asarray(Image.open(f"{stem}.png").convert("RGB"))


def words(path: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", str(path), "-"], check=True, capture_output=True, text=True).stdout


def black(picture: np.ndarray) -> np.ndarray:
    return np.asarray(picture.max(axis=2) < 100, dtype=float)


def centres(profile: np.ndarray, least: float) -> np.ndarray:
    """Where the peaks of a profile lie, in dots, each as the centre of its weight."""
    found, begin = [], None
    for at, value in enumerate([*profile, 0.0]):
        if value > least and begin is None:
            begin = at
        elif value <= least and begin is not None:
            weights = profile[begin:at]
            found.append((np.arange(begin, at) * weights).sum() / weights.sum() + 0.5)
            begin = None
    return np.array(found)


def plateaus(picture: np.ndarray) -> np.ndarray:
    """Heights of the long horizontal black lines, in dots: 1 mV and 0 mV of each row of the test signal."""
    ink = black(picture)
    return centres(ink.sum(axis=1), 0.35 * picture.shape[1])


def test_the_test_signal_is_ten_and_twenty_five_millimetres_on_paper_within_half_a_percent(page, tmp_path):
    picture = pixels(printed(page, tmp_path))
    lines = plateaus(picture)
    assert len(lines) == 8                                    # four rows, each at 0 and at 1 mV
    assert np.abs((lines[1::2] - lines[::2]) / MM - 10.0).max() < 0.05
    high, low = lines[-2:]
    middle = round((high + low) / 2)
    edges = centres(black(picture)[middle], 0.5) / MM
    pulse, signal = edges[:2], edges[2:]
    assert pulse[1] - pulse[0] == pytest.approx(5.0, rel=0.01)       # 0.2 s of the calibration pulse
    assert len(signal) == 19
    assert np.abs(np.diff(signal[::2]) - 25.0).max() < 0.125
    assert np.abs(signal - signal[0] - 12.5 * np.arange(19)).max() < 0.1   # over 225 mm


def test_the_printed_squares_are_exact_millimetres(page, tmp_path):
    picture = pixels(printed(page, tmp_path)).astype(int)
    redness = picture[:, :, 0] - picture[:, :, 1]
    # Between two rows of traces there is grid alone.
    lines = plateaus(picture)
    row = round((lines[1] + lines[2]) / 2 + 2.2 * MM)
    heavy = centres(np.clip(redness[row - 4:row + 4].mean(axis=0) - 60, 0, None), 5) / MM
    assert len(heavy) == 58
    assert np.abs(heavy - heavy[0] - 5.0 * np.arange(58)).max() < 0.1
    column = round(heavy[-2] * MM + 2.5 * MM)
    across = centres(np.clip(redness[:, column - 4:column + 4].mean(axis=1) - 60, 0, None), 5) / MM
    assert len(across) == 31
    assert np.abs(across - across[0] - 5.0 * np.arange(31)).max() < 0.1


def test_it_is_one_page_of_a4_landscape_as_paths(page, tmp_path):
    path = printed(page, tmp_path)
    told = subprocess.run(["pdfinfo", str(path)], check=True, capture_output=True, text=True).stdout
    fields = {name: value.strip() for name, _, value in (line.partition(":") for line in told.splitlines())}
    assert fields["Pages"] == "1"
    width, _, height = fields["Page size"].split()[:3]
    assert float(width) / 72 * 25.4 == pytest.approx(297, abs=0.3)
    assert float(height) / 72 * 25.4 == pytest.approx(210, abs=0.3)
    images = subprocess.run(["pdfimages", "-list", str(path)], check=True, capture_output=True, text=True).stdout
    assert len(images.splitlines()) == 2                              # the table's head alone


def test_the_head_says_who_when_where_and_what_was_measured_by_whom(page, tmp_path):
    said = words(printed(page, tmp_path)).replace(" ", "")
    for part in ("演示羊场镇卫生院", "演示甲", "男", "IDP1", "1960/04/05", "记录时间2026/03/0208:30:00",
                 "接收", "打印", "Democart", "心率75次/分(设备)", "PR间期158ms(设备)", "25mm/s", "10mm/mV",
                 "滤波:设备未注明", "显示:原始/无", "采样500Hz", "小格1mm"):
        assert part in said, part
    assert "窦性心律不齐" not in said          # K2: the cart's words do not leave on paper by themselves


def test_a_filter_in_force_is_printed_with_its_warning(page, tmp_path):
    press(page, ",", ",", ".", ".", "n")
    said = words(printed(page, tmp_path)).replace(" ", "")
    assert "显示滤波:0.5–40Hz,陷波50Hz(零相位,仅显示)" in said
    assert "ST段变形" in said


@pytest.mark.parametrize(("keys", "pages", "mm_per_s", "mm_per_mv"),
                         [(("=",), 2, 50, 10), (("-", "["), 1, 12.5, 5), (("4", "]"), 1, 25, 20)])
def test_every_speed_and_gain_is_printed_true(page, tmp_path, keys, pages, mm_per_s, mm_per_mv):
    press(page, *keys)
    path = printed(page, tmp_path)
    told = subprocess.run(["pdfinfo", str(path)], check=True, capture_output=True, text=True).stdout
    assert f"Pages:           {pages}" in told
    ink = black(pixels(path, pages))
    lines = centres(ink.sum(axis=1), 0.15 * ink.shape[1]) / MM
    lines = lines[lines < 190]                                # below stand words
    assert any(abs(one - other - mm_per_mv) < 0.005 * mm_per_mv for one in lines for other in lines)
    zero = round((lines[-1] - mm_per_mv / 2) * MM)
    edges = centres(ink[zero], 0.5) / MM
    assert np.median(np.diff(edges)) == pytest.approx(mm_per_s / 2, rel=0.005)


def test_the_key_and_the_button_ask_the_browser_to_print(page):
    page.evaluate("""() => {
      window.asked = 0;
      window.addEventListener('beforeprint', () => { window.asked += 1; });
      window.print = () => { window.dispatchEvent(new Event('beforeprint')); };
    }""")
    press(page, "p")
    assert page.evaluate("() => window.asked") == 1
    assert page.get_by_test_id("ecg-print-page").count() == 1
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    settle(page)
    assert page.get_by_test_id("ecg-print-page").count() == 0
    page.get_by_test_id("ecg-print-tool").click()
    assert page.evaluate("() => window.asked") == 2
