"""DICOM JSON of studies, series and instances from the index (PS3.18 Annex F): text as decoded, always UTF-8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from gateway.renditions.dicom_json import Json, person_name
from gateway.services.find_studies import StoredInstance, StoredSeries, StoredStudy

PATIENT_TAGS = ("00100010", "00100020", "00100030", "00100040")
_STUDY_EXTRA = ("00080201", "00080090", "00101010", "00200010", "00080080", "00081010")
_SERIES_EXTRA = ("00080021", "00080031", "00200060", "00400244", "00400245", "00081090", "00080070")
_INSTANCE_EXTRA = ("00080008", "00080023", "00080033", "00200032", "00200037", "00200012", "00280100", "00280030",
                   "00181164", "00280008", "00201041")


def study_record(line: StoredStudy, url: str, zone: ZoneInfo) -> Json:
    """Attributes of PS3.18 Table 10.6.3-3, and who the patient is."""
    at = None if line.study_at is None else line.study_at.astimezone(zone)
    record: Json = {
        "00080005": _value("CS", "ISO_IR 192"), "00080020": _value("DA", at and at.strftime("%Y%m%d")),
        "00080030": _value("TM", at and at.strftime("%H%M%S")), "00080050": _value("SH", line.accession_number),
        "00080056": _value("CS", "ONLINE"), "00080061": _values("CS", line.modalities),
        "00081030": _value("LO", line.description), "00081190": _value("UR", url),
        "0020000D": _value("UI", line.study_instance_uid), "00201206": _value("IS", line.series_count),
        "00201208": _value("IS", line.instance_count), **patient_record(line),
    }
    return _with(record, line.attributes, _STUDY_EXTRA)


def patient_record(line: StoredStudy) -> Json:
    """Who the patient is, as the index has decoded it."""
    return {
        "00100010": person_name(alphabetic=line.name_alphabetic, ideographic=line.name_ideographic,
                                display=line.name_display),
        "00100020": _value("LO", line.patient_id),
        "00100030": _value("DA", line.birth_date and line.birth_date.strftime("%Y%m%d")),
        "00100040": _value("CS", line.sex),
    }


def series_record(line: StoredSeries, url: str) -> Json:
    """Attributes of PS3.18 Table 10.6.3-4."""
    record: Json = {
        "00080005": _value("CS", "ISO_IR 192"), "00080056": _value("CS", "ONLINE"),
        "00080060": _value("CS", line.modality), "0008103E": _value("LO", line.description),
        "00081190": _value("UR", url), "00180015": _value("CS", line.body_part),
        "0020000D": _value("UI", line.study.study_instance_uid), "0020000E": _value("UI", line.series_instance_uid),
        "00200011": _value("IS", line.number), "00201209": _value("IS", line.instance_count),
    }
    return _with(record, line.attributes, _SERIES_EXTRA)


def instance_record(line: StoredInstance, url: str) -> Json:
    """Attributes of PS3.18 Table 10.6.3-5."""
    record: Json = {
        "00080005": _value("CS", "ISO_IR 192"), "00080016": _value("UI", line.sop_class_uid),
        "00080018": _value("UI", line.sop_instance_uid), "00080056": _value("CS", "ONLINE"),
        "00080060": _value("CS", line.modality), "00081190": _value("UR", url),
        "00083002": _value("UI", line.transfer_syntax_uid),
        "0020000D": _value("UI", line.study.study_instance_uid), "0020000E": _value("UI", line.series_instance_uid),
        "00200013": _value("IS", line.number), "00280010": _value("US", line.rows),
        "00280011": _value("US", line.columns),
    }
    return _with(record, line.attributes, _INSTANCE_EXTRA)


def included(record: Json, attributes: Json, asked: Iterable[str]) -> Json:
    """Add what includefield asks for, as far as the index has it; "all" adds everything it has."""
    tags = list(asked)
    more = attributes if "all" in tags else {tag: attributes[tag] for tag in tags if tag in attributes}
    return dict(sorted({**more, **record}.items()))


def _with(record: Json, attributes: dict[str, Any], tags: Iterable[str]) -> Json:
    extra = {tag: attributes[tag] for tag in tags if tag in attributes}
    return dict(sorted({**extra, **record}.items()))


def _value(vr: str, value: Any) -> Json:
    return {"vr": vr} if value is None or value == "" else {"vr": vr, "Value": [value]}


def _values(vr: str, values: Iterable[Any]) -> Json:
    found = list(values)
    return {"vr": vr, "Value": found} if found else {"vr": vr}
