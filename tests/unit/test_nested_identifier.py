"""Identifiers with sequences: as pydicom writes and reads them, and damaged ones (PS3.5 7.5)."""

from __future__ import annotations

import random
import zlib
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pynetdicom.dsutils import encode

from gateway.core.errors import Unreadable
from gateway.core.worklist import SEQUENCES, STEP_SEQUENCE
from gateway.formats.nested_identifier import Element, read_tree, write_tree

SYNTAXES = {"1.2.840.10008.1.2": (True, True), "1.2.840.10008.1.2.1": (False, True),
            "1.2.840.10008.1.2.2": (False, False)}


def a_query(*, is_undefined: bool = False) -> Dataset:
    step = Dataset()
    step.Modality, step.ScheduledStationAETitle, step.ScheduledProcedureStepStartDate = "DX", "", "20260302"
    step.ScheduledProtocolCodeSequence = Sequence([])
    query = Dataset()
    query.PatientName, query.PatientID, query.PregnancyStatus = "Wang*", "", 4
    query.ScheduledProcedureStepSequence = Sequence([step])
    query["ScheduledProcedureStepSequence"].is_undefined_length = is_undefined
    step.is_undefined_length_sequence_item = is_undefined
    return query


def encoded(query: Dataset, is_implicit: bool, is_little: bool) -> bytes:
    data = encode(query, is_implicit, is_little)
    assert data is not None
    return data


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("is_undefined", [False, True])
def test_what_pydicom_writes_is_read(syntax, is_undefined):
    is_implicit, is_little = SYNTAXES[syntax]
    data = encoded(a_query(is_undefined=is_undefined), is_implicit, is_little)
    tree = read_tree(data, syntax, sequences=SEQUENCES)
    assert tree[0x00100010].raw.strip() == b"Wang*"
    [step] = tree[STEP_SEQUENCE].items
    assert step[0x00080060].raw == b"DX"
    assert step[0x00400008].items == []


@pytest.mark.parametrize("syntax", [*SYNTAXES, "1.2.840.10008.1.2.1.99"])
def test_what_we_write_is_read_by_pydicom_and_by_us(syntax):
    tree = {0x00100010: Element("PN", "王".encode()), 0x00100020: Element("LO", b"P1"),
            STEP_SEQUENCE: Element("SQ", ({0x00400001: Element("AE", b"DR1"), 0x00400002: Element("DA", b"")},)),
            0x00081110: Element("SQ", ())}
    data = write_tree(tree, syntax)
    again = read_tree(data, syntax, sequences=SEQUENCES)
    assert again[STEP_SEQUENCE].items[0][0x00400001].raw == b"DR1 "
    if syntax in SYNTAXES:
        is_implicit, is_little = SYNTAXES[syntax]
        read = read_dataset(BytesIO(data), is_implicit, is_little)
        assert read.ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "DR1"
        assert list(read.ReferencedStudySequence) == []


def test_nesting_and_length_are_bounded():
    deep = b""
    for _ in range(40):
        deep = b"\x40\x00\x00\x01SQ\0\0" + (len(deep) + 8).to_bytes(4, "little") + b"\xfe\xff\x00\xe0" + len(
            deep).to_bytes(4, "little") + deep
    with pytest.raises(Unreadable, match="too deep"):
        read_tree(deep, "1.2.840.10008.1.2.1")
    many = b"\x10\x00\x20\x00LO\x00\x00" * 20_000
    with pytest.raises(Unreadable, match="too long"):
        read_tree(many, "1.2.840.10008.1.2.1")
    bomb = zlib.compressobj(wbits=-15)
    packed = bomb.compress(b"\0" * (8 << 20)) + bomb.flush()
    with pytest.raises(Unreadable, match="too long"):
        read_tree(packed, "1.2.840.10008.1.2.1.99")


def test_thirty_thousand_damaged_identifiers_are_read_or_refused_and_nothing_else():
    generator = random.Random(20261122)
    refused = 0
    for syntax, (is_implicit, is_little) in SYNTAXES.items():
        whole = [encoded(a_query(is_undefined=flag), is_implicit, is_little) for flag in (False, True)]
        for _ in range(10_000):
            data = bytearray(generator.choice(whole))
            for _ in range(generator.randrange(1, 5)):
                at = generator.randrange(len(data))
                data[at] = generator.choice((0, 1, 0xFF, 0xFE, 0xE0, data[at] ^ 1 << generator.randrange(8)))
            if generator.random() < 0.2:
                del data[generator.randrange(len(data)):]
            try:
                read_tree(bytes(data), syntax, sequences=SEQUENCES)
            except Unreadable:
                refused += 1
    assert 3000 < refused < 29_000
