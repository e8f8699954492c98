"""The quarantine and the text of devices as the browser asks for them: filters, previews, refusals (B4, C4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydicom.uid import generate_uid

from gateway.services.receive_instance import Sender, receive_part10
from storage.model import ArrivalVia, Device, Role
from tests.support import dicom_builders as build
from tests.support.web import add_person, add_site, serving

SITE = "yangchang"


@dataclass
class Desk:
    """A logged-in administrator and the id of a conflict."""

    boss: Any
    parts: Any
    arrival: str
    study: str

    async def get(self, path: str, status: int = 200) -> Any:
        async with self.boss.get(f"/api/admin/{path}") as answer:
            assert answer.status == status, await answer.text()
            return await answer.json() if "json" in answer.content_type else await answer.read()

    async def post(self, path: str, status: int, **body: Any) -> Any:
        async with self.boss.post(f"/api/admin/{path}", json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()


@pytest.fixture
async def desk(parts):
    await add_site(parts, SITE, "演示卫生院")
    await add_person(parts, "boss", (Role.ADMIN, None), name="演示管理员")
    device = Device("dr-1", SITE, "DR", "DR", None, "DX")
    await parts.database.write(lambda tx: tx.sites.add_device(device))
    sender = Sender(SITE, device, ArrivalVia.DICOM, calling_ae_title="DR", address="10.0.0.7", association_id="a-1")
    ids, uid = build.StudyIds(), generate_uid()
    patient = build.Patient(name="演示^乗俓".encode("gbk"), character_set=b"ISO_IR 100")
    receipts = [await receive_part10(parts, build.dx_image(ids=ids, sop_instance_uid=uid, ViewPosition=view,
                                                           patient=patient), sender) for view in ("PA", "AP")]
    async with serving(parts) as web:
        yield Desk(await web.browser("boss"), web.parts, receipts[1].arrival_id, ids.study)


async def test_a_conflict_is_listed_shown_and_decided(desk):
    listed = await desk.get("quarantine?reason=sop-instance-conflict&site=yangchang&q=10.0.0&limit=5")
    assert [one["id"] for one in listed["arrivals"]] == [desk.arrival]
    assert (listed["reasons"], listed["total"]) == ([{"reason": "sop-instance-conflict", "count": 1}], 1)
    shown = await desk.get(f"quarantine/{desk.arrival}")
    assert shown["elements"] == [{
        "kind": "changed", "path": "(0018,5101)", "tag": "(0018,5101)", "keyword": "ViewPosition",
        "name": "View Position", "vr": "CS", "is_private": False, "depth": 0, "first": "PA", "second": "AP"}]
    assert (shown["pixels"]["verdict"], shown["is_first_shown"], shown["choices"]) == (
        "identical", True, ["keep_first", "use_second", "take_as_new"])
    assert shown["first_study"]["patient_name"] == "演示乗俓"
    done = await desk.post(f"quarantine/{desk.arrival}/decide", 200, choice="use_second", reason="技师确认")
    assert (done["is_first_shown"], done["choices"]) == (False, ["undo"])
    assert [(d["choice"], d["reason"], d["actor_name"]) for d in done["decisions"]] == [
        ("use_second", "技师确认", "演示管理员")]
    assert (await desk.get("quarantine"))["arrivals"] == []
    assert len((await desk.get("quarantine?state=decided"))["arrivals"]) == 1


@pytest.mark.parametrize("which", ["first", "second"])
async def test_both_objects_have_a_picture_and_their_bytes(desk, which):
    async with desk.boss.get(f"/api/admin/quarantine/{desk.arrival}/preview?which={which}") as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert (await answer.read())[:3] == b"\xff\xd8\xff"
        assert "no-store" in answer.headers["Cache-Control"]
    async with desk.boss.get(f"/api/admin/quarantine/{desk.arrival}/bytes?which={which}") as answer:
        data = await answer.read()
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert (b"AP" in data) is (which == "second")


@pytest.mark.parametrize(("body", "status", "reason"), [
    ({"choice": "use_second", "reason": " "}, 400, "reason-needed"),
    ({"choice": "delete", "reason": "x"}, 400, "invalid"),
    ({"choice": "settle", "reason": "x"}, 409, "not-possible-now"),
    ({"choice": "undo", "reason": "x"}, 409, "not-possible-now"),
    ({"choice": "retry", "reason": "x"}, 409, "not-possible-now"),
    ({"choice": "undo", "reason": "x", "is_for_alike": True}, 400, "invalid"),
    ({"reason": "x"}, 400, "invalid"),
])
async def test_what_cannot_be_decided_is_refused_by_name_and_changes_nothing(desk, body, status, reason):
    assert (await desk.post(f"quarantine/{desk.arrival}/decide", status, **body))["reason"] == reason
    assert (await desk.get(f"quarantine/{desk.arrival}"))["decisions"] == []


@pytest.mark.parametrize("path", ["quarantine?state=open%20ones", "quarantine/{arrival}/bytes?which=third",
                                  "quarantine/{arrival}/preview?which=", "quarantine?limit=many"])
async def test_questions_that_mean_nothing_are_refused(desk, path):
    await desk.get(path.format(arrival=desk.arrival), status=400)


async def test_there_is_no_picture_of_what_is_none(desk):
    receipt = await receive_part10(desk.parts, b"no DICOM", Sender(SITE, None, ArrivalVia.STOW))
    await desk.get(f"quarantine/{receipt.arrival_id}/preview", status=422)
    await desk.get(f"quarantine/{receipt.arrival_id}/preview?which=first", status=404)
    await desk.get("quarantine/nothing", status=404)


async def test_the_text_of_a_device_is_shown_corrected_and_taken_back(desk):
    (learned,) = await desk.get("devices-text")
    assert (learned["device_id"], learned["names"], learned["suggestion"]) == ("dr-1", 0, "")
    done = await desk.post("devices-text/dr-1/correct", 200, character_set="GBK", reason="厂家确认")
    assert (done["device"]["character_set"], done["can_undo"]) == ("gb18030", True)
    for character_set, reason, problem in (("klingon", "x", "unknown-character-set"), ("utf-8", "", "reason-needed")):
        refused = await desk.post("devices-text/dr-1/correct", 400, character_set=character_set, reason=reason)
        assert refused["reason"] == problem
    assert (await desk.post("devices-text/dr-1/correct", 409, character_set="gb18030", reason="x"))["reason"] == (
        "nothing-to-change")
    done = await desk.post("devices-text/dr-1/undo", 200, reason="弄错了")
    assert (done["device"]["character_set"], done["can_undo"]) == ("", False)
    assert [c["is_undo"] for c in done["corrections"]] == [True, False]
    await desk.get("devices-text/nothing", status=404)
