"""An archive of any size for benchmarks of searching: rows written straight into the tables, no objects behind them.

The shape is a county's: nine of ten instances are studies of one object (films, ultrasound, one or two a patient),
one of ten is a slice of a CT of 200. Studies come in the order of their dates, some 1,000 a day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa

from storage.tables import schema as t

STUDIES_A_DAY = 1000
SLICES = 200
UID_ROOT = "1.2.826.0.1.3680043.10.90"
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
SITE_IDS = tuple(f"site-{n}" for n in range(15))
_FAMILIES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
_PINYIN = ("Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Huang", "Zhao", "Wu", "Zhou", "Xu", "Sun", "Ma", "Zhu",
           "Hu", "Guo", "He", "Lin", "Luo", "Gao")
_MODALITIES = ("DX", "DX", "DX", "US", "US", "MG", "CR", "ES")
_BATCH = 5000

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Archive:
    """What a benchmark may ask for."""

    instance_count: int
    study_count: int
    ct_count: int

    @property
    def last_day(self) -> datetime:
        return FIRST_DAY + timedelta(days=(self.study_count - 1) // STUDIES_A_DAY)


def plan(instance_count: int) -> Archive:
    """How many studies make up so many instances."""
    ct_count = max(3, instance_count // 10 // SLICES)
    return Archive(instance_count, instance_count - ct_count * SLICES + ct_count, ct_count)


def patient_id(number: int) -> str:
    return f"P{number:08}"


def study_uid(number: int) -> str:
    return f"{UID_ROOT}.{number}"


def batches(archive: Archive) -> Iterator[list[Rows]]:
    """Some thousand studies at a time: one transaction each keeps the journal small."""
    found = studies(archive)
    while some := list(islice(found, _BATCH)):
        yield some


def write(connection: sa.Connection, some: list[Rows]) -> None:
    """Write the rows of some studies."""
    for table in (t.patient, t.study, t.series, t.instance):
        if rows := [row for one in some for row in one[table.name]]:
            connection.execute(_inserting(table), rows)


@lru_cache(maxsize=4)
def _inserting(table: sa.Table) -> sa.Insert:
    """The attributes come as JSON text already: encoding each anew was half the time of filling."""
    return sa.insert(sa.table(table.name, *(
        sa.column(c.name, sa.Text() if c.name == "attributes" else c.type) for c in table.columns)))


def studies(archive: Archive) -> Iterator[Rows]:
    """The rows of one study after another, by table."""
    every = archive.study_count // archive.ct_count
    for number in range(archive.study_count):
        rows: Rows = {"patient": [], "study": [], "series": [], "instance": []}
        for table, row in _study(number, number % every == 0 and number // every < archive.ct_count):
            rows[table].append(row)
        yield rows


def patient_of(patient_key: str) -> dict[str, Any]:
    """The patient's row."""
    return _patient(int(patient_key[1:]))


def _study(number: int, is_ct: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    patient_number = number - number % 2 if number % 3 == 1 else number   # a third comes a second time
    at = FIRST_DAY + timedelta(days=number // STUDIES_A_DAY, seconds=(number % STUDIES_A_DAY) * 40)
    site_id, modality = SITE_IDS[patient_number % 15], "CT" if is_ct else _MODALITIES[number % len(_MODALITIES)]
    study_id, uid = _id(at, number, 1), study_uid(number)
    if patient_number == number:
        yield "patient", _patient(number)
    yield "study", {
        "id": study_id, "study_instance_uid": uid, "site_id": site_id, "patient_key": f"p{patient_number:025}",
        "device_id": None, "modality": modality, "body_part": "CHEST", "description": "胸部",
        "accession_number": f"A{number:08}", "study_at": at, "age_years": 50.0, "urgency": "routine",
        "state": "complete", "instance_count": SLICES if is_ct else 1, "first_arrival_at": at, "last_arrival_at": at}
    series_id = _id(at, number, 2)
    yield "series", {"id": series_id, "study_id": study_id, "series_instance_uid": f"{uid}.1", "modality": modality,
                     "number": 1, "description": "PA", "body_part": "CHEST",
                     "instance_count": SLICES if is_ct else 1}
    for index in range(SLICES if is_ct else 1):
        yield "instance", {
            "id": _id(at + timedelta(milliseconds=index), number, 3), "study_id": study_id, "series_id": series_id,
            "sop_instance_uid": f"{uid}.1.{index + 1}", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
            "format": "dicom", "transfer_syntax_uid": "1.2.840.10008.1.2.1",
            "object_sha256": f"{number:056x}{index:08x}", "size_bytes": 525_000, "number": index + 1, "rows": 512,
            "columns": 512, "frame_count": 1, "has_waveform": False, "received_at": at,
            "attributes": _attributes(number, index, modality)}


def _patient(number: int) -> dict[str, Any]:
    family = number % len(_FAMILIES)
    name = f"演示{_FAMILIES[family]}{number:x}"
    return {
        "id": f"p{number:025}", "site_id": SITE_IDS[number % 15], "patient_id": patient_id(number),
        "name_display": name, "name_alphabetic": f"{_PINYIN[family]} Demo{number:x}", "name_ideographic": name,
        "name_confidence": "declared", "name_encoding": "utf-8", "name_raw_hex": "", "sex": "FM"[number % 2],
        "birth_date": (FIRST_DAY - timedelta(days=365 * 20 + number % 20000)).date()}


def _attributes(number: int, index: int, modality: str) -> str:
    """Some thirty elements as DICOM JSON, as receiving keeps them."""
    return (_attributes_of(modality).replace("-1111", str(index + 1)).replace("-2222", str(number % 9999))
            .replace("-3333", str(index * 1.5)))


@lru_cache(maxsize=16)
def _attributes_of(modality: str) -> str:
    """The same with marks where each instance has values of its own."""
    texts = {"00080020": ("DA", "20240101"), "00080030": ("TM", "080000"), "00080060": ("CS", modality),
             "00080070": ("LO", "Demo Imaging"), "00080080": ("LO", "演示镇卫生院"), "00080090": ("PN", None),
             "00081010": ("SH", "ROOM1"), "00081090": ("LO", "Model 7"), "00200010": ("SH", "-2222"),
             "00200060": ("CS", "L"), "00280004": ("CS", "MONOCHROME2"), "00185100": ("CS", "HFS"),
             "00400244": ("DA", "20240101"), "00400254": ("LO", "胸部")}
    numbers: dict[str, tuple[str, list[float]]] = {
        "00280010": ("US", [512]), "00280011": ("US", [512]), "00280100": ("US", [16]), "00280101": ("US", [12]),
        "00280102": ("US", [11]), "00280103": ("US", [0]), "00280002": ("US", [1]), "00200013": ("IS", [-1111]),
        "00200011": ("IS", [1]), "00280030": ("DS", [0.7, 0.7]), "00200032": ("DS", [-180.0, -180.0, -3333]),
        "00200037": ("DS", [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), "00281050": ("DS", [40.0]), "00281051": ("DS", [400.0]),
        "00281052": ("DS", [-1024.0]), "00281053": ("DS", [1.0]), "00180050": ("DS", [1.5])}
    return json.dumps({tag: {"vr": vr, "Value": [text]} if text else {"vr": vr} for tag, (vr, text) in texts.items()}
                      | {tag: {"vr": vr, "Value": values} for tag, (vr, values) in numbers.items()})


def _id(at: datetime, number: int, kind: int) -> str:
    return f"{round(at.timestamp() * 1000):012x}{kind}{number:013x}"
