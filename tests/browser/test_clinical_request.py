"""What the clinic asked stands beside the images: an order by HL7, its film, the reader's page (A1, E4)."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support import dicom_builders as dicom
from tests.support import reading_room as room
from tests.support.browser import chromium, page_of
from tests.support.clinic_county import SITE, log_in, readings, set_up, storescu, wait_for
from tests.support.mllp import framed, omi
from tests.support.running_gateway import RunningGateway

pytestmark = pytest.mark.browser


def test_the_reader_sees_diagnosis_and_purpose_of_an_order_that_came_by_hl7(tmp_path: Path) -> None:
    diagnosis = "突发右侧胸痛三小时，呼吸困难，既往慢性阻塞性肺疾病十年"
    with RunningGateway(tmp_path / "var", environment={"READING_GATEWAY_QUIET_PERIOD_S": "0.5"}) as gateway, \
            chromium() as browser:
        set_up(gateway)
        host, port = gateway.mllp.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as peer:
            peer.sendall(framed(omi(facility=SITE, diagnosis=diagnosis, study_uid="1.2.826.0.1.3680043.10.5.1")))
            assert b"MSA|AA|M1" in peer.recv(65536)
        path = tmp_path / "film.dcm"
        path.write_bytes(dicom.dx_image(
            ids=dicom.StudyIds(study="1.2.826.0.1.3680043.10.5.1"), AccessionNumber="ACC1",
            patient=dicom.Patient("P1", "Yan^Shiwang=演示王小明".encode("gb18030"), character_set=b"GB18030")))
        storescu(gateway, path)
        session = log_in(gateway, "writer")
        wait_for(lambda: bool(readings(session, gateway)), why="the study is on the worklist")
        with page_of(browser, gateway.url) as page:
            room.log_in(page, "writer")
            room.open_from_worklist(page, "演示王小明")
            asked = page.get_by_test_id("clinical-request")
            expect(asked).to_have_count(2)
            expect(asked.first).to_contain_text(diagnosis)
            expect(asked.last).to_contain_text("排除肺炎")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            page.screenshot(path=str(tmp_path / "reading.png"))
