"""The image viewer on the running product: pixels read back, lengths that claim no millimetre they do not have, and
leaving at any moment (E1–E4).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import log_in, readings, set_up, storescu, wait_for
from tests.support.image_builders import image, part10
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

FILM_SIDE = 3000
FILMS = ("测试片甲", "测试片乙", "测试片丙")
CT, CLIP = "测试断层", "测试超声"
SLICES, FRAMES = 24, 12
STORED_WINDOW = (0, 800)
PAIRS = 12                   # each study is opened and left, and opened and left again


@dataclass(frozen=True)
class Ward:
    gateway: RunningGateway
    browser: Browser
    ids: dict[str, str]        # name of the patient → id of the reading


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """Three big films, of which two are of one patient, a CT stack, and a clip of ultrasound."""
    folder = tmp_path_factory.mktemp("viewer")
    with RunningGateway(folder / "var") as gateway, chromium() as browser:
        set_up(gateway)
        files = []
        for number, data in enumerate(_objects()):
            path = folder / f"{number:03}.dcm"
            path.write_bytes(data)
            files.append(path)
        storescu(gateway, *files[:-1])
        storescu(gateway, files[-1], options=("-xy",))      # JPEG, as it is
        api = log_in(gateway, "writer")
        rows = wait_for(lambda: found if len(found := readings(api, gateway)) == 5 else None, within_s=60,
                        why="five studies on the worklist")
        yield Ward(gateway, browser, {row["description"]: row["id"] for row in rows})


@pytest.fixture
def page(ward: Ward) -> Iterator[Page]:
    with page_of(ward.browser, ward.gateway.url) as page:
        room.log_in(page, "writer")
        yield page


def test_a_doctor_who_leaves_at_any_moment_breaks_nothing(ward: Ward, page: Page) -> None:
    """E2: page_of fails on any script error; no canvas and no film of the studies left behind stays in memory."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    memory = page.context.new_cdp_session(page)
    open_study(page, ward, FILMS[0])
    room.wait_for_lossless(page)
    leave(page)
    canvases = living(memory, "HTMLCanvasElement", "true")
    for _ in range(PAIRS):
        description = dice.choice((*FILMS, *FILMS, CT, CLIP))
        open_study(page, ward, description)
        for act in dice.sample((switch_study, claim_or_release, turn_pages), dice.randrange(3)):
            page.wait_for_timeout(dice.uniform(0, 200))
            act(page)
        page.wait_for_timeout(dice.uniform(0, 600))
        leave(page)
        open_study(page, ward, description)              # again, while the first download may still be landing
        page.wait_for_timeout(dice.uniform(0, 800))
        leave(page)
    open_study(page, ward, FILMS[2])
    middle = middle_row(room.wait_for_lossless(page))
    assert len(room.grey_edges(np.convolve(middle, np.ones(15) / 15, "valid")[::8])) == 3, "the film is not on screen"
    leave(page)
    expect(page.locator("canvas")).to_have_count(0)
    wait_for(lambda: living(memory, "HTMLCanvasElement", "true") <= canvases, why="a canvas left behind is in memory")
    wait_for(lambda: living(memory, "ArrayBuffer", f"this[i].byteLength >= {FILM_SIDE ** 2}") == 0,
             why="pixels of a film that nobody shows are still in memory")


def test_turning_pages_changes_the_image_and_its_greys(ward: Ward, page: Page) -> None:
    """E1, E3: each slice of the stack is 10 HU brighter than the one before."""
    canvas = open_stack(page, ward)
    first = int(canvas.get_attribute("data-image-index") or 0)
    check_grey(canvas, 10 * first, STORED_WINDOW)
    page.keyboard.press("PageDown")
    expect(canvas).to_have_attribute("data-image-index", str(first + 10))
    room.wait_for_lossless(page)
    check_grey(canvas, 10 * (first + 10), STORED_WINDOW)
    page.keyboard.press("Home")
    expect(canvas).to_have_attribute("data-image-index", "0")
    room.wait_for_lossless(page)
    check_grey(canvas, 0, STORED_WINDOW)


@pytest.mark.parametrize(("key", "center", "width"), [("1", 40, 400), ("2", -600, 1500), ("3", 400, 1800)])
def test_a_window_by_its_key_shows_the_greys_that_the_standard_computes(ward: Ward, page: Page, key: str, center: int,
                                                                        width: int) -> None:
    """E1: mediastinum, lung and bone on the number keys; inverted they are the greys' complements."""
    canvas = open_stack(page, ward)
    page.keyboard.press("End")
    expect(canvas).to_have_attribute("data-image-index", str(SLICES - 1))
    room.wait_for_lossless(page)
    page.keyboard.press(key)
    expect(canvas).to_have_attribute("data-window", f"{center}/{width}")
    check_grey(canvas, 10 * (SLICES - 1), (center, width))
    page.keyboard.press("i")
    check_grey(canvas, 10 * (SLICES - 1), (center, width), is_inverted=True)


