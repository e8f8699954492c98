"""What one system sends cannot break what others are sent (D3, D5)."""

from __future__ import annotations

import contextlib
import json
import random
from typing import Any

import pytest

from gateway.core.errors import GatewayError
from gateway.core.workitem_content import check_creation, check_update, with_cancellation
from gateway.core.workitem_query import fits, key_of, shown
from gateway.core.workitem_record import state_information, value
from gateway.core.workitems import missing_to_complete, outputs
from gateway.dicom.ups_datasets import dataset_from, encoded
from gateway.formats.workitem_dataset import fault_of
from tests.support.workitems import PERFORMED, creation


@pytest.mark.parametrize("poison", [
    {"00741002": {"vr": "LO", "Value": ["x"]}}, {"00741002": {"vr": "SQ", "Value": ["x"]}},
    {"00404034": {"vr": "SQ", "Value": [5]}}, {"00100010": {"vr": "PN", "Value": ["Wang"]}},
    {"00404005": {"vr": "DT", "Value": ["soon"]}}, {"00741204": {"vr": "LO", "Value": ["x" * 70_000]}},
    {"00741204": {"vr": "LO", "Value": [{"a": 1}]}}, {"0020000D": {"vr": "UI", "Value": ["no uid"]}},
    {"00091001": {"vr": "XX", "Value": ["1"]}}, {"00091001": {"vr": "DS", "Value": ["many"]}},
    {"00400400": {"vr": "LT", "Value": ["x" * 300_000]}},
])
def test_what_could_not_be_written_is_refused_at_the_door(poison):
    assert fault_of(poison), poison


def test_what_is_well_formed_is_taken_and_goes_out_by_any_syntax_and_character_set():
    for record in (creation("1.2.3"), {"00741216": PERFORMED}, {"00091001": {"vr": "LO", "Value": ["ours"]}}):
        assert fault_of(record) == ""
        for character_set in ("ISO_IR 192", "GB18030", "ISO_IR 6", "ISO_IR 100", "\\ISO 2022 IR 58"):
            for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"):
                assert encoded(dataset_from(record, character_set), syntax)


def test_damaged_records_are_refused_or_can_be_shown_to_everybody():
    """Hundreds of workitems with something changed: refused by name, or every answer made of them can be written."""
    seeded, taken = random.Random(7), 0
    junk: list[Any] = [None, 5, -1.5, "", "x" * 100, [], {}, {"Alphabetic": 3}, {"vr": "SQ"}, "1.2.3", "é漢"]
    for _ in range(400):
        record = json.loads(json.dumps({**creation("1.2.3"), "00741216": PERFORMED,
                                        "00741002": value("SQ", {"00741004": value("DS", 5)})}))
        _damage(record, seeded, junk)
        if not all(isinstance(one, dict) and isinstance(one.get("Value", []), list) for one in record.values()):
            continue                                 # the edges let no other shape in
        if fault_of(record):
            continue
        taken += 1
        for work in (check_creation, lambda sent: check_update(sent, is_performer=True)):
            with contextlib.suppress(GatewayError):
                work(record)
        missing_to_complete(record), outputs(record), state_information(record)
        with_cancellation(record, "20260302090000", {})
        fits(record, [key_of(["00404021", "0020000D"], "UI", "1.2.3"), key_of(["00741204"], "LO", "演*")])
        encoded(dataset_from(shown(record, [], ["all"]), "GB18030"), "1.2.840.10008.1.2.1")
    assert taken > 25


def _damage(record, seeded, junk) -> None:
    places = []

    def walk(node) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(record)
    node, key = seeded.choice(places)
    if seeded.random() < 0.3:
        del node[key]
    else:
        node[key] = seeded.choice(junk)
