"""A PDF is known as one and described without a library; nothing is traced from it (B8)."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.formats.pdf_ecg import PdfFacts, describe, recognise
from tests.support.ecg_builders import RECORDED_AT
from tests.support.pdf_builders import pdf_file


def test_pages_title_and_time_are_told():
    assert recognise(pdf_file())
    assert describe(pdf_file(pages=3, title="演示心电图")) == PdfFacts(3, RECORDED_AT, "演示心电图", False)


def test_a_locked_file_tells_its_pages_only():
    assert describe(pdf_file(is_encrypted=True)) == PdfFacts(2, None, "", True)


@pytest.mark.parametrize(("created", "expected"), [
    ("D:20260302003000Z", RECORDED_AT), ("D:20260302083000", RECORDED_AT),
    ("D:2026", datetime(2025, 12, 31, 16, tzinfo=UTC)),
    ("D:20261302083000", None), ("yesterday", None), ("", None)])
def test_the_time_is_read_where_it_is_one(created, expected):
    assert describe(pdf_file(created=created), time_zone=ZoneInfo("Asia/Shanghai")).created_at == expected


def test_a_time_without_zone_is_not_guessed():
    assert describe(pdf_file(created="D:20260302083000")).created_at is None


def test_a_literal_title_loses_its_escapes():
    data = pdf_file().replace(b"/Title <", rb"/Title (Demo \(A\) \101\\) /Other <")
    assert describe(data).title == r"Demo (A) A\\"[:-1]


def test_a_page_tree_in_a_compressed_stream_is_found():
    packed = zlib.compress(b"2 0 << /Type /Pages /Count 7 /Kids [] >>")
    data = b"%PDF-1.5\n1 0 obj\n<< /Type /ObjStm /N 1 /First 4 >>\nstream\r\n" + packed + (
        b"\nendstream\nendobj\nstartxref\n9\n%%EOF")
    assert recognise(data)
    assert describe(data).page_count == 7


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 ...", pdf_file()[:-60], b"PDF" + pdf_file()[4:],
                                  pdf_file() + bytes(9000)])
def test_what_does_not_begin_and_end_as_a_pdf_is_none(data):
    assert not recognise(data)
