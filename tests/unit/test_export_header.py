"""What a form of an ECG does not hold is told in a header: of bounded length, and readable to its last character."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from gateway.http.ecg_export import _header_text


@pytest.mark.parametrize("before", range(9))
def test_a_long_header_is_cut_between_characters(before):
    """A Chinese character is nine signs when encoded, so one of nine beginnings meets the limit inside it."""
    text = "x" * before + "丢失的导联" * 300
    header = _header_text(text)
    assert 4096 - 9 < len(header) <= 4096
    assert header.isascii()
    assert text.startswith(unquote(header, errors="strict"))


def test_what_is_short_is_whole():
    text = "Lead V7 is not held: 12 leads (of 15); 演示-1, \r\n 100% \ud800"
    header = _header_text(text)
    assert unquote(header) == text.replace("\ud800", "?")
    assert not {"\r", "\n"} & set(header)
