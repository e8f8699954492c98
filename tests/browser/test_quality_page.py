"""Grade and reject by key, marks on the picture that is on screen, the clinic's cards, the figures (D6)."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import reading_room as room
from tests.support.browser import PHONE, chromium, page_of
from tests.support.clinic_county import log_in, readings, set_up, storescu, wait_for
from tests.support.ecg_builders import aecg, known_square
from tests.support.ecg_page import send
from tests.support.image_builders import image, part10
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 768}
FILM, PATIENT = "测试胸片", "测试患者"
YELLOW = (255, 225, 77)


@dataclass(frozen=True)
class Ward:
    gateway: RunningGateway
    browser: Browser
    film: str                  # ids of readings
    ecg: str
    folder: Path


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A film with four known greys, and an ECG."""
    folder = tmp_path_factory.mktemp("quality")
    with RunningGateway(folder / "var") as gateway, chromium() as browser:
        token = set_up(gateway)
        storescu(gateway, _film(folder / "film.dcm"))
        send(gateway, token, aecg(known_square(), patient_id="E1"))
        api = log_in(gateway, "writer")
        rows = wait_for(lambda: found if len(found := readings(api, gateway)) == 2 else None, within_s=60,
                        why="two studies on the worklist")
        ids = {row["kind"]: row["id"] for row in rows}
        yield Ward(gateway, browser, ids["image"], ids["ecg"], folder)


def test_a_film_is_graded_rejected_with_marks_taken_again_and_read_beside_the_first(ward: Ward) -> None:
    with page_of(ward.browser, ward.gateway.url, viewport=DESK) as page:
        room.log_in(page, "writer")
        page.goto(f"/readings/{ward.film}")
        room.wait_for_lossless(page)
        button = page.get_by_test_id("grade-button")
        page.keyboard.press("g")
        expect(page.get_by_test_id("grade-dialog")).to_be_visible()
        shot(page, ward, "grade")
        page.keyboard.press("2")
        expect(button).to_have_attribute("data-grade", "good")
        expect(button).to_contain_text("乙")
        page.get_by_test_id("claim").click()
        expect(page.get_by_test_id("send-back")).to_be_visible()
        page.keyboard.press("j")
        marking = page.get_by_test_id("marking")
        expect(marking).to_be_visible()
        drag(page, marking, (0.3, 0.3), (0.5, 0.5))
        page.get_by_test_id("mark-circle").click()
        drag(page, marking, (0.6, 0.2), (0.8, 0.4))
        expect(marking).to_have_attribute("data-marks", "2")
        page.get_by_test_id("reason-foreign-body").click()
        page.get_by_test_id("reject-note").fill("请取下项链")
        page.get_by_test_id("reject-send-back").check()
        shot(page, ward, "reject")
        page.get_by_test_id("confirm-reject").click()
        expect(page.get_by_test_id("retake-note")).to_have_attribute("data-state", "asked")
        expect(page.get_by_test_id("reading")).to_have_attribute("data-state", "returned")

    with page_of(ward.browser, ward.gateway.url, viewport=PHONE) as phone:
        room.log_in(phone, "clinic")
        card = phone.get_by_test_id("retake-card")
        expect(card).to_contain_text("体外异物")
        expect(card).to_contain_text("请取下项链")
        accession = card.get_by_test_id("retake-accession").inner_text()
        picture = picture_of(phone, card)
        assert greys_of(picture) >= {round(255 * share / 3) for share in range(4)}, "the film's own greys"
        assert near(picture, YELLOW).sum() > 500, "the marks are in the picture"
        assert not phone.evaluate("document.documentElement.scrollWidth > innerWidth"), "the page scrolls sideways"
        shot(phone, ward, "clinic-phone")
        card.get_by_test_id("retake-seen").click()
        expect(card).to_have_attribute("data-state", "seen")
        card.get_by_test_id("retake-now").click()
        expect(card).to_have_attribute("data-state", "scheduled")
        orders = phone.request.get("/api/orders?q=" + accession).json()["items"]
        storescu(ward.gateway, _film(ward.folder / "again.dcm", uid=orders[0]["study_instance_uid"]))
        expect(card).to_have_count(0, timeout=room.SLOW_MS)

    with page_of(ward.browser, ward.gateway.url, viewport=DESK) as page:
        room.log_in(page, "writer")
        page.goto(f"/readings/{ward.film}")
        expect(page.get_by_test_id("retake-note")).to_have_attribute("data-state", "retaken")
        api = log_in(ward.gateway, "writer")
        new = wait_for(lambda: next((row for row in readings(api, ward.gateway)
                                     if row["kind"] == "image" and row["id"] != ward.film), None))
        page.goto(f"/readings/{new['id']}")
        expect(page.get_by_test_id("retake-answer")).to_contain_text("体外异物")
        expect(page.get_by_test_id("other-study-band")).to_be_visible()
        expect(page.get_by_test_id("image-canvas")).to_have_count(2, timeout=room.SLOW_MS)
        shot(page, ward, "side-by-side")


