"""Elements as a person reads them, also of objects that were written by nobody in their right mind (B4)."""

from __future__ import annotations

import random
import struct

import pytest
from pydicom import Dataset

from gateway.core.dataset_difference import (
    DifferenceKind,
    PixelVerdict,
    ShownElement,
    dataset_difference,
    path_text,
    shape_verdict,
)
from gateway.core.errors import Unreadable
from gateway.formats.shown_elements import MAX_ELEMENTS, shown_elements
from gateway.renditions.stored_file import read_head
from tests.support import dicom_builders as build

pytestmark = pytest.mark.filterwarnings("ignore")        # pydicom warns of what is wrong here on purpose


def shown(part10: bytes, **more) -> list[ShownElement]:
    return shown_elements(read_head(lambda start, length: part10[start:start + length], len(part10)).dataset, **more)


def texts(part10: bytes) -> dict[str, str]:
    return {element.keyword: element.text for element in shown(part10)}


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big endian", "deflated", "rle"])
def test_values_are_shown_as_they_mean_in_every_encoding(syntax):
    item = Dataset()
    item.ReferencedFrameNumber, item.FrameOfInterestType = [1, 2], ["A", "B"]
    found = texts(build.ct_slice(syntax=syntax, FrameOfInterestSequence=None, ReferencedImageSequence=[item],
                                 PixelSpacing=[0.5, 0.25], ExposureIndex=1.5, FrameIncrementPointer=0x00181063))
    assert found["Rows"] == "64"
    assert found["PixelSpacing"] == "0.5\\0.25"
    assert found["FrameIncrementPointer"] == "(0018,1063)"
    assert found["ReferencedImageSequence"] == "[1]"
    assert found["ReferencedFrameNumber"] == "1\\2"
    assert found["SOPClassUID"] == "1.2.840.10008.5.1.4.1.1.2 (CT Image Storage)"


def test_an_item_may_name_a_character_set_of_its_own():
    """PS3.3 C.12.1.1.2."""
    item = Dataset()
    item.SpecificCharacterSet, item.PatientName = "GB18030", "王^小东"
    part10 = build.ct_slice(patient=build.Patient(name="张^三".encode(), character_set=b"ISO_IR 192"),
                            ReferencedPatientSequence=[item])
    names = [element.text for element in shown(part10) if element.keyword == "PatientName"]
    assert names == ["王^小东", "张^三"]


def test_a_device_rule_reads_the_text_of_both_sides():
    part10 = build.dx_image(patient=build.Patient(name="김^영희".encode("euc_kr"), character_set=b"ISO_IR 100"))
    (name,) = [e.text for e in shown(part10, device_codec="euc_kr") if e.keyword == "PatientName"]
    assert name == "김^영희"


def test_differences_come_in_the_order_of_the_data_set_and_know_their_kind():
    def element(*place: int, text: str = "x") -> ShownElement:
        return ShownElement(place, "", "", "LO", text, text)

    found = dataset_difference([element(8), element(16, 1, 8, text="a"), element(32)],
                               [element(16, 1, 8, text="b"), element(16, 2, 8), element(32)])
    assert [(d.kind, d.element.place) for d in found.differences] == [
        (DifferenceKind.ONLY_FIRST, (8,)), (DifferenceKind.CHANGED, (16, 1, 8)),
        (DifferenceKind.ONLY_SECOND, (16, 2, 8))]
    assert found.equal_count == 1
    assert path_text((0x00400275, 1, 0x00081110, 2, 0x00081155)) == "(0040,0275)[1] > (0008,1110)[2] > (0008,1155)"


@pytest.mark.parametrize(("first", "second", "verdict"), [
    (None, None, PixelVerdict.NONE), ((1, 2, 2, 1), None, PixelVerdict.ONLY_FIRST),
    (None, (1, 2, 2, 1), PixelVerdict.ONLY_SECOND), ((1, 2, 2, 1), (1, 2, 3, 1), PixelVerdict.SHAPE),
    ((1, 2, 2, 1), (1, 2, 2, 1), None)])
def test_shapes_decide_before_pixels_do(first, second, verdict):
    assert shape_verdict(first, second) is verdict


def test_the_list_is_bounded():
    many = Dataset()
    many.ReferencedSOPInstanceUID = "1.2.3"
    part10 = build.ct_slice(ReferencedImageSequence=[many] * (MAX_ELEMENTS + 50))
    assert len(shown(part10)) == MAX_ELEMENTS


@pytest.mark.parametrize("seed", range(12))
def test_no_damage_makes_the_list_fail_otherwise_than_by_name(seed):
    """A few bytes are changed, cut or doubled; the answer is a list or Unreadable, soon."""
    chance = random.Random(seed)
    item = Dataset()
    item.ReferencedSOPInstanceUID, item.Rows = "1.2.3", 7
    sound = build.private_object(ReferencedImageSequence=[item, item], FrameIncrementPointer=0x00181063,
                                 patient=build.Patient(name="王^小东".encode("gbk"), character_set=b"GBK"))
    read = 0
    for _ in range(60):
        damaged = bytearray(sound)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(132, len(damaged) - 4)
            kind = chance.random()
            if kind < 0.5:
                damaged[at] = chance.randrange(256)
            elif kind < 0.7:
                struct.pack_into("<L", damaged, at, chance.choice((0, 0xFFFFFFFF, 0xFFFF, 7)))
            elif kind < 0.85:
                del damaged[at:at + chance.randint(1, 9)]
            else:
                damaged[at:at] = damaged[at:at + 16]
        try:
            read += len(shown(bytes(damaged))) > 0
        except Unreadable:
            continue
    assert read > 5
