"""The difference between what came first and what lies in quarantine, named by element (B4, C2)."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid

from gateway.core.dataset_difference import DifferenceKind, PixelVerdict, path_text
from gateway.core.errors import NotFound
from gateway.services.compare_arrivals import examine
from storage.model import QuarantineChoice
from tests.support import dicom_builders as build
from tests.support.quarantine_rooms import (
    BOSS,
    HERE,
    OTHER_SENDER,
    THERE,
    actions,
    arrival_of,
    conflict,
    pair,
    quarantine_room,
    send,
)


@pytest.fixture
async def receiver(tmp_path):
    async with quarantine_room(tmp_path / "data") as opened:
        yield opened


def shown(examination):
    return [(path_text(d.element.place), d.element.keyword, d.first.text if d.first else None,
             d.second.text if d.second else None) for d in examination.difference.differences]


async def test_each_differing_element_is_named_with_both_values(receiver):
    arrival = await conflict(receiver, SliceThickness=3, SeriesDescription="Chest 3mm", ImageComments="again",
                             WindowCenter=None)
    found = await examine(receiver.parts, arrival.id, HERE)
    assert shown(found) == [
        ("(0008,103E)", "SeriesDescription", "Chest 5mm", "Chest 3mm"),
        ("(0018,0050)", "SliceThickness", "5.0", "3.0"),
        ("(0020,4000)", "ImageComments", None, "again"),
        ("(0028,1050)", "WindowCenter", "40.0", ""),
    ]
    assert found.difference.equal_count > 25
    assert found.pixels.verdict is PixelVerdict.IDENTICAL
    assert found.choices == (QuarantineChoice.KEEP_FIRST, QuarantineChoice.USE_SECOND, QuarantineChoice.TAKE_AS_NEW)


async def test_elements_inside_sequences_are_named_by_their_path_and_private_ones_by_their_creator(receiver):
    inner, other_inner = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID, other_inner.ReferencedSOPInstanceUID = "1.2.3", "1.2.4"
    first, second = pair()
    ids, uid = build.StudyIds(), generate_uid()
    first = build.ct_slice(ids=ids, sop_instance_uid=uid, ReferencedImageSequence=[inner])
    second = build.ct_slice(ids=ids, sop_instance_uid=uid, ReferencedImageSequence=[other_inner, inner])
    await send(receiver, first)
    found = await examine(receiver.parts, (await send(receiver, second)).arrival_id, HERE)
    assert shown(found) == [
        ("(0008,1140)", "ReferencedImageSequence", "[1]", "[2]"),
        ("(0008,1140)[1] > (0008,1155)", "ReferencedSOPInstanceUID", "1.2.3", "1.2.4"),
        ("(0008,1140)[2] > (0008,1155)", "ReferencedSOPInstanceUID", None, "1.2.3"),
    ]

    uid = generate_uid()
    await send(receiver, build.private_object(ids=ids, sop_instance_uid=uid))
    other = build.private_object(ids=ids, sop_instance_uid=uid).replace(b"\0\1\2\3private", b"\0\1\2\4private")
    found = await examine(receiver.parts, (await send(receiver, other)).arrival_id, HERE)
    (difference,) = found.difference.differences
    assert difference.kind is DifferenceKind.CHANGED
    assert (path_text(difference.element.place), difference.element.name) == ("(0009,1001)", "DEMO MAKER")
    assert difference.first is not None
    assert difference.first.text.startswith("12 B · 00 01 02 03")


async def test_text_is_decoded_as_each_object_needs_it(receiver):
    """C2: one declared GBK, the other nothing."""
    ids, uid = build.StudyIds(), generate_uid()
    await send(receiver, build.dx_image(ids=ids, sop_instance_uid=uid, patient=build.Patient(
        name="测试^玘琟".encode("gbk"), character_set=b"GBK")))
    receipt = await send(receiver, build.dx_image(ids=ids, sop_instance_uid=uid, patient=build.Patient(
        name="测试^乗俓".encode("gbk"))))
    found = await examine(receiver.parts, receipt.arrival_id, HERE)
    assert shown(found) == [("(0008,0005)", "SpecificCharacterSet", "GBK", None),
                            ("(0010,0010)", "PatientName", "测试^玘琟", "测试^乗俓")]


async def test_pixels_are_counted(receiver):
    ids, uid = build.StudyIds(), generate_uid()
    first = build.ct_slice(ids=ids, sop_instance_uid=uid)
    pixels = np.frombuffer(first[-64 * 64 * 2:], "<i2").copy()
    pixels[:10] += 7
    pixels[20] -= 100
    second = first[:-64 * 64 * 2] + pixels.tobytes()
    await send(receiver, first)
    found = await examine(receiver.parts, (await send(receiver, second)).arrival_id, HERE)
    assert shown(found) == []
    assert (found.pixels.verdict, found.pixels.differing, found.pixels.compared, found.pixels.largest) == (
        PixelVerdict.DIFFERENT, 11, 64 * 64, 100)


async def test_another_size_and_another_compression_are_told_apart(receiver):
    ids, uid = build.StudyIds(), generate_uid()
    await send(receiver, build.ct_slice(ids=ids, sop_instance_uid=uid))
    larger = await send(receiver, build.ct_slice(ids=ids, sop_instance_uid=uid, rows=32))
    found = await examine(receiver.parts, larger.arrival_id, HERE)
    assert found.pixels.verdict is PixelVerdict.SHAPE
    assert (found.pixels.first_shape, found.pixels.second_shape) == ((1, 64, 64, 1), (1, 32, 64, 1))
    for syntax in ("implicit", "big endian", "deflated", "rle", "jpeg 2000", "htj2k"):
        packed = await send(receiver, build.ct_slice(ids=ids, sop_instance_uid=uid, syntax=syntax))
        found = await examine(receiver.parts, packed.arrival_id, HERE)
        assert (shown(found), found.pixels.verdict) == ([], PixelVerdict.IDENTICAL), syntax
        assert found.first is not None
        assert found.first.transfer_syntax_uid != found.second.transfer_syntax_uid


async def test_what_is_no_dicom_at_all_is_shown_by_its_first_bytes(receiver):
    receipt = await send(receiver, b"hello, this is no DICOM object")
    found = await examine(receiver.parts, receipt.arrival_id, HERE)
    assert (found.first, found.second.is_readable, found.second.fault) == (None, False, "not-dicom")
    assert found.second.first_bytes.startswith(b"hello")
    assert found.choices == (QuarantineChoice.SETTLE, QuarantineChoice.RETRY)


async def test_an_administrator_of_one_site_is_not_shown_an_object_of_another(receiver):
    """A7: neither its elements nor its site; the administrator of all sees both."""
    first, second = pair(SliceThickness=3)
    await send(receiver, first)
    receipt = await send(receiver, second, OTHER_SENDER)
    found = await examine(receiver.parts, receipt.arrival_id, THERE)
    assert (found.first, found.found.first_study, found.found.is_first_elsewhere) == (None, None, True)
    assert found.named_site_id == ""
    assert found.choices == (QuarantineChoice.KEEP_FIRST,)
    with pytest.raises(NotFound):
        await examine(receiver.parts, receipt.arrival_id, HERE)
    assert (await examine(receiver.parts, receipt.arrival_id, BOSS)).first is not None


async def test_who_looked_is_written_down_once(receiver):
    """J2, J3."""
    arrival = await conflict(receiver)
    for _ in range(3):
        await examine(receiver.parts, arrival.id, HERE)
    assert (await actions(receiver)).count("arrival.examined") == 1


async def test_what_was_kept_is_not_in_quarantine(receiver):
    first, _ = pair()
    receipt = await send(receiver, first)
    assert (await arrival_of(receiver, receipt.arrival_id)).outcome == "kept"
    with pytest.raises(NotFound):
        await examine(receiver.parts, receipt.arrival_id, BOSS)
