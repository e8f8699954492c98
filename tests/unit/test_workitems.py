"""The state machine of a Unified Procedure Step (D3, 2.M), cell by cell of PS3.4 table CC.1.1-2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.core.workitem_content import (
    check_creation,
    check_update,
    priority_asked,
    studies_named,
    with_cancellation,
)
from gateway.core.workitem_query import BadQuery, as_filter, fits, from_filter, key_of, narrowed
from gateway.core.workitem_record import value
from gateway.core.workitems import (
    STATE_OF_READING,
    Refused,
    Status,
    cancel_request,
    change,
    missing_to_complete,
    outputs,
    steps,
    update,
)
from storage.model import Priority, ReadingState
from storage.model.workitems import UpsState
from tests.support.workitems import PERFORMED, creation

S, P, C, X = UpsState.SCHEDULED, UpsState.IN_PROGRESS, UpsState.COMPLETED, UpsState.CANCELED
OK = 0x0000


@pytest.mark.parametrize(("wanted", "given", "expected"), [
    ("IN PROGRESS", "1.2", {S: OK, P: 0xC302, C: 0xC300, X: 0xC300}),
    ("IN PROGRESS", "9.9", {S: OK, P: 0xC301, C: 0xC301, X: 0xC301}),
    ("IN PROGRESS", "", {S: 0xC301, P: 0xC301, C: 0xC301, X: 0xC301}),
    ("SCHEDULED", "1.2", {S: 0xC303, P: 0xC303, C: 0xC303, X: 0xC303}),
    ("COMPLETED", "1.2", {S: 0xC310, P: OK, C: 0xB306, X: 0xC300}),
    ("COMPLETED", "9.9", {P: 0xC301, C: 0xC301, X: 0xC301}),
    ("COMPLETED", "", {S: 0xC301, P: 0xC301, C: 0xC301, X: 0xC301}),
    ("CANCELED", "1.2", {S: 0xC310, P: OK, C: 0xC300, X: 0xB304}),
    ("CANCELED", "9.9", {P: 0xC301, C: 0xC301, X: 0xC301}),
    ("READ", "1.2", {S: 0x0106, P: 0x0106}),
])
def test_each_change_of_state_is_answered_as_the_table_says(wanted, given, expected):
    for state, status in expected.items():
        recorded = "" if state is S else "1.2"
        assert change(state, wanted, given_uid=given, recorded_uid=recorded) == status, state


def test_nobody_outside_has_the_key_of_what_we_perform_ourselves():
    for wanted in ("COMPLETED", "CANCELED", "IN PROGRESS"):
        assert change(P, wanted, given_uid="1.2", recorded_uid="") is Status.WRONG_TRANSACTION_UID


def test_updates_and_requests_to_cancel_are_answered_by_the_state():
    assert [update(state, given_uid="1.2", recorded_uid="1.2") for state in UpsState] == [0xC310, OK, 0xC300, 0xC300]
    assert update(S, given_uid="", recorded_uid="") == OK
    assert update(P, given_uid="", recorded_uid="1.2") == update(P, given_uid="9", recorded_uid="1.2") == 0xC301
    assert [cancel_request(state) for state in UpsState] == [OK, OK, 0xC311, 0xB304]


def test_every_state_of_a_reading_is_one_of_a_workitem():
    assert set(STATE_OF_READING) == set(ReadingState)


def test_the_page_shows_the_same_states_as_the_code():
    text = (Path(__file__).parents[2] / "docs" / "ups.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_]+)` [^|]+\| ([A-Z ]+) \|", text, flags=re.MULTILINE))
    assert rows == {ours.value: theirs.value for ours, theirs in STATE_OF_READING.items()}


@pytest.mark.parametrize("is_request", [True, False])
@pytest.mark.parametrize("target", list(UpsState))
@pytest.mark.parametrize("state", list(UpsState))
def test_a_workitem_follows_its_reading_by_allowed_steps_alone(state, target, is_request):
    allowed = {(S, P), (P, C), (P, X)}
    path, is_replaced = steps(state, target, is_request=is_request)
    for before, after in zip([state, *path], path, strict=False):
        assert (before, after) in allowed
    assert not (is_request and is_replaced), "what another system asked for keeps its UID"
    if state in (C, X):
        assert not path, "a final state stays"


def test_a_reading_that_is_given_back_gets_a_new_offer_and_a_request_goes_on():
    assert steps(P, S, is_request=False) == ([X], True)
    assert steps(P, S, is_request=True) == ([], False)
    assert steps(C, S, is_request=False) == ([], True)
    assert steps(S, C, is_request=True) == ([P, C], False)


def test_completing_needs_station_start_code_end_and_an_output():
    assert missing_to_complete({}) == ["00741216"]
    assert missing_to_complete({"00741216": PERFORMED}) == []
    for tag in ("00404028", "00404050", "00404019", "00404051", "00404033"):
        less = value("SQ", {key: item for key, item in PERFORMED["Value"][0].items() if key != tag})
        assert missing_to_complete({"00741216": less}) == [tag]
    assert outputs({"00741216": PERFORMED}) == [("1.2.3", "1.2.3.4.5")]


def test_a_creation_is_refused_by_what_is_missing_or_wrong():
    assert studies_named(creation("1.2.3")) == ["1.2.3"]
    assert check_creation(creation("1.2.3"))["00741204"]["Value"] == ["演示请求"]
    for tag, sent, status in [
        ("00741000", value("CS", "IN PROGRESS"), 0xC309), ("00741000", None, 0x0120), ("00741200", None, 0x0120),
        ("00741204", value("LO"), 0x0121), ("00741200", value("CS", "NOW"), 0x0106),
        ("00081195", value("UI", "1.2"), 0x0106), ("00741216", PERFORMED, 0x0106),
        ("00404041", value("CS", "SOON"), 0x0106),
    ]:
        data = creation("1.2.3", **({tag: sent} if sent is not None else {}))
        if sent is None:
            del data[tag]
        with pytest.raises(Refused) as refused:
            check_creation(data)
        assert refused.value.status == status, tag


def test_an_update_cannot_change_whom_it_is_about_and_only_the_performer_says_what_was_done():
    for tag in ("00100010", "00741000", "0040A370"):
        with pytest.raises(Refused):
            check_update({tag: value("LO", "x")}, is_performer=True)
    with pytest.raises(Refused):
        check_update({"00741216": PERFORMED}, is_performer=False)
    assert check_update({"00741216": PERFORMED, "00081195": value("UI", "1.2")}, is_performer=True) == {
        "00741216": PERFORMED}


def test_high_asks_for_urgent_and_nothing_asks_for_an_emergency():
    assert [priority_asked({"00741200": value("CS", word)}) for word in ("HIGH", "MEDIUM", "LOW")] == [
        Priority.URGENT, Priority.ROUTINE, Priority.ROUTINE]


def test_a_cancellation_has_its_time_and_a_reason():
    item = with_cancellation({}, "20260302090000", {})["00741002"]["Value"][0]
    assert item["00404052"]["Value"] == ["20260302090000"]
    assert item["0074100E"]["Value"][0]["00080100"]["Value"] == ["110513"]


def test_keys_inside_one_sequence_are_met_by_one_of_its_items():
    record = {"00404018": value("SQ", {"00080100": value("SH", "A"), "00080102": value("SH", "X")},
                                {"00080100": value("SH", "B"), "00080102": value("SH", "Y")}),
              "00741204": value("LO", "胸部 正位"), "00404005": value("DT", "20260302090000")}

    def asked(**keys: str) -> bool:
        return fits(record, [key_of(path.strip("_").split("_"), vr, text) for path, (vr, text) in (
            (name, given.split(":", 1)) for name, given in keys.items())])

    assert asked(_00404018_00080100="SH:A", _00404018_00080102="SH:X")
    assert not asked(_00404018_00080100="SH:A", _00404018_00080102="SH:Y")
    assert asked(_00741204="LO:胸部*")
    assert asked(_00404005="DT:20260302-20260303")
    assert not asked(_00404005="DT:20260303-")


def test_a_filter_is_kept_and_read_back_and_the_transaction_uid_cannot_be_searched_for():
    keys = [key_of(["00741200"], "CS", "HIGH"), key_of(["00404018", "00080100"], "SH", "110005")]
    assert from_filter(as_filter(keys)) == keys
    assert narrowed([key_of(["00741000"], "CS", "SCHEDULED")]).states == (S,)
    with pytest.raises(BadQuery):
        key_of(["00081195"], "UI", "1.2.3")
    with pytest.raises(BadQuery):
        narrowed([key_of(["00741000"], "CS", "DONE")])
