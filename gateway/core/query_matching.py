"""Does a value match a query key? (PS3.4 C.2.2.2)

The one definition for C-FIND: the database only narrows the candidates, and each is then judged here, so both engines
give the same answer. Text is decoded before it comes here. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_WILDCARD_VRS = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
_RANGE_VRS = frozenset(("DA", "TM", "DT"))
_NUMBER_VRS = frozenset(("IS", "DS", "US", "SS", "UL", "SL", "FL", "FD"))
_CJK = re.compile("[\u3000-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_FORMS = {"DA": re.compile(r"\d{8}|\d{4}\.\d{2}\.\d{2}"),
          "TM": re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?"),
          "DT": re.compile(r"\d{4}(\d{2}(\d{2}(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?")}
_LEAST = {"DA": "00000000", "TM": "000000.000000", "DT": "00000101000000.000000"}
_MOST = {"DA": "99999999", "TM": "235959.999999", "DT": "99991231235959.999999"}
_RANGES = {"DA": re.compile(r"([\d.]*)-([\d.]*)"), "TM": re.compile(r"([\d:.]*)-([\d:.]*)"),
           # An offset from UTC begins with a hyphen as well: four digits behind a hyphen, before a hyphen or the end.
           "DT": re.compile(r"(\d[\d.]*(?:[+-]\d{4})?)?-(\d[\d.]*(?:[+-]\d{4})?)?")}


class BadKey(ValueError):
    """The key's value cannot be understood."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a query; without values it matches everything (universal matching)."""

    tag: int
    vr: str
    values: tuple[str, ...] = ()

    @property
    def is_universal(self) -> bool:
        return not self.values

    @property
    def is_single(self) -> bool:
        """True if it asks for exactly one value: no list, no wildcard, no range."""
        return len(self.values) == 1 and not (self.vr in _WILDCARD_VRS and has_wildcard(self.values[0])) and not (
            self.vr in _RANGE_VRS and "-" in self.values[0])


def read_key(tag: int, vr: str, text: str) -> Key:
    """A key from its decoded value. Raises BadKey."""
    values = [value.strip(" \0") for value in text.split("\\")]
    if vr == "PN":
        values = [value.rstrip("^= ") for value in values]
    values = [value for value in values if value]
    if any(_is_everything(value, vr) for value in values):
        return Key(tag, vr)
    if vr in _RANGE_VRS:
        for value in values:
            _span(value, vr)
    return Key(tag, vr, tuple(values))


def matches(key: Key, present: Sequence[str]) -> bool:
    """True if one of the values that are there matches one of the key's."""
    if key.is_universal:
        return True
    return any(_matches(wanted, value, key.vr) for value in present if value for wanted in key.values)


def has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def date_span(key: Key) -> tuple[str, str] | None:
    """First and last day (YYYYMMDD) that a DA key can match, "" where open; None if it matches everything."""
    if key.is_universal:
        return None
    spans = [_span(value, "DA") for value in key.values]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    return ("" if first == _LEAST["DA"] else first, "" if last == _MOST["DA"] else last)


def name_pattern(key: Key) -> str:
    """A pattern with wildcards that every name the key can match has in one of its display forms; "" for none.

    Wider than the key: letters whose case the database may not know, and everything between components, are open.
    """
    if len(key.values) != 1:
        return ""
    group = max(key.values[0].split("="), key=lambda one: len(one.strip("*?^ ")))
    return "".join("*" if c in "^ " or _is_cased_beyond_ascii(c) else c for c in group) if group.strip("*?^ ") else ""


def _is_everything(value: str, vr: str) -> bool:
    return set(value) == {"*"} and (vr in _WILDCARD_VRS or vr in _RANGE_VRS or vr == "UI" or vr in _NUMBER_VRS)


def _matches(wanted: str, value: str, vr: str) -> bool:
    if vr == "PN":
        return _name_matches(wanted, value)
    if vr in _RANGE_VRS:
        return _is_inside(value, wanted, vr)
    if vr in _NUMBER_VRS:
        return _number(wanted) is not None and _number(wanted) == _number(value)
    if vr == "CS":
        wanted, value = wanted.upper(), value.upper()
    value = value.strip(" \0")
    if vr in _WILDCARD_VRS and has_wildcard(wanted):
        return _fits(wanted, value)
    return wanted == value


# ------------------------------------------------------------------------------------------------------- names
def _name_matches(wanted: str, value: str) -> bool:
    """Whatever the case. One component group is looked for in all of them; several each in its own place."""
    groups = value.split("=")
    asked = wanted.split("=")
    if len(asked) == 1:
        return any(_group_matches(asked[0], group) for group in groups if group)
    return all(place < len(groups) and _group_matches(one, groups[place])
               for place, one in enumerate(asked) if one.strip("^ ") and set(one) != {"*"})


def _group_matches(wanted: str, group: str) -> bool:
    return any(_fits(form(wanted), form(group)) for form in (_as_written, _as_shown))


def _as_written(group: str) -> str:
    return _folded(group.rstrip("^ "))


def _as_shown(group: str) -> str:
    """Without carets, as a person reads and types it; Chinese without spaces."""
    shown = " ".join(group.replace("^", " ").split())
    return _folded(shown.replace(" ", "") if _CJK.search(shown) else shown)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _fits(pattern: str, text: str) -> bool:
    """Wildcards, without going back further than to the last star: a pattern of many stars costs no more."""
    at = star = resume = 0
    position = 0
    has_star = False
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            has_star, star, resume = True, at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at, position = at + 1, position + 1
        elif has_star:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")


def _is_cased_beyond_ascii(c: str) -> bool:
    return not c.isascii() and (c.lower() != c or c.upper() != c or unicodedata.normalize("NFKC", c) != c)


# ------------------------------------------------------------------------------------------ dates, times, numbers
def _is_inside(value: str, wanted: str, vr: str) -> bool:
    try:
        first, last = _span(wanted, vr)
        begins, _ = _span(value.strip(" \0"), vr)
    except BadKey:
        return False
    return first <= begins <= last


def _span(text: str, vr: str) -> tuple[str, str]:
    """First and last moment meant: a time without minutes is the whole hour. Raises BadKey."""
    text = text.strip()
    if _FORMS[vr].fullmatch(text):
        return _edge(text, vr, _LEAST), _edge(text, vr, _MOST)
    found = _RANGES[vr].fullmatch(text)
    if found is None or not any(found.groups()):
        raise BadKey(f"{text!r} is no {vr} value or range")
    first, last = found.group(1) or "", found.group(2) or ""
    if any(edge and not _FORMS[vr].fullmatch(edge) for edge in (first, last)):
        raise BadKey(f"{text!r} is no {vr} range")
    return (_edge(first, vr, _LEAST), _edge(last, vr, _MOST))


def _edge(text: str, vr: str, filling: dict[str, str]) -> str:
    if vr == "DA":
        text = text.replace(".", "")
    elif vr == "TM":
        text = text.replace(":", "")
    else:
        text = re.sub(r"[+-]\d{4}$", "", text)
    if "." in text:
        text = text.ljust(len(_MOST[vr]), "0" if filling is _LEAST else "9")
    return text + filling[vr][len(text):]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
