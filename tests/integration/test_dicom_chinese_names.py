"""Chinese names from the device's bytes to the study's patient, over a real association (C1 to C4)."""

from __future__ import annotations

import pytest

from storage.model import Confidence, Device
from tests.support import dcmtk
from tests.support import dicom_builders as build
from tests.support.dicom_receiver import SITE, open_receiver

pytestmark = pytest.mark.usefixtures("wire")

DECLARED, GUESSED, DEVICE_RULE = Confidence.DECLARED, Confidence.GUESSED, Confidence.DEVICE_RULE


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


@pytest.mark.parametrize(("character_set", "codec", "name", "confidence"), [
    (b"ISO_IR 192", "utf-8", "王^小东", DECLARED),
    (b"GB18030", "gb18030", "王^小东", DECLARED),
    (b"GBK", "gbk", "王^小东", DECLARED),
    (b"GB18030", "gb18030", "欧阳^𠮷", DECLARED),
    (None, "gbk", "王^小东", GUESSED),
    (None, "utf-8", "王^小东", GUESSED),
    (b"ISO_IR 100", "gbk", "王^小东", GUESSED),
    (b"ISO_IR 6", "gbk", "王^小东", GUESSED),
    (b"GBK", "utf-8", "王^小东", GUESSED),
    (b"ISO_IR 192", "gbk", "王^小东", GUESSED),
    (b"GB2312", "gb2312", "王^小东", DECLARED),
    (b"UTF-8", "utf-8", "王^小东", DECLARED),
    (b"GB18030\\ISO IR 192", "gbk", "王^小东", DECLARED),
    (b"GBK", "gbk", "王^乗俓琝", DECLARED),          # second byte 0x5C
    (None, "gbk", "王^乗俓琝", GUESSED),
    (b"ISO_IR 100", "gbk", "王^玘琟塣", GUESSED),     # second byte 0x5E
    (b"GBK", "gbk", "王^玘琟塣", DECLARED),
])
async def test_a_chinese_name_is_shown_right_and_marked_where_it_was_guessed(receiver, tmp_path, character_set, codec,
                                                                          name, confidence):
    ids = build.StudyIds()
    raw = name.encode(codec)
    part10 = build.dx_image(ids=ids, patient=build.Patient(name=raw, character_set=character_set))
    sent = await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]))
    assert sent.statuses == [0], sent.output[-1500:]
    shown = (await receiver.study(ids.study)).patient.name
    assert (shown.display, shown.confidence) == (name.replace("^", ""), confidence)
    if confidence is GUESSED:
        assert bytes.fromhex(shown.raw_hex) == raw
    (instance,) = await receiver.instances(ids.study)
    assert instance.attributes["00100010"]["Value"] == [{"Alphabetic": name}]
    assert build.dataset_of(await receiver.kept_bytes(instance)) == build.dataset_of(part10)


async def test_the_rule_of_a_device_is_used_for_what_it_sends(receiver, tmp_path):
    """C4: the correction applies to the device."""
    await receiver.add_device(Device("old-dr", SITE.id, "Old DR", "OLD_DR", None, "DX", character_set="gbk"))
    ids = build.StudyIds()
    part10 = build.dx_image(ids=ids, patient=build.Patient(name="王^小东".encode("gbk"), character_set=b"ISO_IR 100"))
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]), calling="OLD_DR")
    shown = (await receiver.study(ids.study)).patient.name
    assert (shown.display, shown.confidence, shown.raw_hex) == ("王小东", DEVICE_RULE, "")


async def test_descriptions_are_decoded_too(receiver, tmp_path):
    ids = build.StudyIds()
    part10 = build.with_text(build.dx_image(ids=ids, patient=build.Patient(character_set=b"GBK")),
                             0x00081030, "胸部正位".encode("gbk"))
    await dcmtk.storescu(receiver.address, build.write_all(tmp_path / "in", [part10]))
    assert (await receiver.study(ids.study)).description == "胸部正位"
