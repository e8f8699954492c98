"""Chinese names as devices really send them (requirements C1 to C4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.charset import TextReader, python_codec
from storage.model import Confidence

DECLARED, GUESSED, DEVICE_RULE = Confidence.DECLARED, Confidence.GUESSED, Confidence.DEVICE_RULE
SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林罗高梁郑谢宋唐许韩邓冯曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰春梅建国志红海燕鹏飞宇浩然子涵梓萱"


@pytest.mark.parametrize(("declared", "raw", "shown"), [
    (b"ISO_IR 192", "王^小东".encode(), "王小东"),
    (b"GB18030", "王^小东".encode("gb18030"), "王小东"),
    (b"GBK", "王^小东".encode("gbk"), "王小东"),
    (b"GBK", "𠮷^田".encode("gb18030"), "𠮷田"),                                  # C1: GBK read with GB18030 tables
    (b"ISO_IR 100", "Müller^Jürgen".encode("latin-1"), "Müller Jürgen"),
    (b"ISO_IR 100", "Núñez^José".encode("latin-1"), "Núñez José"),
    (b"", b"Wang^XiaoDong", "Wang XiaoDong"),
    (b"\\ISO 2022 IR 58",
     b"Wang^XiaoDong=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab=\x1b$)A\xcd\xf5", "王小东"),       # PS3.5 annex K
    (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "山田太郎"),       # PS3.5 annex H
    (b"\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "洪吉洞"),  # PS3.5 annex I
])
def test_text_is_read_as_declared_where_the_bytes_agree(declared, raw, shown):
    """C1."""
    name = TextReader(declared).person_name(raw)
    assert name.display == shown
    assert name.confidence is DECLARED
    assert name.raw_hex == ""


@pytest.mark.parametrize(("declared", "raw", "shown", "codec"), [
    (b"", "张三".encode("gbk"), "张三", "gb18030"),
    (b"", "张三".encode(), "张三", "utf-8"),
    (b"ISO_IR 100", "张^三丰".encode("gbk"), "张三丰", "gb18030"),
    (b"ISO_IR 6", "张^三丰".encode("gbk"), "张三丰", "gb18030"),
    (b"ISO_IR 100", "张^三丰".encode(), "张三丰", "utf-8"),
    (b"GBK", "张伟".encode(), "张伟", "utf-8"),
    (b"GB18030", "欧阳^娜娜".encode(), "欧阳娜娜", "utf-8"),
    (b"ISO_IR 192", "欧阳^娜娜".encode("gbk"), "欧阳娜娜", "gb18030"),
    (b"NONSENSE", "李四".encode("gbk"), "李四", "gb18030"),
])
def test_a_wrong_or_missing_declaration_is_seen_and_the_guess_is_marked(declared, raw, shown, codec):
    """C2, C4: the raw bytes stay with the guess."""
    name = TextReader(declared).person_name(raw)
    assert (name.display, name.encoding, name.confidence) == (shown, codec, GUESSED)
    assert bytes.fromhex(name.raw_hex) == raw


@pytest.mark.parametrize(("declared", "raw"), [
    (b"GB2312", "李四".encode("gb2312")), (b"UTF-8", "李四".encode()), (b"GB18030\\ISO IR 192", "李四".encode("gbk")),
    (b"ISO_IR 100\\GB18030", "李四".encode("gbk")), (b"\\GBK", "李四".encode("gbk")),
    (b" gbk ", "李四".encode("gbk"))])
def test_terms_that_the_standard_does_not_have_are_understood(declared, raw):
    """C2: GB2312, UTF-8, and GB18030 beside another value."""
    assert TextReader(declared).person_name(raw).display == "李四"


@pytest.mark.parametrize("character", list("乗俓琝玘琟塣"))
@pytest.mark.parametrize("declared", [b"GBK", b"GB18030", b"", b"ISO_IR 100"])
def test_a_backslash_or_caret_inside_a_character_splits_nothing(character, declared):
    """C3."""
    raw = f"王^{character}".encode("gbk")
    assert TextReader(declared, sample="羊场镇卫生院".encode("gbk")).person_name(raw).display == f"王{character}"
    assert TextReader(declared).values(f"胸{character}部".encode("gbk")) == [f"胸{character}部"]


def test_every_gbk_character_with_such_a_second_byte_survives():
    """C3: the counts of the requirements, made with Python's codec: 118 and 117."""
    found = {0x5C: 0, 0x5E: 0}
    for code in range(0x4E00, 0xA000):
        raw = chr(code).encode("gbk", "ignore")
        if len(raw) == 2 and raw[1] in found:
            found[raw[1]] += 1
            assert TextReader(b"GBK").person_name(b"\xcd\xf5^" + raw).display == "王" + chr(code)
    assert found[0x5C] >= 100
    assert found[0x5E] >= 100


