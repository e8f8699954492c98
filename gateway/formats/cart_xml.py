"""What the XML of carts has in common: elements found by path, numbers, dates, packed samples, the patient's name.

Shared by the formats of GE and Philips. Every function takes what is there and says "nothing" for what is not.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation

import numpy as np

from gateway.core.charset import from_unicode
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgPatient, IntSamples
from gateway.formats.safe_xml import Document, Element

MAX_LEADS = 64
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_DIGITS_AND_COMMAS = b"0123456789+-, \t\r\n"
_SPACES = (b"\n", b"\r", b" ", b"\t")
_SEXES = {"M": "M", "MALE": "M", "男": "M", "F": "F", "FEMALE": "F", "女": "F", "O": "O", "OTHER": "O"}
_YEARS = {"YEARS": Decimal(1), "YEAR": Decimal(1), "Y": Decimal(1), "": Decimal(1), "MONTHS": Decimal(1) / 12,
          "WEEKS": Decimal(7) / Decimal("365.25"), "DAYS": 1 / Decimal("365.25")}


def words(element: Element | None, *path: str) -> str:
    """The text of the element at that path with single spaces, "" if there is none."""
    found = element.find(*path) if element is not None else None
    return found.words() if found is not None else ""


def number(text: str) -> Decimal | None:
    """A finite decimal number, or None: for "Failed", "Indeterminate", "" and the like too."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= 15 else None


def whole(text: str) -> int | None:
    """A whole number, or None."""
    value = number(text)
    return int(value) if value is not None and value == value.to_integral_value() else None


def measurements(element: Element | None, names: Mapping[str, str], *, zero_is_none: bool = True) -> dict[str, float]:
    """The numbers of the children with those names, by our keys. A duration or rate of zero was not measured."""
    found: dict[str, float] = {}
    for child in element.children if element is not None else ():
        key = names.get(child.name)
        value = number(child.text)
        if key is None or value is None or key in found:
            continue
        if value == 0 and zero_is_none and not key.endswith("_deg"):
            continue
        found[key] = float(value)
    return found


def packed(text: str, *, prefix: str, what: str) -> bytes:
    """The bytes of a base64 text with line breaks. Raises Unreadable "<prefix>-base64"."""
    raw = text.encode("ascii", "replace")
    for space in _SPACES:
        raw = raw.replace(space, b"")
    try:
        return binascii.a2b_base64(raw, strict_mode=True) if raw else b""
    except binascii.Error as exc:
        raise Unreadable(f"The packed samples of {what} are damaged.", reason=f"{prefix}-base64") from exc


def little_endian_words(data: bytes) -> IntSamples:
    """Signed 16-bit integers, low byte first; an odd last byte is left out."""
    return np.frombuffer(data[:len(data) // 2 * 2], dtype="<i2").astype(np.int32)


def comma_list(text: str, *, prefix: str, what: str) -> IntSamples:
    """Whole numbers between commas. Raises Unreadable "<prefix>-digits"."""
    refusal = f"The samples of {what} are not a list of whole numbers."
    bare = text.strip().rstrip(",").encode("ascii", "replace")
    if not bare:
        return np.zeros(0, dtype=np.int32)
    if bare.translate(None, _DIGITS_AND_COMMAS):
        raise Unreadable(refusal, reason=f"{prefix}-digits")
    try:
        values = np.fromstring(bare, dtype=np.int64, sep=",")
    except ValueError as exc:
        raise Unreadable(refusal, reason=f"{prefix}-digits") from exc
    if len(values) != bare.count(b",") + 1 or values.max() > 2**31 - 1 or values.min() < -(2**31):
        raise Unreadable(refusal, reason=f"{prefix}-digits")
    return values.astype(np.int32)


def person_name(family: str, given: str) -> str:
    """As a person writes it: Chinese without a space between, others with."""
    parts = [part for part in (family, given) if part]
    return "".join(parts) if parts and all(_CJK.search(part) for part in parts) else " ".join(parts)


def patient(document: Document, *, patient_id: str, name: str, sex: str, birth_date: date | None,
            age_years: float | None) -> EcgPatient:
    """The person, and whether the characters of the name were a guess; then its bytes are kept."""
    is_guessed = document.is_guessed and not name.isascii()
    return EcgPatient(
        patient_id=patient_id, name=name, sex=_SEXES.get(sex.strip().upper(), ""), birth_date=birth_date,
        age_years=age_years, name_encoding=document.encoding, is_name_guessed=is_guessed,
        name_raw_hex=from_unicode(name, document.encoding).hex() if is_guessed else "")


def age_in_years(text: str, unit: str) -> float | None:
    """An age by its unit in words; None for nonsense."""
    value, factor = number(text), _YEARS.get(unit.strip().upper())
    return float(value * factor) if value is not None and factor is not None and 0 < value < 1500 else None


def day(year: str, month: str, day_of_month: str) -> date | None:
    """A date of three numbers, or None."""
    parts = [whole(text) for text in (year, month, day_of_month)]
    try:
        return date(*parts) if None not in parts else None          # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None


def iso_day(text: str) -> date | None:
    """A date written 2026-03-02."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def moment(on: date | None, clock: str, time_zone: tzinfo) -> datetime | None:
    """The device's date and its clock "HH:MM:SS" in the site's zone."""
    if on is None:
        return None
    try:
        at = datetime.combine(on, time.fromisoformat(clock.strip()), time_zone)
        at.utctimetuple()
    except (ValueError, OverflowError):
        return None
    return at


def first_of_each(texts: Iterable[str]) -> tuple[str, ...]:
    """In order, without empty ones and repetitions."""
    return tuple(dict.fromkeys(text for text in texts if text))
