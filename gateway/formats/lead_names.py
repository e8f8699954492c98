"""What the leads are called: one name for each, whatever code or words the sender used."""

from __future__ import annotations

import re

STANDARD_TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# SCP-ECG (ISO/IEEE 11073-91064) numbers its leads; MDC partition 2 and DICOM's SCPECG codes use the same numbers.
_BY_NUMBER = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R", 11: "V3R", 12: "V4R",
    13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF",
    65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R",
}
_BY_WORD = {name.upper(): name for name in _BY_NUMBER.values()}
_BY_WORD |= {"VX": "VX", "VY": "VY", "VZ": "VZ"}
_IN_TEXT = re.compile(r"(?<![A-Za-z0-9])(aVR|aVL|aVF|V[1-9]R?|III|II|I)(?![A-Za-z0-9])", re.IGNORECASE)
_LIMB = {"avr": "aVR", "avl": "aVL", "avf": "aVF"}


def by_number(number: int) -> str | None:
    """The lead of an SCP-ECG number, e.g. 61 is III."""
    return _BY_NUMBER.get(number)


def by_code(code: str) -> str | None:
    """The lead of a code: "2:61", "5.6.3-9-61" or "MDC_ECG_LEAD_III"."""
    text = code.strip()
    if text.upper().startswith("MDC_ECG_LEAD_"):
        return by_word(text[len("MDC_ECG_LEAD_"):])
    for prefix in ("2:", "5.6.3-9-"):
        number = text.removeprefix(prefix)
        if number != text and number.isdigit():
            return by_number(int(number))
    return None


def by_word(text: str) -> str | None:
    """The lead of a bare name in any case, e.g. "AVR"."""
    return _BY_WORD.get(text.strip().upper())


def in_text(text: str) -> str | None:
    """The lead named somewhere in a sentence, e.g. "Lead I (Einthoven)" or "aVR, augmented voltage, right"."""
    exact = by_word(text)
    if exact:
        return exact
    found = _IN_TEXT.search(text)
    if not found:
        return None
    word = found.group(1)
    return _LIMB.get(word.lower()) or by_word(word)
