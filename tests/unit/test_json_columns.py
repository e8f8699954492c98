"""JSON columns: written quickly, and never anything that JSON has no word for."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pytest

from storage.engines.json_columns import from_json, to_json


class Word(StrEnum):
    SOME = "some"


@dataclass
class Record:
    name: str
    at: datetime


@pytest.mark.parametrize("value", [
    {}, [], None, "null", "演示", 2**70, -0.0, 1e22, 0.1, True, {"a": None, "b": {"c": [None, 1.5, "null"], "d": {}}},
    [{"a": None}, [None]], {1: "a", "b": None}, {None: 1}, {'"': None, "\n演": ["null"]},
    {"texts": ["a"], "seen": [{"x": None}]},
])
def test_what_is_written_reads_as_the_same(value):
    assert from_json(to_json(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize("beside", [{}, {"other": None}, {"other": "null"}])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused_wherever_it_stands(number, beside):
    for value in (number, [number], beside | {"a": number}, beside | {"a": {"b": [1, {"c": number, "d": None}]}}):
        with pytest.raises(ValueError, match="Out of range"):
            to_json(value)


def test_records_words_and_times_become_plain_also_beside_nothing():
    made = Record("演示", datetime(2026, 3, 2, tzinfo=UTC))
    plain = {"name": "演示", "at": "2026-03-02T00:00:00Z"}
    assert from_json(to_json({"r": made, "w": Word.SOME})) == {"r": plain, "w": "some"}
    assert from_json(to_json({"r": [made], "w": Word.SOME, "n": None})) == {"r": [plain], "w": "some", "n": None}
    assert "演示" in to_json({"r": "演示", "n": None})