def test_values_are_split_after_decoding():
    """C3."""
    assert TextReader(b"GBK").values("胸部\\腹部".encode("gbk")) == ["胸部", "腹部"]


@pytest.mark.parametrize(("raw", "text"), [
    ("李四".encode("gbk")[:-1], "李\ufffd"), ("李四".encode("gbk") + b"\0\0", "李四"),
    ("李四　".encode("gbk"), "李四"), ("　李　四".encode("gbk"), "李 四"), (b"", "")])
def test_half_characters_padding_and_full_width_spaces_are_survived(raw, text):
    """C2."""
    assert TextReader(b"GBK").decode(raw).text == text


def test_the_rule_of_the_device_comes_first():
    """C4."""
    name = TextReader(b"ISO_IR 100", device_codec="gbk").person_name("张三".encode("gbk"))
    assert (name.display, name.confidence, name.encoding) == ("张三", DEVICE_RULE, "gb18030")


def test_a_device_rule_that_the_bytes_contradict_does_not_make_them_unreadable():
    """C4."""
    name = TextReader(b"ISO_IR 192", device_codec="utf-8").person_name("张三".encode("gbk"))
    assert (name.display, name.confidence) == ("张三", GUESSED)


def test_a_device_rule_that_names_no_codec_is_passed_over():
    """Receiving never depends on a character set."""
    assert TextReader(b"GBK", device_codec="no such thing").person_name("张三".encode("gbk")).display == "张三"


def test_the_other_text_of_the_data_set_helps_to_guess():
    """C4: two bytes alone prove little, a whole data set more."""
    sample = "羊场镇卫生院 胸部正位".encode("gbk")
    assert TextReader(b"", sample=sample).person_name("娥".encode("gbk")).display == "娥"


def test_common_chinese_names_are_recognised_in_both_encodings_without_any_declaration():
    """C2: no name of 50 surnames and 40 given names may be read wrongly."""
    wrong = [(s + g, codec) for s in SURNAMES for g in GIVEN for codec in ("gbk", "utf-8")
             if TextReader(b"").person_name((s + "^" + g).encode(codec)).display != s + g]
    assert wrong == []


def test_components_are_shown_as_people_write_them():
    reader = TextReader(b"ISO_IR 192")
    name = reader.person_name("Wang^XiaoDong=王^小东=wang".encode())
    assert (name.display, name.alphabetic, name.ideographic) == ("王小东", "Wang XiaoDong", "王小东")


@pytest.mark.parametrize(("name", "codec"), [("GBK", "gb18030"), ("gb2312", "gb18030"), ("UTF-8", "utf-8"),
                                             ("latin1", "iso8859-1"), ("ISO_IR 192", "utf-8")])
def test_an_administrator_may_name_a_character_set_in_either_way(name, codec):
    assert python_codec(name) == codec


@given(st.binary(max_size=80), st.binary(max_size=40))
def test_no_bytes_whatever_break_the_reader(declared, raw):
    reader = TextReader(declared, sample=raw)
    reader.person_name(raw)
    reader.values(raw)
