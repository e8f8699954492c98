"""What matches a query key and what does not (PS3.4 C.2.2.2; C3, C5)."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest

from gateway.core.errors import Unreadable
from gateway.core.peer_query import DoesNotMatchModel, read_query
from gateway.core.query_keys import Root
from gateway.core.query_matching import BadKey, date_span, matches, name_pattern, read_key
from gateway.formats.identifier import AnswerElement, encode_identifier, read_identifier
from gateway.services.find_for_peer import narrowed

NAME, DATE, TIME, MOMENT, ID, TEXT, WORD, UID, NUMBER = (
    (0x00100010, "PN"), (0x00080020, "DA"), (0x00080030, "TM"), (0x0008002A, "DT"), (0x00100020, "LO"),
    (0x00081030, "LO"), (0x00080060, "CS"), (0x0020000D, "UI"), (0x00200011, "IS"))


@pytest.mark.parametrize(("attribute", "asked", "value", "is_match"), [
    (NAME, "Wang^Xiaoming", "Wang^Xiaoming=王^小明", True),
    (NAME, "WANG^XIAOMING", "Wang^Xiaoming", True),
    (NAME, "Wang^Xiaoming^^", "Wang^Xiaoming", True),
    (NAME, "Wang Xiaoming", "Wang^Xiaoming", True),
    (NAME, "Wang", "Wang^Xiaoming", False),
    (NAME, "Wang*", "Wang^Xiaoming", True),
    (NAME, "W?ng^*", "Wang^Xiaoming", True),
    (NAME, "王小明", "Wang^Xiaoming=王^小明", True),
    (NAME, "王^小明", "=王小明", True),
    (NAME, "王*", "Wang^Xiaoming=王^小明", True),
    (NAME, "王?明", "Wang^Xiaoming=王^小明", True),
    (NAME, "=王*", "Wang^Xiaoming=王^小明", True),
    (NAME, "Li*=王*", "Wang^Xiaoming=王^小明", False),
    (NAME, "Wang*=王*", "Wang^Xiaoming=王^小明", True),
    (NAME, "*=王*", "=王^小明", True),
    (NAME, "=Wang*", "Wang^Xiaoming=王^小明", False),
    (NAME, "MÜLLER*", "Müller^Jörg", True),
    (NAME, "玘*", "=玘^明", True),
    (NAME, "100%", "1000", False),
    (DATE, "20260302", "20260302", True),
    (DATE, "2026.03.02", "20260302", True),
    (DATE, "20260301-20260303", "20260302", True),
    (DATE, "20260303-", "20260302", False),
    (DATE, "-20260302", "20260302", True),
    (DATE, "20260302", "", False),
    (TIME, "08", "085959.9", True),
    (TIME, "0800", "080030", True),
    (TIME, "080000-090000", "090000", True),
    (TIME, "080000-090000", "090001", False),
    (TIME, "-0859", "085959.999999", True),
    (TIME, "08:30", "0830", True),
    (MOMENT, "20260302-20260303", "20260303235959.5", True),
    (MOMENT, "202603020800+0800", "20260302080030", True),
    (MOMENT, "20260302+0800-20260304+0800", "20260303", True),
    (ID, "P-1", "P-1", True),
    (ID, "p-1", "P-1", False),
    (ID, "P-1", "P-1 ", True),
    (ID, "P-?", "P-12", False),
    (ID, "P-1\\P-2", "P-2", True),
    (TEXT, "*hest*", "a chest film", True),
    (TEXT, "Chest", "chest", False),
    (TEXT, "a*b*c", "a-b-b-c", True),
    (TEXT, "a*b*c", "a-b-b-d", False),
    (WORD, "ct", "CT", True),
    (WORD, "C*", "CR", True),
    (UID, "1.2.3\\1.2.4", "1.2.4", True),
    (UID, "1.2.*", "1.2.3", False),
    (NUMBER, "02", "2", True),
    (NUMBER, "2", "3", False),
])
def test_a_value_matches_or_not(attribute, asked, value, is_match):
    assert matches(read_key(attribute[0], attribute[1], asked), (value,)) is is_match


@pytest.mark.parametrize(("attribute", "asked"), [(NAME, ""), (NAME, "*"), (NAME, "^^"), (ID, " "), (UID, "*"),
                                                  (DATE, "*"), (NUMBER, ""), (ID, "P-1\\*")])
def test_an_empty_key_and_a_lone_star_match_everything_also_nothing(attribute, asked):
    key = read_key(attribute[0], attribute[1], asked)
    assert (key.is_universal, matches(key, ())) == (True, True)


def test_a_value_of_several_matches_by_any_of_them():
    assert matches(read_key(0x00080061, "CS", "CT"), ("CR", "CT"))
    assert not matches(read_key(0x00080061, "CS", "MR"), ("CR", "CT"))


@pytest.mark.parametrize(("attribute", "asked"), [(DATE, "yesterday"), (DATE, "2026"), (DATE, "-"), (TIME, "noon"),
                                                  (DATE, "20260101-2026"), (MOMENT, "x")])
def test_a_date_that_is_none_is_refused(attribute, asked):
    with pytest.raises(BadKey):
        read_key(attribute[0], attribute[1], asked)


def test_a_pattern_of_many_stars_costs_no_more_than_a_moment():
    key = read_key(*TEXT, "*a" * 5000 + "b")
    begin = time.perf_counter()
    assert not matches(key, ("a" * 16_000,))
    assert time.perf_counter() - begin < 1.0


@pytest.mark.parametrize(("asked", "span"), [("20260302", ("20260302", "20260302")), ("20260302-", ("20260302", "")),
                                             ("-20260302", ("", "20260302")), ("", None)])
def test_the_days_of_a_key_are_told_to_the_database(asked, span):
    assert date_span(read_key(*DATE, asked)) == span


@pytest.mark.parametrize(("asked", "pattern"), [
    ("Wang^Xiaoming", "Wang*Xiaoming"), ("王^小明", "王*小明"), ("Wang*=王小", "Wang*"), ("=王*", "王*"),
    ("M\u00fcller", "M*ller"), ("*", ""), ("Wang\\Li", "")])
def test_the_pattern_for_the_database_lets_through_whatever_could_match(asked, pattern):
    assert name_pattern(read_key(*NAME, asked)) == pattern


def query(root=Root.STUDY, *, is_relational=False, is_retrieval=False, **values):
    tags = {"level": 0x00080052, "charset": 0x00080005, "patient_id": 0x00100020, "study": 0x0020000D,
            "series": 0x0020000E, "image": 0x00080018, "name": 0x00100010}
    return read_query({tags[name]: value for name, value in values.items()}, root, device_codec=None,
                      is_relational=is_relational, is_retrieval=is_retrieval)


@pytest.mark.parametrize("values", [
    {}, {"level": b"WARD"}, {"level": b"PATIENT"}, {"level": b"SERIES"}, {"level": b"IMAGE", "study": b"1.2"},
    {"level": b"SERIES", "study": b"1.2\\1.3"}])
def test_unique_keys_above_the_level_are_needed(values):
    with pytest.raises(DoesNotMatchModel):
        query(**values)


@pytest.mark.parametrize(("root", "values"), [
    (Root.STUDY, {"level": b"STUDY"}), (Root.STUDY, {"level": b"STUDY", "study": b"*"}),
    (Root.PATIENT, {"level": b"PATIENT", "patient_id": b"P*"}), (Root.STUDY, {"level": b"SERIES", "study": b"1.2"})])
def test_a_retrieval_needs_the_key_of_its_level(root, values):
    with pytest.raises(DoesNotMatchModel):
        query(root, is_retrieval=True, **values)


def test_a_relational_query_needs_no_unique_keys_above():
    assert query(level=b"IMAGE ", image=b"1.2\\1.3", is_relational=True).values(0x00080018) == ("1.2", "1.3")


@pytest.mark.parametrize(("charset", "codec"), [(b"GB18030", "gb18030"), (b"ISO_IR 192", "utf-8"), (b"", "gb18030"),
                                                (b"ISO_IR 100", "gb18030"), (b"\\ISO 2022 IR 58", "gb18030")])
def test_a_name_is_read_in_the_character_set_of_the_query_or_by_its_bytes(charset, codec):
    """C2, C3, C5: 乗 and 玘 have a backslash and a caret as their second byte."""
    asked = query(level=b"STUDY", charset=charset, name="=乗^玘明".encode(codec))
    assert asked.values(0x00100010) == ("=乗^玘明",)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_damaged_identifiers_are_understood_or_refused_and_nothing_else_happens(syntax):
    """Seeded: whatever a peer sends as a query ends in one of the errors that have a status."""
    elements = [AnswerElement(0x00080005, "CS", b"GB18030"), AnswerElement(0x00080052, "CS", b"STUDY"),
                AnswerElement(0x00080020, "DA", b"20260101-20260131"), AnswerElement(0x00080030, "TM", b"0800-"),
                AnswerElement(0x00100010, "PN", "Wang*=王*".encode("gb18030")),
                AnswerElement(0x0020000D, "UI", b"1.2.3")]
    whole = encode_identifier(elements, syntax)
    assert read_query(read_identifier(whole, syntax).values, Root.STUDY, device_codec=None, is_relational=False).asked
    randomness = random.Random(f"20261122-{syntax}")
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(randomness.choice((1, 2, 6))):
            damaged[randomness.randrange(len(whole))] = randomness.randrange(256)
        with suppress(Unreadable, BadKey, DoesNotMatchModel):
            query = read_query(read_identifier(bytes(damaged), syntax).values, Root.STUDY, device_codec=None,
                               is_relational=False)
            narrowed(query, ZoneInfo("Asia/Shanghai"))
            query.matches({0x00100010: ("Wang^Xiaoming=王^小明",), 0x00080020: ("20260102",), 0x00080030: ("0900",)})