def test_the_side_marks_go_with_the_picture_when_it_is_turned(ward: Ward, page: Page) -> None:
    """E1: a bone at the patient's right stays beside the mark R through four quarter turns and a mirroring."""
    canvas = open_stack(page, ward)
    seen = []
    for key in ("]", "]", "]", "]", "h"):
        edge = wait_for(lambda: edge_of_the_bone(canvas), why="the bone is not on screen")
        expect(page.get_by_test_id(f"side-{edge}")).to_have_text("R")
        seen.append(edge)
        page.keyboard.press(key)
        wait_for(partial(is_elsewhere, canvas, edge), why=f"{key} turned nothing")
    assert seen == ["left", "top", "right", "bottom", "left"]
    assert edge_of_the_bone(canvas) == "right"
    expect(page.get_by_test_id("side-right")).to_have_text("R")


def test_a_length_on_a_film_without_spacing_claims_no_millimetres(ward: Ward, page: Page) -> None:
    """E3: what a pixel of this film is worth nobody knows, and the viewer says so."""
    open_study(page, ward, FILMS[0])
    box = room.wait_for_lossless(page).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.keyboard.press("l")
    page.mouse.move(x - 100, y)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=4)
    page.mouse.move(x + 100, y)
    page.mouse.up()
    measurement = page.get_by_test_id("measurement")
    expect(measurement).to_contain_text("px 未校准")
    expect(measurement).to_have_attribute("data-mm", "")
    expect(page.get_by_test_id("image-canvas").locator("svg text").first).to_contain_text("px 未校准")
    assert "mm" not in page.get_by_test_id("image-canvas").inner_text()
    page.get_by_test_id("measurement-remove").click()
    expect(measurement).to_have_count(0)


def test_a_clip_plays_and_pauses_on_the_frame_it_names(ward: Ward, page: Page) -> None:
    """E4: JPEG frames, each brighter than the one before; what is on screen is the frame that the counter says."""
    open_study(page, ward, CLIP)
    canvas = page.get_by_test_id("image-canvas")
    expect(canvas).to_have_attribute("data-loaded", str(FRAMES), timeout=room.SLOW_MS)
    expect(canvas).to_have_attribute("data-playing", "true")
    seen: set[str | None] = set()

    def has_moved() -> bool:
        seen.add(canvas.get_attribute("data-image-index"))
        return len(seen) >= 4

    wait_for(has_moved, why="the clip stands still")
    page.keyboard.press(" ")
    expect(canvas).to_have_attribute("data-playing", "false")
    paused_at = int(canvas.get_attribute("data-image-index") or 0)
    check_clip_frame(canvas, paused_at)
    page.keyboard.press("ArrowDown")
    stepped_to = min(paused_at + 1, FRAMES - 1)
    expect(canvas).to_have_attribute("data-image-index", str(stepped_to))
    check_clip_frame(canvas, stepped_to)
    page.get_by_test_id("clip-measure").click()
    room.wait_for_lossless(page)
    expect(canvas).to_have_attribute("data-image-index", str(stepped_to))
    check_clip_frame(canvas, stepped_to)


def open_stack(page: Page, ward: Ward) -> Locator:
    open_study(page, ward, CT)
    return room.wait_for_lossless(page)


