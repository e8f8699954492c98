"""Huffman codes of SCP-ECG: every table a device may write, against an encoder that spells bits as text (B8)."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.formats import scp_huffman
from gateway.formats.scp_bits import OutOfCodes
from gateway.formats.scp_huffman_encode import differences, encode
from tests.support.scp_builders import Code, by_differences, default_code, spell, table_section, to_bytes

RANDOM = np.random.default_rng(11)
EVERY_WIDTH = [*range(-10, 11), 127, 128, -128, -129, 32767, -32768, *RANDOM.integers(-40, 40, 3000).tolist()]
SMALL = [Code("0", 0), Code("10", 1), Code("110", -1), Code("1110", extra=8), Code("1111", extra=16)]
LONG = [Code("0", 0), Code("1" * 20 + "0", 1), Code("1" * 21 + "0", -1), Code("1" * 22, extra=16)]


def test_the_default_table_decodes_values_of_every_width():
    data = to_bytes("".join(map(default_code, EVERY_WIDTH)))
    values, used = scp_huffman.decode(data, len(EVERY_WIDTH), scp_huffman.default_tables())
    assert values.tolist() == EVERY_WIDTH
    assert len(data) - 1 <= used <= len(data)


@pytest.mark.parametrize("table", [SMALL, LONG])
def test_a_table_of_the_file_decodes_even_with_prefixes_longer_than_the_look_up_window(table):
    tables = scp_huffman.read_tables(table_section([table]))
    data = to_bytes(spell(EVERY_WIDTH, table))
    assert scp_huffman.decode(data, len(EVERY_WIDTH), tables)[0].tolist() == EVERY_WIDTH


def test_tables_that_switch_decode_and_every_lead_begins_with_the_first():
    first = [Code("0", 0), Code("10", 1), Code("110", extra=8), Code("111", switch_to=2)]
    second = [Code("1", 5), Code("01", -5), Code("001", extra=16), Code("000", switch_to=1)]
    tables = scp_huffman.read_tables(table_section([first, second]))
    bits, values = "", []
    for _ in range(900):
        bits += spell([0, 1, 0, 77], first) + "111" + spell([5, -5, 1234, 5], second) + "000"
        values += [0, 1, 0, 77, 5, -5, 1234, 5]
    assert scp_huffman.decode(to_bytes(bits), len(values), tables)[0].tolist() == values
    assert scp_huffman.decode(to_bytes(bits), 5, tables)[0].tolist() == values[:5]
    assert scp_huffman.decode(to_bytes("111" + "000" + "10"), 1, tables)[0].tolist() == [1]


def test_a_lead_of_any_length_is_decoded_in_pieces_without_a_seam():
    values = RANDOM.integers(-300, 300, 60_000)
    data = encode(values)
    assert len(data) > 2 * scp_huffman._PIECE_BITS // 8
    assert np.array_equal(scp_huffman.decode(data, len(values), scp_huffman.default_tables())[0], values)


def test_the_fast_encoder_writes_the_same_bits_as_the_slow_one():
    values = np.array(EVERY_WIDTH)
    slow = to_bytes("".join(map(default_code, EVERY_WIDTH)))
    assert encode(values).ljust(len(slow), b"\0") == slow
    for order in (0, 1, 2):
        assert differences(values, order).tolist() == by_differences(EVERY_WIDTH, order)


def test_codes_that_end_too_early_or_are_in_no_table_are_refused():
    tables = scp_huffman.default_tables()
    data = to_bytes("".join(map(default_code, [9, -9, 300])))
    with pytest.raises(OutOfCodes):
        scp_huffman.decode(data, 100, tables)
    with pytest.raises(OutOfCodes):
        scp_huffman.decode(b"\xff\xff", 1, tables)          # a 16-bit value announced, and cut off
    with pytest.raises(OutOfCodes):
        scp_huffman.decode(b"", 1, tables)
    gap = scp_huffman.read_tables(table_section([[Code("0", 0), Code("10", 1)]]))
    with pytest.raises(OutOfCodes, match="does not know, after 2"):
        scp_huffman.decode(to_bytes("010110"), 4, gap)


@pytest.mark.parametrize("body", [
    b"", b"\x01", struct.pack("<H", 0), struct.pack("<H", 40000), struct.pack("<HH", 1, 0), struct.pack("<HH", 1, 9),
    table_section([[Code("0", 0)]])[:-1],
    struct.pack("<HHBBBhI", 1, 1, 0, 1, 1, 0, 0), struct.pack("<HHBBBhI", 1, 1, 40, 40, 1, 0, 0),
    struct.pack("<HHBBBhI", 1, 1, 8, 4, 1, 0, 0), struct.pack("<HHBBBhI", 1, 1, 1, 1, 0, 2, 0),
])
def test_a_table_that_contradicts_itself_is_refused_by_name(body):
    with pytest.raises(Unreadable) as refusal:
        scp_huffman.read_tables(body)
    assert refusal.value.reason == "scp-huffman-table"