def test_an_ecg_is_marked_by_keys_alone_and_a_clinic_that_cannot_says_why(ward: Ward) -> None:
    with page_of(ward.browser, ward.gateway.url, viewport=DESK) as page:
        room.log_in(page, "writer")
        page.goto(f"/readings/{ward.ecg}")
        expect(page.get_by_test_id("ecg-traces")).to_have_attribute("data-state", "drawn", timeout=room.SLOW_MS)
        expect(page.get_by_test_id("grade-button")).to_be_visible()
        page.keyboard.press("j")
        marking = page.get_by_test_id("marking")
        marking.focus()
        for key in ("Enter", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        expect(marking).to_have_attribute("data-marks", "1")
        dark = (drawn_on(marking).sum(axis=2) < 200).sum()
        assert dark > 1000, "the traces are in the picture"
        expect(page.get_by_test_id("reason-position")).to_have_count(0)
        page.get_by_test_id("reason-lead-off").click()
        shot(page, ward, "reject-ecg")
        page.get_by_test_id("confirm-reject").click()
        expect(page.get_by_test_id("retake-note")).to_have_attribute("data-state", "asked")
        with page_of(ward.browser, ward.gateway.url) as desk:
            room.log_in(desk, "clinic")
            card = desk.get_by_test_id("retake-card").filter(has_text="导联脱落")
            picture_of(desk, card)
            shot(desk, ward, "clinic-desk")
            card.get_by_test_id("retake-cannot").click()
            desk.get_by_test_id("cannot-dialog").get_by_role("button", name="患者已经离开").click()
            desk.get_by_test_id("confirm-cannot").click()
            expect(card).to_have_count(0)
        expect(page.get_by_test_id("retake-note")).to_have_attribute("data-state", "declined")   # live
        expect(page.get_by_test_id("retake-note")).to_contain_text("患者已经离开")


def test_a_head_sees_the_figures_by_device_and_person_and_takes_them_home(ward: Ward) -> None:
    with page_of(ward.browser, ward.gateway.url, viewport=DESK, locale="en-GB") as page:
        room.log_in(page, "reviewer")
        film = readings(log_in(ward.gateway, "writer"), ward.gateway, state="all")[0]
        view = page.request.post(f"/api/quality/studies/{film['study_id']}/grades", data=json.dumps({
            "level": "study", "target_id": film["study_id"], "grade": "excellent", "revision": 99}),
            headers={"Content-Type": "application/json"})
        assert view.status == 409, "a grade that nobody saw is not overwritten"
        view = page.request.get(f"/api/quality/studies/{film['study_id']}").json()
        known = next((g["revision"] for g in view["grades"] if g["is_current"] and g["level"] == "study"), 0)
        assert page.request.post(f"/api/quality/studies/{film['study_id']}/grades", data=json.dumps({
            "level": "study", "target_id": film["study_id"], "grade": "excellent", "revision": known}),
            headers={"Content-Type": "application/json"}).status == 200
        page.get_by_role("link", name="质控").click()
        table = page.get_by_test_id("figures-table")
        expect(table).to_contain_text("DR 1室")
        page.get_by_test_id("figures-per").select_option("operator")
        expect(table).to_contain_text("Test Technician")
        share = page.get_by_test_id("shares").get_by_role("listitem").filter(has_text="Test Technician")
        expect(share).to_contain_text("100%")
        page.get_by_test_id("figures-monthly").check()
        shot(page, ward, "figures")
        address = page.get_by_test_id("figures-csv").get_attribute("href")
        assert address is not None
        text = page.request.get(address).body().decode("utf-8-sig")
        assert text.splitlines()[0].startswith("月份,机构,操作者")
        assert "Test Technician" in text


def drag(page: Page, element: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = element.bounding_box()
    assert box is not None
    (x, y), (to_x, to_y) = ((box["x"] + part[0] * box["width"], box["y"] + part[1] * box["height"])
                            for part in (start, end))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2, steps=3)
    page.mouse.move(to_x, to_y)
    page.mouse.up()


def picture_of(page: Page, card: Locator) -> np.ndarray:
    """The marked picture as the server keeps it."""
    address = card.get_by_test_id("retake-picture").get_by_role("img").get_attribute("src")
    assert address is not None
    return np.asarray(Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB")).astype(int)


def drawn_on(marking: Locator) -> np.ndarray:
    data = marking.evaluate("canvas => canvas.toDataURL('image/png').split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.asarray((np.abs(picture - np.array(colour)) < 12).all(axis=2))


def greys_of(picture: np.ndarray) -> set[int]:
    """Values of grey that cover at least a hundredth of the picture, put to the nearest of 0, 85, 170, 255."""
    is_grey = (picture.max(axis=2) - picture.min(axis=2)) < 6
    values = picture[..., 0][is_grey]
    return {level for level in (0, 85, 170, 255) if (np.abs(values - level) < 6).mean() > 0.01}


def shot(page: Page, ward: Ward, name: str) -> None:
    """For the eyes of who changes the page; kept with the run."""
    page.screenshot(path=ward.folder / f"{name}.png", full_page=False)


def _film(path: Path, *, uid: str = "") -> Path:
    """Four broad bands of grey from black to white, by a named technician."""
    bands = np.repeat(np.array([0, 1000, 2000, 3000], np.uint16), 200)
    pixels = np.tile(bands, (600, 1))
    more = {"StudyInstanceUID": uid} if uid else {}
    path.write_bytes(part10(image(pixels, PatientID="P-Q", PatientName="Test^Patient", StudyDescription=FILM,
                                  OperatorsName="Test Technician", WindowCenter=1500, WindowWidth=3001, **more)))
    return path