def check_grey(canvas: Locator, value: int, window: tuple[int, int], *, is_inverted: bool = False) -> None:
    """The middle of the picture shows the stored value through the window (PS3.3 C.11.2.1.2.1, linear)."""
    center, width = window
    share = np.clip((value - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    expected = 255 * (1 - share if is_inverted else share)
    try:
        wait_for(lambda: abs(grey_in_the_middle(canvas) - expected) <= 2, within_s=20)
    except AssertionError:
        raise AssertionError(f"{value} HU in {window}: {grey_in_the_middle(canvas)}, not {expected:.0f}") from None


def grey_in_the_middle(canvas: Locator) -> float:
    shown = room.pixels_of(canvas)
    y, x = shown.shape[0] // 2, shown.shape[1] // 2
    return float(np.median(shown[y - 20:y + 20, x - 20:x + 20]))


def check_clip_frame(canvas: Locator, frame: int) -> None:
    wait_for(lambda: abs(grey_in_the_middle(canvas) - clip_grey(frame)) <= 3, within_s=20,
             why=f"frame {frame} is not on screen")


def edge_of_the_bone(canvas: Locator) -> str | None:
    """The edge of the picture next to which the one bright block lies."""
    shown = room.pixels_of(canvas)[..., 0]
    height, width = shown.shape
    square = shown[:, (width - height) // 2:(width + height) // 2]
    blocks = {"left": square[:, :height // 5], "right": square[:, -height // 5:],
              "top": square[:height // 5], "bottom": square[-height // 5:]}
    bright = {edge: int((block > 250).sum()) for edge, block in blocks.items()}
    edge = max(bright, key=lambda name: bright[name])
    return edge if bright[edge] > height * height // 200 else None


def is_elsewhere(canvas: Locator, edge: str) -> bool:
    return edge_of_the_bone(canvas) not in (None, edge)


def middle_row(canvas: Locator) -> np.ndarray:
    shown = room.pixels_of(canvas)
    return shown[shown.shape[0] // 2, :, 0]


def open_study(page: Page, ward: Ward, description: str) -> None:
    """From the list, as one page: no reload ever cleans up."""
    page.locator(f'[data-testid="worklist-row"][data-id="{ward.ids[description]}"]').dblclick()
    expect(page.get_by_test_id("identity")).to_be_visible(timeout=room.SLOW_MS)


def leave(page: Page) -> None:
    page.get_by_test_id("identity").get_by_role("link").first.click()
    expect(page.get_by_test_id("worklist-row")).to_have_count(5, timeout=room.SLOW_MS)


def switch_study(page: Page) -> None:
    tabs = page.get_by_test_id("study-tab-image")
    if tabs.count() > 1:
        tabs.nth(1).click()


def claim_or_release(page: Page) -> None:
    button = page.get_by_test_id("claim").or_(page.get_by_test_id("release")).first
    if button.is_visible():
        button.click()


def turn_pages(page: Page) -> None:
    page.keyboard.press("PageDown")


def living(memory: CDPSession, kind: str, condition: str) -> int:
    """How many objects of a kind are in memory after a collection of garbage, whether on the page or not."""
    prototype = memory.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})["result"]["objectId"]
    found = memory.send("Runtime.queryObjects", {"prototypeObjectId": prototype})["objects"]["objectId"]
    counting = (f"function () {{ let n = 0; for (let i = 0; i < this.length; i += 1) if ({condition}) n += 1;"
                "return n; }")
    count = memory.send("Runtime.callFunctionOn",
                        {"objectId": found, "returnByValue": True, "functionDeclaration": counting})
    for handle in (prototype, found):
        memory.send("Runtime.releaseObject", {"objectId": handle})
    return int(count["result"]["value"])


def _objects() -> Iterator[bytes]:
    for number, name in enumerate(FILMS):
        yield part10(film(name, number))
    for number in range(SLICES):
        yield part10(ct_slice(number))
    yield part10(clip())


def film(description: str, number: int) -> Dataset:
    """3000 × 3000 of grain, so that it takes its time; the pixels of its detector are worth nobody knows what."""
    grain = np.random.default_rng(number).integers(0, 200, (FILM_SIDE, FILM_SIDE), np.uint16)
    pixels = grain + np.repeat(np.array([400, 1400, 2400, 3400], np.uint16), FILM_SIDE // 4)
    return image(pixels, StudyDescription=description, PatientID="P-TWO" if number < 2 else "P-ONE",
                 WindowCenter=2048, WindowWidth=4096)


_CT_STUDY = "1.2.826.0.1.3680043.10.78.900"


def ct_slice(number: int) -> Dataset:
    """In air a block of 10 HU more for each slice, and a bone at the patient's right."""
    pixels = np.full((128, 128), -1000, np.int16)
    pixels[32:96, 32:96] = 10 * number
    pixels[48:80, 4:20] = 3000
    return image(pixels, modality="CT", StudyInstanceUID=_CT_STUDY, SOPInstanceUID=f"{_CT_STUDY}.1.{number + 1}",
                 PatientID="P-CT", StudyDescription=CT, InstanceNumber=number + 1, PixelSpacing=[0.5, 0.5],
                 ImagePositionPatient=[0, 0, 5 * number], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                 FrameOfReferenceUID=f"{_CT_STUDY}.9", RescaleSlope=1, RescaleIntercept=0, BitsStored=16, HighBit=15,
                 WindowCenter=0, WindowWidth=800)


def clip() -> Dataset:
    frames = np.stack([np.full((96, 128, 3), clip_grey(frame), np.uint8) for frame in range(FRAMES)])
    return image(frames, modality="US", syntax=JPEGBaseline8Bit, PatientID="P-US", StudyDescription=CLIP,
                 FrameTime=100)


def clip_grey(frame: int) -> int:
    return 20 + 15 * frame
