"""Sections of the SCP-ECG writer that hold words and findings: 1 (person, device, time), 7 and 8 (the cart's own).

Text is ASCII or Latin-1 where that holds all of it, otherwise UTF-8 (language code 37h), so nothing is lost.
"""

from __future__ import annotations

import re
import struct
from datetime import date, datetime, timedelta

from gateway.core.waveform import EcgRecord
from gateway.formats import scp_patient as tags

_PROTOCOL_VERSION = 20
_NO_VALUE = 29999
_FIRST_EDGE_MS = 100                         # of the P wave, when there is no beat that could tell
_EDGES = ("p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_offset")
_FORMULAS = (("qtc_bazett_ms", 1), ("qtc_hodges_ms", 2), ("qtc_ms", 0))
_BAND = re.compile(r"^(?:([\d.]+)-([\d.]+)|>([\d.]+)|<([\d.]+)) Hz")
_BETWEEN = {"p_ms": ("p_onset", "p_offset"), "pr_ms": ("p_onset", "qrs_onset"),
            "qrs_ms": ("qrs_onset", "qrs_offset"), "qt_ms": ("qrs_onset", "t_offset")}
_WRITTEN = {"heart_rate_bpm", "atrial_rate_bpm", "rr_ms", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "p_axis_deg",
            "qrs_axis_deg", "t_axis_deg", *(name for name, _ in _FORMULAS)}


def language_of(record: EcgRecord) -> tuple[int, str]:
    """Language support code and codec that hold all texts of the record."""
    patient = record.patient
    everything = "".join((patient.name, patient.patient_id, record.device_model, record.device_serial,
                          record.device_maker, *record.statements))
    if everything.isascii():
        return 0, "ascii"
    try:
        everything.encode("latin-1")
    except UnicodeEncodeError:
        return 0x37, "utf-8"
    return 1, "latin-1"


def section_1(record: EcgRecord, losses: list[str]) -> bytes:
    """Person, device, time and filters."""
    language, codec = language_of(record)
    patient = record.patient
    values: dict[int, bytes] = {}
    if patient.name:
        values[tags.LAST_NAME] = _text(patient.name, codec)
    values[tags.PATIENT_ID] = _text(patient.patient_id, codec)
    if patient.age_years:
        years = round(patient.age_years)
        in_days = round(patient.age_years * 365.25)
        values[tags.AGE] = struct.pack("<HB", years, 1) if years >= 2 else struct.pack("<HB", in_days, 4)
    if patient.birth_date:
        values[tags.BIRTH_DATE] = _date(patient.birth_date)
    if patient.sex:
        values[tags.SEX] = {"M": b"\x01", "F": b"\x02"}.get(patient.sex, b"\x09")
    values[tags.DEVICE] = _device(record, language, codec, losses)
    at = record.recorded_at
    values[tags.RECORDED_DATE] = _date(at) if at else bytes(4)
    values[tags.RECORDED_TIME] = bytes((at.hour, at.minute, at.second)) if at else bytes(3)
    if at and at.microsecond:
        losses.append("The fraction of a second of the recording time is not written.")
    _filters(record, values, losses)
    if at and (offset := at.utcoffset()) is not None:
        values[tags.TIME_ZONE] = struct.pack("<hh", offset // timedelta(minutes=1), 0)
    body = b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in sorted(values.items()))
    return body + struct.pack("<BH", tags.END, 0)


def section_7(record: EcgRecord, *, has_beat: bool, losses: list[str]) -> bytes:
    """Global measurements, b"" when there are none."""
    found = dict(record.measurements)
    rest = sorted(found.keys() - _WRITTEN)
    if rest:
        losses.append(f"Measurements without a place in Section 7 are not written: {', '.join(rest)}.")
    if not found.keys() & _WRITTEN:
        return b""
    rounded = sorted(name for name in found.keys() & _WRITTEN if not float(found[name]).is_integer())
    if rounded:
        losses.append(f"Measurements are rounded to whole numbers: {', '.join(rounded)}.")
    edges = _edges(record, has_beat=has_beat, losses=losses)
    axes = [round(found.get(name, _NO_VALUE)) for name in ("p_axis_deg", "qrs_axis_deg", "t_axis_deg")]
    qtc, formula = next(((round(found[name]), code) for name, code in _FORMULAS if name in found), (_NO_VALUE, 0))
    rr, rate, atrial = (round(found.get(name, _NO_VALUE)) for name in ("rr_ms", "heart_rate_bpm", "atrial_rate_bpm"))
    return (struct.pack("<BBHH", 1, 0, rr, _NO_VALUE) + struct.pack("<5H3h", *edges, *axes)
            + struct.pack("<HHHHBH", 0, rate, atrial, qtc, formula, 0))


