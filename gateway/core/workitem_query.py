"""Search the worklist: keys by path into sequences, and what each answer holds (PS3.4 CC.2.8, PS3.18 8.3.4, 11.9).

The one definition for C-FIND, UPS-RS and filtered subscriptions. A key of a sequence is compared with each of its
items. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.identifiers import InvalidUid, Uid
from gateway.core.query_matching import BadKey, Key, matches, read_key
from storage.model.workitems import UpsState, WorkitemFilter

Json = dict[str, Any]

ALWAYS_RETURNED = (
    "00080005", "00080016", "00080018", "00080201", "00741200", "00741204", "00741202", "00741210", "00404025",
    "00404026", "00404027", "00404034", "00404005", "00404018", "00404041", "00404021", "0020000D", "00100010",
    "00100020", "00100021", "00100024", "00101002", "00100030", "00100040", "00380010", "00380014", "00081080",
    "00081084", "0040A370", "00741224", "00741000", "00741002",
)
"""Return key types 1, 2 and 1C of table CC.2.5-3, and Replaced Procedure Step Sequence."""

NOT_SEARCHED = frozenset({"00081195"})   # Transaction UID "cannot be queried"

_MOST_KEYS = 64
_DEEPEST = 4


class BadQuery(ValueError):
    """The query cannot be understood; the text says what, in ASCII."""


@dataclass(frozen=True, slots=True)
class WorkitemKey:
    """One matching key: where it stands (tags of sequences, then its own), and what it asks."""

    path: tuple[str, ...]
    key: Key

    @property
    def text(self) -> str:
        return "\\".join(self.key.values)


def key_of(path: Sequence[str], vr: str, text: str) -> WorkitemKey:
    """Read a key. Raises BadQuery."""
    if len(path) > _DEEPEST or path[-1] in NOT_SEARCHED:
        raise BadQuery(f"{'.'.join(path)} cannot be searched for")
    try:
        key = read_key(int(path[-1], 16), vr, text)
    except BadKey as exc:
        raise BadQuery(f"the value of {'.'.join(path)} cannot be understood") from exc
    return WorkitemKey(tuple(path), key)


def narrowed(keys: Iterable[WorkitemKey]) -> WorkitemFilter:
    """What the database can look for; the rest is judged by `fits`. Raises BadQuery."""
    asked = [key for key in keys if not key.key.is_universal]
    if len(asked) > _MOST_KEYS:
        raise BadQuery("too many keys")
    uids: tuple[str, ...] = ()
    states: tuple[UpsState, ...] = ()
    studies: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    for one in asked:
        values = one.key.values
        if one.path == ("00080018",):
            uids = tuple(_uid(value) for value in values)
        elif one.path == ("00741000",):
            states = tuple(state for state in UpsState if state.value in [value.upper() for value in values])
            if not states and not any("*" in value or "?" in value for value in values):
                raise BadQuery("there is no such Procedure Step State")
        elif one.path == ("00100020",) and one.key.is_single:
            patients = values
        elif one.path in (("0020000D",), ("00404021", "0020000D"), ("0040A370", "0020000D")):
            studies = tuple(_uid(value) for value in values)
    return WorkitemFilter(uids, states, studies, patients)


def fits(record: Mapping[str, Any], keys: Iterable[WorkitemKey]) -> bool:
    """True if a workitem has what every key asks for; keys of one sequence are met by one of its items."""
    together: dict[str, list[WorkitemKey]] = {}
    for one in keys:
        if one.key.is_universal:
            continue
        if len(one.path) > 1:
            together.setdefault(one.path[0], []).append(WorkitemKey(one.path[1:], one.key))
        elif not matches(one.key, values_of(record.get(one.path[0], {}))):
            return False
    return all(any(fits(item, inner) for item in record.get(tag, {}).get("Value", []) if isinstance(item, dict))
               for tag, inner in together.items())


def values_of(element: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of an element of DICOM JSON as DICOM writes them; of a name all component groups."""
    return tuple(_text(value) for value in element.get("Value") or [])


def shown(record: Mapping[str, Any], keys: Iterable[WorkitemKey], include: Iterable[str]) -> Json:
    """What a search by UPS-RS answers: what is always returned, what was matched, and what was asked for."""
    wanted = {*ALWAYS_RETURNED, *include, *(key.path[0] for key in keys)}
    return dict(record) if "all" in wanted else {tag: element for tag, element in record.items() if tag in wanted}


def as_filter(keys: Iterable[WorkitemKey]) -> tuple[tuple[str, str], ...]:
    """Keys as a subscription keeps them; `from_filter` reads them back."""
    return tuple((f"{'.'.join(one.path)}/{one.key.vr}", one.text) for one in keys if not one.key.is_universal)


def from_filter(kept: Iterable[tuple[str, str]]) -> list[WorkitemKey]:
    """The keys of a filtered subscription."""
    found = []
    for place, text in kept:
        path, _, vr = place.partition("/")
        found.append(key_of(path.split("."), vr, text))
    return found


def _uid(text: str) -> str:
    try:
        return Uid.parse(text).value
    except InvalidUid as exc:
        raise BadQuery("a UID cannot be understood") from exc


def _text(value: Any) -> str:
    if isinstance(value, dict):
        groups = [str(value.get(name, "")) for name in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)
