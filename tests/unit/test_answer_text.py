"""C5: answers in the character set of the peer, in pinyin where it has no Chinese."""

from __future__ import annotations

import struct
import subprocess

import pydicom.charset
import pytest
from pydicom.valuerep import PersonName

from gateway.core.answer_text import GB2312_BY_ESCAPE, answer_character_set, encode_for
from gateway.core.pinyin import pinyin_name, pinyin_text
from storage.model import Device


def _element(tag: int, vr: str, value: bytes) -> bytes:
    """Explicit VR little endian."""
    value += b" " * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def _device(answer_character_set: str) -> Device:
    return Device("d", "s", "DR", "DR1", None, "DX", answer_character_set=answer_character_set)


@pytest.mark.parametrize(("set_for_device", "declared", "expected"), [
    ("", "", "ISO_IR 192"), ("", "ISO_IR 192", "ISO_IR 192"), ("", "GB18030", "GB18030"), ("", "GBK", "GBK"),
    ("", "ISO_IR 6", "ISO_IR 6"), ("", "ISO_IR 100", "ISO_IR 100"), ("", "\\ISO 2022 IR 58", GB2312_BY_ESCAPE),
    ("", "ISO 2022 IR 6\\ISO 2022 IR 58", GB2312_BY_ESCAPE), ("", "GB2312", "GB18030"), ("", "UTF-8", "ISO_IR 192"),
    ("", "nonsense", "ISO_IR 192"), ("pinyin", "GB18030", "ISO_IR 6"), ("GB18030", "ISO_IR 6", "GB18030"),
    ("GBK", "", "GBK"), ("", "ISO_IR 100\\GB18030", "ISO_IR 100"), ("", "ISO_IR 13", "ISO_IR 13"),
])
def test_the_device_rule_wins_then_what_the_query_declares_then_utf_8(set_for_device, declared, expected):
    assert answer_character_set(_device(set_for_device), declared) == expected


def test_a_caller_that_nobody_knows_is_answered_as_it_asks():
    assert answer_character_set(None, "GB18030") == "GB18030"


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", "GBK"])
def test_a_chinese_name_carries_both_groups_and_pydicom_reads_it_back(charset):
    raw = encode_for("王小明", charset, is_person_name=True)
    encodings = pydicom.charset.convert_encodings(charset.split("\\"))
    name = PersonName(raw, encodings=encodings)
    assert (name.alphabetic, name.ideographic) == ("Wang^Xiaoming", "王小明")


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", "GBK", GB2312_BY_ESCAPE])
def test_what_dcmtk_reads_is_what_we_meant(tmp_path, charset):
    written = [(0x00080005, "CS", charset.encode()), (0x00081030, "LO", encode_for("胸部 CT^平扫", charset)),
               (0x00100010, "PN", encode_for("诸葛小明", charset, is_person_name=True))]
    (tmp_path / "in.raw").write_bytes(b"".join(_element(*one) for one in written))
    subprocess.run(["dcmconv", "-f", "-te", "+U8", tmp_path / "in.raw", tmp_path / "out.dcm"], check=True)
    seen = (tmp_path / "out.dcm").read_bytes()
    assert "Zhuge^Xiaoming=诸葛小明".encode() in seen
    assert "胸部 CT^平扫".encode() in seen


@pytest.mark.parametrize("charset", ["ISO_IR 6", "ISO_IR 100"])
def test_a_console_without_chinese_gets_the_alphabetic_group_alone(charset):
    assert encode_for("王小明", charset, is_person_name=True) == b"Wang^Xiaoming"
    assert encode_for("Wang^Xiaoming=王^小明", charset, is_person_name=True) == b"Wang^Xiaoming"
    assert encode_for("胸部正位DR", charset) == b"Xiong bu zheng wei DR"


def test_letters_that_the_character_set_has_stay():
    assert encode_for("Müller^Jörg", "ISO_IR 100", is_person_name=True) == "Müller^Jörg".encode("latin-1")
    assert encode_for("Müller^Jörg", "ISO_IR 6", is_person_name=True) == b"Muller^Jorg"
    assert encode_for("Smith^John", "ISO_IR 192", is_person_name=True) == b"Smith^John"


def test_gb2312_by_escape_designates_anew_in_every_component():
    raw = encode_for("Wang^Xiaoming=王^小明", GB2312_BY_ESCAPE, is_person_name=True)
    assert raw == b"Wang^Xiaoming=\x1b$)A" + "王".encode("gb2312") + b"^\x1b$)A" + "小明".encode("gb2312")
    text = encode_for("胸部\r\n正位 DR", GB2312_BY_ESCAPE)
    assert text.count(b"\x1b$)A") == 2


def test_rare_characters_are_written_where_the_set_has_them_and_marked_where_not():
    assert encode_for("𠮷", "GB18030").decode("gb18030") == "𠮷"
    assert encode_for("𠮷", "GBK") == b"?"
    assert encode_for("𠮷", "ISO_IR 6").isascii()


def test_what_is_longer_than_the_vr_allows_is_cut_after_spelling():
    assert encode_for("胸部正位片", "ISO_IR 6", longest=16) == b"Xiong bu zheng w"
    assert len(encode_for("胸" * 20, "ISO_IR 192", longest=16).decode()) == 16


@pytest.mark.parametrize(("name", "expected"), [
    ("欧阳娜娜", "Ouyang^Nana"), ("单雄信", "Shan^Xiongxin"), ("吕布", "Lyu^Bu"), ("曾国藩", "Zeng^Guofan"),
    ("王", "Wang"), ("欧阳", "Ou^Yang"), ("王^小明", "Wang^Xiaoming"), ("艾力·买买提", "Aili^Maimaiti"),
    ("Demo^Patient", "Demo^Patient"), ("", ""), ("仇英", "Qiu^Ying"), ("万俟卨", "Moqi^Xie"),
])
def test_names_are_spelled_as_people_spell_them(name, expected):
    assert pinyin_name(name) == expected


def test_text_is_spelled_with_its_latin_parts_in_place():
    assert pinyin_text("头颅CT平扫,排除骨折。") == "Tou lu CT Ping sao, Pai chu gu zhe."
    assert pinyin_text("plain text") == "plain text"
