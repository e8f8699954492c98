"""One ECG in every format that the gateway reads, made here; and how each of these formats gets damaged."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from gateway.core.waveform import EcgLead, EcgMark, EcgPatient, EcgRecord
from gateway.formats import aecg_writer, dicom_ecg_writer, scp_writer, wfdb_writer
from gateway.formats.ecg import recognise
from gateway.formats.scp_writer import ScpOptions
from gateway.formats.zip_members import pack
from tests.support import scp_builders
from tests.support.cardiosoft_builders import cardiosoft
from tests.support.contec_builders import contec, contec_samples
from tests.support.ecg_builders import (
    Samples,
    aecg,
    aecg_measurement,
    dicom_ecg,
    dicom_number,
    dicom_statement,
    known_samples,
    wfdb_files,
)
from tests.support.edf_builders import edf, with_gap
from tests.support.format_fuzzing import Damage, damage_of
from tests.support.fuzzing import mutated
from tests.support.mfer_builders import mfer
from tests.support.muse_builders import MUSE_LEADS, muse
from tests.support.pdf_builders import pdf_file
from tests.support.sierra_builders import sierra
from tests.support.wfdb_builders import annotation_file, segmented_files
from tests.support.xml_damage import xml_damage_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class FormatFiles:
    """Small files of one format, how to break them, and one of 12 × 5000 samples (or as many as the format has)."""

    small: Sequence[bytes]
    damage: Damage
    whole: bytes


def known_record(samples: Samples | None = None, *, nv_per_unit: float = 5000.0) -> EcgRecord:
    """A record with something in every field, 12 × 5000 samples of 5 µV."""
    samples = known_samples() if samples is None else samples
    leads = tuple(EcgLead(name, "", values, nv_per_unit) for name, values in samples.items())
    beats = tuple(EcgLead(name, "", values[:350], nv_per_unit) for name, values in samples.items())
    return EcgRecord(
        "scp_ecg", 2000.0, leads, datetime(2026, 3, 2, 8, 30, tzinfo=SHANGHAI),
        EcgPatient("P1", "演示甲", "M", date(1960, 4, 5), 65.0), "CART1", "SN-7", "0.05-150 Hz, notch 50 Hz",
        measurements={"heart_rate_bpm": 72.0, "p_ms": 100.0, "pr_ms": 150.0, "qrs_ms": 94.0, "qt_ms": 390.0,
                      "qrs_axis_deg": -30.0},
        statements=("窦性心律", "正常心电图"), representative_beats=beats, beat_interval_us=2000.0,
        marks=(EcgMark("beat", 100_000.0), *(
            EcgMark(kind, at_us, is_on_representative_beat=True) for kind, at_us in (
                ("p_onset", 40_000.0), ("p_offset", 140_000.0), ("qrs_onset", 190_000.0), ("qrs_offset", 284_000.0),
                ("t_offset", 580_000.0)))))


def every_format() -> dict[str, FormatFiles]:
    """By the prefix of the reasons that the reader of the format refuses with."""
    short, eight = known_samples(count=300), known_samples(leads=MUSE_LEADS, count=300)
    record = known_record(short)
    dicom_said = (dicom_number("2:16016", "MDC", "Ventricular Heart Rate", "72", "{H.B.}/min"),
                  dicom_statement("窦性心律"))
    dicom = [dicom_ecg(short, median=known_samples(count=60), annotations=dicom_said, character_set="ISO_IR 192"),
             dicom_ecg_writer.write(record), dicom_ecg_writer.write(replace(record, interval_us=250.0)),
             dicom_ecg(short, bits_stored=12, padding=0, name="王^小明".encode("gbk"))]
    scp = [scp_writer.write(record, options) for options in (
        ScpOptions(), ScpOptions(is_compressed=False), ScpOptions(difference_order=1))]
    scp += [scp_writer.write(scp_builders.heart_record(scp_builders.heart_samples(leads=("I", "II"), count=1500)), o)
            for o in (ScpOptions(is_beat_subtracted=True), ScpOptions(is_bimodal=True))]
    sierras = [sierra(short, beats=short, statements=(("SR", "Sinus", "x"),)), sierra(short, version="1.03"),
               sierra(short, form="none")]
    wfdb = [{**wfdb_files(short), "demo1.atr": annotation_file((20, 1, ""), (200, 5, "(VT"))}, segmented_files()]
    muses = [muse(eight, median=eight, qrs_times_ms=(614,), statements=(("窦性心律", False),)),
             muse(eight, encoding="GBK", declared="GBK")]
    cardiosofts = [cardiosoft(short, median=short, beats_ms=(800,), diagnosis=("a",))]
    aecgs = [aecg(short, annotations=aecg_measurement("MDC_ECG_TIME_PD_PR", 148, "ms"), statements=("窦性心律",)),
             aecg_writer.write(record)]
    edfs = [edf(short, annotations=((0.2, -1, "Demo"),)),
            with_gap(edf(known_samples(count=2500)), record=2, later_s=2)]
    contecs = [contec(), contec(contec_samples(count=90), off=("V1", "V6"))]
    mfers = [mfer(short), mfer(short, is_little=False, block=50), mfer(short, data_type=7)]
    full = known_record()
    files = {
        "dicom": FormatFiles(dicom, damage_of(dicom), dicom_ecg_writer.write(full)),
        "scp": FormatFiles(scp, _scp_damage(scp), scp_writer.write(full)),
        "healforce": FormatFiles([_healforce()], damage_of([_healforce()]), _healforce()),
        "muse": FormatFiles(muses, xml_damage_of(muses), muse()),
        "cardiosoft": FormatFiles(cardiosofts, xml_damage_of(cardiosofts), cardiosoft()),
        "sierra": FormatFiles(sierras, xml_damage_of(sierras), sierra()),
        "aecg": FormatFiles(aecgs, xml_damage_of(aecgs), aecg_writer.write(full)),
        "wfdb": FormatFiles([pack(files) for files in wfdb], _wfdb_damage(wfdb), wfdb_writer.write(full)),
        "edf": FormatFiles(edfs, damage_of(edfs), edf()),
        "contec": FormatFiles(contecs, damage_of(contecs), contec(contec_samples(count=8000))),
        "mfer": FormatFiles(mfers, damage_of(mfers), mfer()),
        "pdf": FormatFiles([pdf_file()], damage_of([pdf_file(), pdf_file(is_encrypted=True)]), pdf_file()),
    }
    return {name: replace(each, damage=_mostly_known(each.damage)) for name, each in files.items()}


def _mostly_known(damage: Damage) -> Damage:
    """Up to four tries to leave the file recognisable: what nobody recognises tests no reader."""
    def again(chance: random.Random) -> bytes:
        data = damage(chance)
        for _ in range(3 if chance.random() < 0.95 else 0):
            if recognise(data):
                break
            data = damage(chance)
        return data

    return again


def _scp_damage(originals: Sequence[bytes]) -> Damage:
    """Half of it with checksums that fit again, so that it gets past them."""
    plain = damage_of(originals)

    def damage(chance: random.Random) -> bytes:
        if chance.random() < 0.5:
            return plain(chance)
        return scp_builders.mutated(chance.choice(originals), np.random.default_rng(chance.randrange(1 << 32)))

    return damage


def _wfdb_damage(records: Sequence[dict[str, bytes]]) -> Damage:
    """Three quarters are sound zips of damaged files, so that the damage does not end at the zip."""
    def damage(chance: random.Random) -> bytes:
        files = dict(chance.choice(records))
        if chance.random() < 0.25:
            return mutated(chance, pack(files))
        name = chance.choice([*files, *(n for n in files if n.endswith(".hea"))])
        files[name] = mutated(chance, files[name], donors=list(files.values()))
        return pack(files)

    return damage


def _healforce() -> bytes:
    body = struct.pack("<HII", 0, 36, 6) + struct.pack("<HII", 6, 200, 42)
    section = b"\x40\xfd" + struct.pack("<HIBB", 0, 36, 13, 13) + bytes(6) + body
    return struct.pack("<HHH", 0x9D30, 0, 242) + section + bytes(200) + b"\xff" * 50
