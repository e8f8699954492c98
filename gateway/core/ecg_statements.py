"""The library of sentences for ECG reports: offered to a doctor who writes, never written by themselves (K2).

The words live in ecg_statements.json beside this file, so that an alliance can change them without touching code.
A code stands only where the public list is known for sure. Pure: packaged data only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class StatementGroup:
    """A heading of the library."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class EcgStatement:
    """One sentence. `short_code` holds the initials of its pinyin; `scheme` names the list that `code` is from."""

    id: str
    group: str
    zh: str
    en: str
    short_code: str
    code: str = ""
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class StatementLibrary:
    """All of it, in the order in which readers look."""

    version: str
    groups: tuple[StatementGroup, ...]
    items: tuple[EcgStatement, ...]


@cache
def library() -> StatementLibrary:
    """The packaged library."""
    data = json.loads(resources.files("gateway.core").joinpath("ecg_statements.json").read_text(encoding="utf-8"))
    return StatementLibrary(data["version"], tuple(StatementGroup(**group) for group in data["groups"]),
                            tuple(EcgStatement(**item) for item in data["items"]))
