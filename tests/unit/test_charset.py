"""Chinese names as devices really send them (requirements C1 to C4)."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.charset import TextReader, as_declared, from_unicode, python_codec, to_unicode, utf8_or_chinese
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


@pytest.mark.parametrize(("raw", "character"), [
    ("fe59", "龴"), ("82359037", "龴"), ("fea0", "龻"), ("a6d9", "︐"), ("a6da", "︒"), ("a6db", "︑"),
    ("a6f3", "︙"),
    ("a8bc", "ḿ"), ("8135f437", "ḿ"), ("fe51", "\U00020087"), ("95329031", "\U00020087"), ("fe91", "\U000241fe"),
    ("9835f336", "\U0002a6d6"), ("9839a032", "\U0002b744"), ("81318132", "\u060c"), ("8139a035", "\u2fd5")])
def test_the_characters_of_gb_18030_2022_are_read_by_either_code(raw, character):
    """C7: what older tables put into private use are characters since 2022; four-byte codes beyond the BMP too."""
    raw_name = "王^".encode("gbk") + bytes.fromhex(raw)
    for declared in (b"GB18030", b"GBK"):
        name = TextReader(declared).person_name(raw_name)
        assert name.alphabetic.replace(" ", "") == "王" + character.strip()
        assert name.confidence is DECLARED


def test_a_rare_name_of_2022_is_recognised_without_a_declaration():
    """C2, C7: a private-use character must not speak against Chinese."""
    name = TextReader(b"", sample="羊场镇卫生院".encode("gbk") + b"\xfe\x59").person_name(bytes.fromhex("cdf55efe59"))
    assert (name.display, name.encoding, name.confidence) == ("王龴", "gb18030", GUESSED)


@pytest.mark.parametrize(("text", "shown"), [
    ("张三^ZY00123", "张三 ZY00123"), ("ZY00123^张三", "ZY00123 张三"), ("张三ZY00123", "张三ZY00123"),
    ("张三(住院ZY00123)", "张三(住院ZY00123)"), ("Zhang^San=张^三=ZY00123", "张三")])
@pytest.mark.parametrize(("declared", "codec"), [(b"GBK", "gbk"), (b"", "gbk"), (b"ISO_IR 100", "gbk"),
                                                 (b"ISO_IR 192", "utf-8"), (b"GBK", "utf-8")])
def test_an_inpatient_number_in_the_name_neither_hides_it_nor_is_lost(declared, codec, text, shown):
    """C2: ZY is 住院, inpatient."""
    assert TextReader(declared).person_name(text.encode(codec)).display == shown


@pytest.mark.parametrize(("declared", "raw", "shown"), [
    (b"GB18030\\GB18030", "李^四".encode("gbk"), "李四"), (b"GB18030\\ISO 2022 IR 58", "李^四".encode("gbk"), "李四"),
    (b"ISO 2022 IR 6\\GB18030\\ISO_IR 192", "李^四".encode("gbk"), "李四"),
    (b"ISO 2022 IR 6\\ISO 2022 IR 58", b"Li^Si=\x1b$)A\xc0\xee^\x1b$)A\xcb\xc4", "李四"),
    (b"ISO_IR 58", "李^四".encode("gb2312"), "李四"), (b"ISO 2022 IR 58", "李^四".encode("gb2312"), "李四"),
    (b"\\ISO 2022 IR 87", "山田^太郎".encode("iso2022_jp"), "山田太郎"),
    (b"ISO 2022 IR 13\\ISO 2022 IR 87",
     b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J", "山田太郎")])
def test_code_extensions_are_read_whichever_way_they_are_written(declared, raw, shown):
    """C1, C2: IR 58, IR 87, IR 13, with the escapes that the standard wants and without them."""
    assert TextReader(declared).person_name(raw).display == shown


@pytest.mark.parametrize("cut", range(1, 8))
@pytest.mark.parametrize("declared", [b"GB18030", b"GBK", b"", b"ISO_IR 100"])
def test_a_name_that_a_fixed_field_has_cut_anywhere_is_read_up_to_there(declared, cut):
    """C2: consoles cut names at 16 bytes, in the middle of a character of two or four bytes."""
    raw = "欧阳^娜𠮷".encode("gb18030")
    name = TextReader(declared, sample="羊场镇卫生院胸部正位".encode("gbk")).person_name(raw[:-cut])
    whole = raw[:-cut].decode("gb18030", "ignore").replace("^", "")
    assert name.display.startswith(whole)
    assert name.display.removeprefix(whole).strip() in ("", "\ufffd")


@pytest.mark.parametrize(("declared", "raw", "shown"), [
    (b"ISO_IR 100", "张三".encode("gbk"), "ÕÅÈý"), (b"", "张三".encode("gbk"), "ÕÅÈý"),
    (b"GBK", "张三".encode("gbk"), "张三"),
    (b"ISO_IR 192", "张".encode("gbk"), "\ufffd\ufffd"), (b"\\ISO 2022 IR 58", b"\x1b$)A\xd5\xc5", "张")])
def test_what_a_program_shows_that_trusts_the_declaration_can_be_told(declared, raw, shown):
    """C4: the example beside the guess."""
    assert as_declared(declared, raw) == shown


def test_text_of_other_formats_is_decoded_by_the_same_tables():
    """C6, C7: HL7, XML and WFDB text."""
    assert to_unicode(bytes.fromhex("fe59"), "gb18030") == utf8_or_chinese(bytes.fromhex("fe59")) == "龴"
    assert utf8_or_chinese("龴".encode()) == "龴"
    assert utf8_or_chinese(b"\xff\xff") == "\ufffd\ufffd"


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


@pytest.mark.parametrize("text", ["龴龵龶龷龸龹龺龻", "王小东", "𠮷", "ḿ"])
def test_what_is_written_in_gb18030_is_what_the_c_library_writes(text):
    """C5, C7."""
    raw = from_unicode(text, "gb18030")
    assert to_unicode(raw, "gb18030") == text
    assert raw == subprocess.run(["iconv", "-f", "UTF-8", "-t", "GB18030"], input=text.encode(), check=True,
                                 capture_output=True).stdout


def test_every_double_byte_code_is_read_as_the_c_library_reads_it():
    """C1, C7: an outside witness, glibc's iconv, for all codes of GB18030 with two bytes that it knows."""
    codes = [bytes((lead, trail)) for lead in range(0x81, 0xFF) for trail in (*range(0x40, 0x7F), *range(0x80, 0xFF))]
    text = subprocess.run(["iconv", "-c", "-f", "GB18030", "-t", "UTF-8"], input=b"\n".join(codes), check=True,
                          capture_output=True).stdout.decode("utf-8")
    lines = text.split("\n")
    assert len(lines) == len(codes)
    wrong = [(code.hex(), seen, to_unicode(code, "gb18030", "replace")) for code, seen in
             zip(codes, lines, strict=True) if seen and to_unicode(code, "gb18030", "replace") != seen]
    assert wrong == []
    assert sum(1 for seen in lines if seen) > 21_000
