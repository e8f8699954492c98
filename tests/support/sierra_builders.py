"""Philips Sierra XML with known samples, and an encoder of its compression that shares nothing with the product.

Written from the description of the format: residuals of the limb leads, second differences, two byte planes, LZW with
codes of 10 bits. ecgdatakit reads what it writes.
"""

from __future__ import annotations

import base64
import struct
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from tests.support.ecg_builders import LEADS, Samples, known_samples

STORED_CHUNKS = 16                  # carts write four silent channels behind the twelve


def sierra(samples: Samples | None = None, *, version: str = "1.04", encoding: str = "utf-16",
           declared: str | None = None, form: str = "XLI", resolution: str = "5", rate: str = "500",
           beats: Samples | None = None, beat_resolution: str = "2.5", beat_rate: str = "500",
           family: str = "演示", given: str = "甲", statements: tuple[tuple[str, str, str], ...] = (),
           severity: str = "- ABNORMAL ECG -", measurements: str = "", offset: str = "0",
           body: bytes | None = None, labels: str | None = None, duration_ms: str | None = None,
           lead_set: str = "STD-12") -> bytes:
    """A restingecgdata. `form`: XLI, none (plain words), Plain (decimal text). A statement: code, left, right."""
    samples = known_samples(count=5500) if samples is None else samples
    count = len(next(iter(samples.values())))
    duration = duration_ms or f"{count * 1000 / float(rate):g}"
    is_old = version == "1.03"
    names = " ".join(samples) if labels is None else labels
    if form == "Plain":
        waves = " ".join(str(v) for values in samples.values() for v in values)
    else:
        packed = body if body is not None else xli(samples) if form == "XLI" else b"".join(
            values.astype("<i2").tobytes() for values in samples.values())
        waves = base64.encodebytes(packed).decode()
    how = "Plain" if form == "Plain" else "Base64"
    if is_old:
        about = (f'compressflag="{form == "XLI"}" compressmethod="{"XLI" if form == "XLI" else "Uncompressed"}" '
                 f'dataencoding="{how}" durationperchannel="{duration}" nbitspersample="16"')
    else:
        about = (f'dataencoding="{how}" compression="{"XLI" if form == "XLI" else "None"}" '
                 f'numberofleads="{len(samples)}" leadlabels="{names}" durationperchannel="{duration}" '
                 f'samplespersecond="{rate}" resolution="{resolution}" signaloffset="{offset}" signalsigned="True" '
                 'bitspersample="16" hipass="0.05" lowpass="150" notchfiltered="True" notchfilterfreqs="50"')
    signal = (f"<samplingrate>{rate}</samplingrate>"
              + (f"<signalresolution>{resolution}</signalresolution><signalbandwidth>0.05-150</signalbandwidth>"
                 if is_old else f"<resolution>{resolution}</resolution>")
              + f"<bitspersample>16</bitspersample><signaloffset>{offset}</signaloffset>"
              "<signalsigned>True</signalsigned><numberchannelsallocated>12</numberchannelsallocated>"
              f"<numberchannelsvalid>{len(samples)}</numberchannelsvalid><leadset>{lead_set}</leadset>")
    lines = "".join(
        f"<statement><statementcode>{code}</statementcode><leftstatement>{escape(left)}</leftstatement>"
        f"<rightstatement>{escape(right)}</rightstatement></statement>" for code, left, right in statements)
    place = "interpretationmeasurements" if is_old else "globalmeasurements"
    text = (
        f'<?xml version="1.0" encoding="{declared or encoding}"?>\n'
        '<restingecgdata xmlns="http://www3.medical.philips.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<documentinfo><documentname>demo.xml</documentname><documenttype>{'SierraECG' if is_old else 'PhilipsECG'}"
        f"</documenttype><documentversion>{version}</documentversion></documentinfo>"
        '<reportinfo date="2026-03-02" time="08:30:00"><reportformat><waveformformat leadsequence="Standard">'
        f'<mainwaveformformat nrow="3" ncolumn="4">{" ".join(LEADS)} </mainwaveformformat></waveformformat>'
        "</reportformat></reportinfo>"
        '<dataacquisition date="2026-03-02" time="08:30:00" statflag="False">'
        '<machine machineid="SN7" detaildescription="Demo maker:1:A">Demo cart</machine>'
        f"<signalcharacteristics>{signal}</signalcharacteristics></dataacquisition>"
        f"<patient><generalpatientdata><patientid>P1</patientid><name><lastname>{escape(family)}</lastname>"
        f"<firstname>{escape(given)}</firstname></name><age><dateofbirth>1960-04-05</dateofbirth></age>"
        "<sex>Male</sex></generalpatientdata></patient>"
        f'<interpretations><interpretation><{place}>{measurements}</{place}><severity code="AB">{severity}</severity>'
        f"{lines}</interpretation></interpretations><waveforms><parsedwaveforms {about}>{waves}</parsedwaveforms>"
        f"{_beats(beats, beat_resolution, beat_rate)}</waveforms></restingecgdata>")
    return text.encode(encoding)


def _beats(beats: Samples | None, resolution: str, rate: str) -> str:
    if beats is None:
        return ""
    each = "".join(
        f'<repbeat leadname="{lead}"><qonset>512</qonset><waveform duration="{len(values) * 1000 / float(rate):g}">'
        f"{base64.encodebytes(values.astype('<i2').tobytes()).decode()}</waveform></repbeat>"
        for lead, values in beats.items())
    return (f'<repbeats dataencoding="Base64" samplespersec="{rate}" resolution="{resolution}" '
            f'repbeatmethod="mean">{each}</repbeats>')


def xli(samples: Samples) -> bytes:
    """All twelve leads compressed, and the silent channels behind them."""
    values = {lead: samples[lead].astype(np.int64) for lead in LEADS}
    one, two, three = values["I"], values["II"], values["III"]
    stored = dict(values)
    stored["III"] = two - one - three
    stored["aVR"] = -values["aVR"] - np.floor_divide(one + two, 2)
    stored["aVL"] = np.floor_divide(one - three, 2) - values["aVL"]
    stored["aVF"] = np.floor_divide(two + three, 2) - values["aVF"]
    silent = np.zeros(len(one), dtype=np.int64)
    chunks = [*stored.values(), *[silent] * (STORED_CHUNKS - len(LEADS))]
    return b"".join(xli_chunk(chunk) for chunk in chunks)


def xli_chunk(samples: NDArray[np.int64]) -> bytes:
    """One lead: header and codes."""
    z = [int(value) for value in samples]
    start = 2 * z[1] - z[0] - z[2]
    bends = [64 + 2 * z[i - 1] - z[i - 2] - z[i] for i in range(3, len(z))]
    words = [z[0], z[1], *bends, 64][:len(z)]
    packed = b"".join(struct.pack(">h", word) for word in words)
    codes = lzw_codes(packed[0::2] + packed[1::2])
    bits = "".join(f"{code:010b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return struct.pack("<iHh", len(body), 1, start) + body


def lzw_codes(data: bytes) -> list[int]:
    """LZW with a table that stays as it is once code 1022 is given away."""
    known = {bytes([value]): value for value in range(256)}
    out, word = [], b""
    for value in data:
        longer = word + bytes([value])
        if longer in known:
            word = longer
            continue
        out.append(known[word])
        if len(known) <= 1022:
            known[longer] = len(known)
        word = bytes([value])
    return [*out, known[word]]
