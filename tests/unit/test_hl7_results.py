"""Files come out of HL7 results as they went in, and damaged messages are refused by name (B8)."""

from __future__ import annotations

import random
from datetime import UTC

import pytest

from gateway.core.errors import Unreadable
from gateway.formats.hl7_message import Header, codec_of, read_header, read_message
from gateway.formats.hl7_results import Results, read_results
from tests.support.hl7_results import as_text, ed, oru, value

FILE = bytes(range(256)) * 3
XML = b'<?xml version="1.0"?>\n<a b="c|d^e&amp;f~g\\h">\xe5\xbf\x83</a>\n'


def results(text: str | bytes) -> Results:
    data = text if isinstance(text, bytes) else text.encode()
    header: Header = read_header(data)
    return read_results(read_message(data, header, codec_of(header, "utf-8")), zone=UTC)


def test_each_file_has_its_place_its_order_and_its_patient():
    text = oru(value(), ed(FILE), patient="P9^^^HIS^MR", accession="A9")
    text += "ORC|RE|O2^HIS\rOBR|2|O2^HIS\rOBX|1|ED|ECG||^A^B^Base64^AAAA||||||F|||20260302100000||||CART7^SN\r"
    found = results(text)
    first, second = found.files
    assert (first.data, first.place, first.envelope.accession_number, first.placer_numbers) == (FILE, 2, "A9", ())
    assert (second.data, second.place, second.placer_numbers, second.device_names) == (
        b"\0\0\0", 3, ("O2^HIS", "O2"), ("CART7", "SN"))
    assert second.envelope.accession_number == ""
    assert {one.envelope.patient.patient_id for one in found.files} == {"P9"}
    assert (found.value_count, found.faults) == (1, ())


def test_several_files_of_one_field_are_all_taken():
    one = ed(FILE).split("|")
    one[3] = f"{one[3]}~{one[3]}"
    assert [file.data for file in results(oru("|".join(one))).files] == [FILE, FILE]


def test_text_with_every_separator_escaped_comes_back_to_the_byte():
    (file,) = results(oru(as_text(XML.strip()))).files
    assert file.data == XML.strip()


def test_base64_in_lines_is_joined():
    text = ed(FILE).split("|")
    fields = text[3].split("^")
    fields[4] = "\\.br\\".join(fields[4][at:at + 76] for at in range(0, len(fields[4]), 76))
    text[3] = "^".join(fields)
    (file,) = results(oru("|".join(text))).files
    assert file.data == FILE


@pytest.mark.parametrize(("observation", "why"), [
    ("ED|E||^A^B^Base64^", "no data"), ("ED|E||^A^B^Base64^abc*def", "not base64"), ("ED|E||^A^B^Hex^0g", "not hexa"),
    ("ED|E||^A^B^^a*b", "names no encoding"), ("RP|E||x^y", "reference"),
    ('TX|E||<?xml version="1.0" encoding="ascii"?><a>心</a>', "does not fit the encoding"),
    ('TX|E||<?xml version="1.0" encoding="nonsense"?><a/>', "does not fit the encoding"),
    *((f'TX|E||<?xml version="1.0" encoding="{name}"?><a>{"x" * 70}</a>', "no character set")
      for name in ("idna", "undefined", "punycode", "unicode_escape", "utf-7"))])
def test_a_file_that_cannot_be_taken_out_is_named(observation, why):
    found = results(oru(observation, ed(FILE)))
    (fault,) = found.faults
    assert why in fault.text
    assert (fault.segment, fault.segment_position, fault.field) == ("OBX", 1, 5)
    assert [file.data for file in found.files] == [FILE]


@pytest.mark.parametrize("name", ["utf-8", "UTF-16", "GBK", "gb18030", "Big5", "ISO-8859-1", "windows-1252"])
def test_every_character_set_of_carts_is_written_as_declared(name):
    text = f'<?xml version="1.0" encoding="{name}"?><a>x</a>'
    (file,) = results(oru(f"TX|E||{text}")).files
    assert file.data.decode(name) == text


def test_a_wrong_date_is_a_remark_and_costs_no_file():
    found = results(oru(ed(FILE), observed="tomorrow", birth="1960-04-05"))
    assert len(found.files) == 1
    assert found.faults == ()
    assert {remark.field for remark in found.remarks} == {7}
    assert all(remark.is_remark for remark in found.remarks)


def test_two_thousand_damaged_messages_are_read_or_refused_by_name():
    whole = oru(ed(FILE), as_text(XML), value(), patient="P1").encode()
    dice, outcomes = random.Random(11), {"read": 0, "refused": 0}
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.choice(b"|^~\\&\r\nMSHOBX\x00\xff<9")
        data = data[:dice.randint(1, len(data))] if dice.random() < 0.3 else data
        reason = _refused(bytes(data))
        assert reason == "" or reason.startswith("hl7-")
        outcomes["refused" if reason else "read"] += 1
        if sum(outcomes.values()) % 100 == 0:
            assert results(whole).files[0].data == FILE
    assert min(outcomes.values()) > 100


def _refused(data: bytes) -> str:
    try:
        results(data)
    except Unreadable as exc:
        return exc.reason
    return ""