def section_8(record: EcgRecord, losses: list[str]) -> bytes:
    """The cart's statements, not confirmed; b"" when there are none."""
    if not record.statements:
        return b""
    _, codec = language_of(record)
    if len(record.statements) > 255:
        losses.append("Only 255 statements are written.")
    statements = record.statements[:255]
    at = record.recorded_at
    when = _date(at) + bytes((at.hour, at.minute, at.second)) if at else bytes(7)
    head = b"\0" + when + bytes((len(statements),))
    values = [_text(statement, codec)[:65535] for statement in statements]
    return head + b"".join(struct.pack("<BH", number, len(value)) + value for number, value in enumerate(values, 1))


def _edges(record: EcgRecord, *, has_beat: bool, losses: list[str]) -> list[int]:
    """Edges of waves in ms from the start of the reference beat."""
    marked = {mark.kind: round(mark.at_us / 1000) for mark in record.marks if mark.is_on_representative_beat}
    found = record.measurements
    if marked and has_beat:
        lost = [name for name, (begin, end) in _BETWEEN.items() if name in found and (
            not {begin, end} <= marked.keys() or marked[end] - marked[begin] != found[name])]
        if lost:
            losses.append("Intervals are stored as edges of waves on the reference beat, and these do not give what "
                          f"was measured: {', '.join(lost)}.")
        return [marked.get(kind, _NO_VALUE) for kind in _EDGES]
    intervals = [found.get(name) for name in ("p_ms", "pr_ms", "qrs_ms", "qt_ms")]
    if has_beat and any(intervals):
        losses.append("PR, QRS and QT are not written: they would be places on the reference beat, which has none.")
    if has_beat or not any(intervals):
        return [_NO_VALUE] * 5
    p, pr, qrs, qt = intervals
    begin = _FIRST_EDGE_MS
    qrs_onset = begin + round(pr or 0)
    return [begin if p or pr else _NO_VALUE, begin + round(p) if p else _NO_VALUE, qrs_onset,
            qrs_onset + round(qrs) if qrs else _NO_VALUE, qrs_onset + round(qt) if qt else _NO_VALUE]


def _device(record: EcgRecord, language: int, codec: str, losses: list[str]) -> bytes:
    model = record.device_model.encode(codec, "replace")
    short = model[:5].decode(codec, "ignore").encode(codec)
    if short != model:
        losses.append(f"The device model has room for five characters: {record.device_model}.")
    strings = (b"", record.device_serial.encode(codec), b"", b"Reading Gateway", record.device_maker.encode(codec))
    return (bytes(6) + b"\x01\xff" + short.ljust(6, b"\0") + bytes((_PROTOCOL_VERSION, 0xA0, language, 0, 0))
            + bytes(16) + b"\x01" + b"".join(string + b"\0" for string in strings))


def _filters(record: EcgRecord, values: dict[int, bytes], losses: list[str]) -> None:
    if not record.filters:
        return
    found = _BAND.match(record.filters)
    low, high = (found[1] or found[3], found[2] or found[4]) if found else (None, None)
    notch = record.filters.partition("notch ")[2].removesuffix(" Hz")
    bits = {"60": 1, "50": 2, "50/60": 3}.get(notch, 0)
    if low:
        values[tags.LOW_CUT] = struct.pack("<H", min(round(float(low) * 100), 65535))
    if high:
        values[tags.HIGH_CUT] = struct.pack("<H", min(round(float(high)), 65535))
    if bits:
        values[tags.FILTER_BITS] = bytes((bits,))
    if not (low or high or bits) or (notch and not bits):
        losses.append(f"The filters are not written as stated: {record.filters}.")


def _date(day: date | datetime) -> bytes:
    return struct.pack("<HBB", day.year, day.month, day.day)


def _text(text: str, codec: str) -> bytes:
    return text.encode(codec, "replace") + b"\0"
