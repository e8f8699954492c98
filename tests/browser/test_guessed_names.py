"""A name whose character set was guessed carries its mark wherever it is shown (C1–C4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support import dicom_builders as dicom
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import log_in, readings, set_up, storescu, wait_for
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser

SENT = {
    "G1": ("测试玘琟".encode("gb18030"), b"GB18030", False),       # trail bytes 0x5E
    "G2": ("测试乗俓".encode("gbk"), None, True),                  # no character set; trail bytes 0x5C
    "G3": ("测试琝塣".encode("gbk"), b"ISO_IR 100", True),         # the wrong one
    "G4": ("测试患者".encode(), b"ISO_IR 192", False),
    "G5": ("测试患者戊".encode(), b"GBK", True),                   # UTF-8 bytes under a GBK label
}
NAMES = {"G1": "测试玘琟", "G2": "测试乗俓", "G3": "测试琝塣", "G4": "测试患者", "G5": "测试患者戊"}


def test_the_worklist_shows_the_right_names_and_marks_the_guessed_ones(tmp_path: Path) -> None:
    with RunningGateway(tmp_path / "var") as gateway, chromium() as browser:
        set_up(gateway)
        paths = []
        for accession, (name, character_set, _) in SENT.items():
            path = tmp_path / f"{accession}.dcm"
            patient = dicom.Patient(patient_id=accession, name=name, character_set=character_set)
            path.write_bytes(dicom.dx_image(AccessionNumber=accession, NumberOfStudyRelatedInstances=1,
                                            patient=patient))
            paths.append(path)
        storescu(gateway, *paths)
        session = log_in(gateway, "writer")
        wait_for(lambda: len(readings(session, gateway)) == len(SENT))
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "writer")
            rows = page.get_by_test_id("worklist-row")
            expect(rows).to_have_count(len(SENT), timeout=room.SLOW_MS)
            for accession, shown in NAMES.items():
                page.get_by_test_id("worklist-search").fill(accession)
                expect(rows).to_have_count(1)
                expect(rows.first).to_contain_text(shown)
                marks = rows.first.get_by_test_id("guessed-name")
                expect(marks).to_have_count(1 if SENT[accession][2] else 0)
