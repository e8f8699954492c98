"""Operators' Name of an object as people read it, for figures by person (D6, C4)."""

from __future__ import annotations

import pytest

from gateway.core.errors import Unreadable
from gateway.formats.dicom_elements import ByteSource
from gateway.formats.operator_name import read_operator_name
from tests.support import dicom_builders as build

OPERATORS = 0x00081070


def source_in_pieces(data: bytes) -> ByteSource:
    """As the object store hands it out: nothing in memory, bytes on demand."""
    return ByteSource(b"", len(data), lambda start, length: data[start:start + length])


def test_an_object_that_names_nobody_has_no_operator():
    assert read_operator_name(ByteSource(build.dx_image())) == ""


def test_the_first_of_several_operators_is_the_one():
    film = build.dx_image(OperatorsName=["Demo^One", "Demo^Two"])
    assert read_operator_name(source_in_pieces(film)).replace("^", " ") == "Demo One"


@pytest.mark.parametrize(("codec", "device_codec"), [("utf-8", "utf-8"), ("gb18030", "gb18030"), ("gb18030", None)])
def test_a_chinese_name_is_read_by_the_rule_of_its_device_or_by_its_bytes(codec, device_codec):
    film = build.with_text(build.dx_image(OperatorsName="Demo"), OPERATORS, "演示王技师操作".encode(codec))
    assert read_operator_name(source_in_pieces(film), device_codec=device_codec) == "演示王技师操作"


def test_what_is_no_dicom_file_is_unreadable():
    with pytest.raises(Unreadable):
        read_operator_name(ByteSource(b"%PDF-1.7 " * 40))
