"""AE titles and UIDs become types at the door."""

from __future__ import annotations

import pytest

from gateway.core.identifiers import AETitle, InvalidAETitle, InvalidUid, Uid, uid_from_sha256


@pytest.mark.parametrize(("text", "value"), [("CT_1", "CT_1"), (" CT 1  ", "CT 1"), ("A" * 16, "A" * 16)])
def test_an_ae_title_is_taken_without_its_padding(text, value):
    assert AETitle.parse(text).value == value


@pytest.mark.parametrize("text", ["", "    ", "A" * 17, "CT\\1", "放射科", "CT\n1"])
def test_what_is_no_ae_title_is_refused(text):
    with pytest.raises(InvalidAETitle):
        AETitle.parse(text)


@pytest.mark.parametrize(("text", "is_valid"), [
    ("1.2.840.10008.1.1", True), ("1.2.3\0", True), ("1..2.3", False), ("1.2.03", False), ("1." + "2" * 70, False),
    ("1.2.840.AB-7_c", False)])
def test_a_uid_that_breaks_the_rules_is_kept_as_it_is(text, is_valid):
    """B1: devices send UIDs with empty components; they are still the only name of their object."""
    uid = Uid.parse(text)
    assert uid.value == text.strip("\0")
    assert uid.is_valid is is_valid


@pytest.mark.parametrize("text", ["", "...", "../../etc/passwd", "1.2/3", "1.2 3", "1.2\n3", "1.2%003", "甲",
                                  "1" * 129])
def test_a_uid_that_is_unsafe_in_a_path_is_refused(text):
    with pytest.raises(InvalidUid):
        Uid.parse(text)


def test_a_uid_made_from_a_hash_is_valid_and_always_the_same():
    one, again, other = (uid_from_sha256(h) for h in ("ab" * 32, "ab" * 32, "cd" * 32))
    assert one == again != other
    assert Uid.parse(one).is_valid
