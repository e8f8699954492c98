"""What the cart itself found, in an SCP-ECG: measurements (Sections 7 and 10) and statements (8 and 11).

Section 7 stores the edges of waves on the reference beat; intervals are their differences. 29999 and FFFFh mean that
there is no value. Statements are the cart's words and stay so (K3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.core.waveform import EcgMark
from gateway.formats import lead_names
from gateway.formats.scp_sections import ScpRecord
from gateway.formats.scp_statement_codes import statement_text
from gateway.formats.scp_text import ScpText

NO_VALUE = (29999, 0xFFFF, -29999, 999, -999)
_EDGES = ("p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_offset")
_QTC_NAMES = {1: "qtc_bazett_ms", 2: "qtc_hodges_ms"}
_AMPLITUDES = {"V5": ("rv5_mv", 10), "V1": ("sv1_mv", 11)}   # places among a lead's values in Section 10, µV
_MAX_STATEMENTS = 255


def read_measurements(record: ScpRecord, warnings: list[str]) -> tuple[dict[str, float], list[EcgMark]]:
    """Global measurements by our keys, and the marks of waves on the reference beat and of pacing in the rhythm."""
    found: dict[str, float] = {}
    marks: list[EcgMark] = []
    body = record.body(7)
    if body:
        try:
            _section_7(body, found, marks)
        except struct.error:
            warnings.append("The section of global measurements is cut off.")
    _section_10(record.body(10), found)
    return found, marks


def read_statements(record: ScpRecord, text: ScpText, warnings: list[str]) -> tuple[str, ...]:
    """The cart's statements, those in words before those in codes, each once."""
    words: list[str] = []
    for number in (8, 11):
        body = record.body(number)
        if not body:
            continue
        values = list(_statement_values(body))
        if len(body) < 9 or len(values) < body[8]:
            warnings.append(f"The statements of section {number} are cut off.")
        for value in values:
            if number == 8:
                lines = [" ".join(text.lines(value))]
            elif value[:1] == b"\x01":
                lines = [statement_text(text.lines(value[1:]))]
            else:
                lines = [" ".join(text.lines(value[1:]))]
            words += [line for line in lines if line and line not in words]
    return tuple(words)


def other_texts(record: ScpRecord) -> bytes:
    """The statements' bytes, which help to guess how the file's text is written."""
    return b" ".join(value.replace(b"\0", b" ") for value in _statement_values(record.body(8)))


def _section_7(body: bytes, found: dict[str, float], marks: list[EcgMark]) -> None:
    blocks, spikes, rr_ms, _ = struct.unpack_from("<BBHH", body)
    if blocks:
        edges = struct.unpack_from("<5H", body, 6)
        axes = struct.unpack_from("<3h", body, 16)
        _intervals(dict(zip(_EDGES, edges, strict=True)), found, marks)
        for name, degrees in zip(("p_axis_deg", "qrs_axis_deg", "t_axis_deg"), axes, strict=True):
            if degrees not in NO_VALUE and abs(degrees) <= 360:
                found[name] = float(degrees)
    if rr_ms and rr_ms not in NO_VALUE:
        found["rr_ms"] = float(rr_ms)
        found["heart_rate_bpm"] = float(round(60000 / rr_ms))
    at = 6 + 16 * blocks
    for spike in range(spikes):
        at_ms, _ = struct.unpack_from("<Hh", body, at + 4 * spike)
        marks.append(EcgMark("pacemaker_spike", at_ms * 1000.0))
    at += 10 * spikes
    if at + 2 > len(body):
        return
    (types,) = struct.unpack_from("<H", body, at)
    at += 2 + types
    if at + 7 > len(body):
        return
    rate, atrial, qtc, formula = struct.unpack_from("<HHHB", body, at)
    if rate and rate not in NO_VALUE and rate <= 1000:
        found["heart_rate_bpm"] = float(rate)
    if atrial and atrial not in NO_VALUE and atrial <= 1000:
        found["atrial_rate_bpm"] = float(atrial)
    if qtc and qtc not in NO_VALUE:
        found[_QTC_NAMES.get(formula, "qtc_ms")] = float(qtc)


def _intervals(edges: dict[str, int], found: dict[str, float], marks: list[EcgMark]) -> None:
    known = {name: at for name, at in edges.items() if at not in NO_VALUE}
    if len(known) > 1 and not any(known.values()):
        return                               # zeros stand for nothing measured
    for name, begin, end in (("p_ms", "p_onset", "p_offset"), ("pr_ms", "p_onset", "qrs_onset"),
                             ("qrs_ms", "qrs_onset", "qrs_offset"), ("qt_ms", "qrs_onset", "t_offset")):
        if begin in known and end in known and known[end] > known[begin]:
            found[name] = float(known[end] - known[begin])
    marks += [EcgMark(name, at * 1000.0, is_on_representative_beat=True) for name, at in known.items()]


def _section_10(body: bytes, found: dict[str, float]) -> None:
    """Amplitudes of R in V5 and of S in V1, as lists of hypertrophy want them."""
    at = 4
    while at + 4 <= len(body):
        code, size = struct.unpack_from("<HH", body, at)
        values = body[at + 4:at + 4 + size]
        at += 4 + size
        wanted = _AMPLITUDES.get(lead_names.by_number(code) or "")
        if wanted is None or len(values) < 2 * wanted[1] + 2:
            continue
        (amplitude_uv,) = struct.unpack_from("<h", values, 2 * wanted[1])
        if amplitude_uv not in NO_VALUE and amplitude_uv:
            found.setdefault(wanted[0], abs(amplitude_uv) / 1000)


def _statement_values(body: bytes) -> Iterator[bytes]:
    """The values of Section 8 or 11: behind a head of 9 bytes, each with a number and its length."""
    count = body[8] if len(body) >= 9 else 0
    at = 9
    for _ in range(min(count, _MAX_STATEMENTS)):
        if at + 3 > len(body):
            return
        (size,) = struct.unpack_from("<H", body, at + 1)
        if at + 3 + size > len(body):
            return
        yield body[at + 3:at + 3 + size]
        at += 3 + size
