"""Rows of the index as records that a query key can be compared with: values by tag, as DICOM writes them.

What the index holds in a column goes before what an instance said, because a person or a device's rule may have
corrected it; only a name that says the same keeps the instance's own carets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core import query_keys as k
from gateway.core.query_keys import ATTRIBUTES, Level
from gateway.reports.encapsulated_pdf import SERIES_DESCRIPTION, SERIES_NUMBER, report_series_uid
from storage.interface import StoredInstance, StoredPatient, StoredReport, StoredSeries, StoredStudy

Record = dict[int, tuple[str, ...]]

REPORT_MODALITY = "DOC"
REPORT_SOP_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
REPORT_TRANSFER_SYNTAX = "1.2.840.10008.1.2.1"


def patient_record(line: StoredPatient, reports: list[StoredReport]) -> Record:
    """One patient; reports of studies that have nothing else count as studies of their own."""
    alone = {report.study.study_id for report in reports if report.study.study_id not in line.study_ids}
    record = _said(line.attributes, Level.PATIENT) | _patient(line, line.attributes)
    return record | {
        k.PATIENT_STUDIES: (str(len(line.study_ids) + len(alone)),),
        k.PATIENT_SERIES: (str(line.series_count + len({report.reading_id for report in reports})),),
        k.PATIENT_INSTANCES: (str(line.instance_count + len(reports)),)}


def study_record(line: StoredStudy, reports: list[StoredReport], sop_classes: list[str], zone: ZoneInfo) -> Record:
    """One study with what is counted in it; `reports` are its own."""
    said = _said(line.attributes, Level.STUDY)
    record = said | _patient(line, line.attributes) | _not_empty({
        k.STUDY_UID: line.study_instance_uid, k.ACCESSION_NUMBER: line.accession_number,
        k.STUDY_DESCRIPTION: line.description})
    if line.study_at is not None and k.STUDY_DATE not in said:
        local = line.study_at.astimezone(zone)
        record |= {k.STUDY_DATE: (local.strftime("%Y%m%d"),), k.STUDY_TIME: (local.strftime("%H%M%S"),)}
    modalities = sorted({*line.modalities, *([REPORT_MODALITY] if reports else [])})
    classes = sorted({*sop_classes, *([REPORT_SOP_CLASS] if reports else [])})
    return record | {
        k.MODALITIES: tuple(modalities), k.SOP_CLASSES: tuple(classes),
        k.STUDY_SERIES: (str(line.series_count + len({report.reading_id for report in reports})),),
        k.STUDY_INSTANCES: (str(line.instance_count + len(reports)),)}


def series_record(line: StoredSeries) -> Record:
    """The attributes of one series."""
    return _said(line.attributes, Level.SERIES) | _not_empty({
        k.SERIES_UID: line.series_instance_uid, k.MODALITY: line.modality,
        k.SERIES_NUMBER: "" if line.number is None else str(line.number),
        k.SERIES_DESCRIPTION: line.description, k.BODY_PART: line.body_part,
        k.SERIES_INSTANCES: str(line.instance_count)})


def instance_record(line: StoredInstance) -> Record:
    """The attributes of one instance and, as far as it says them itself, of its series."""
    series = _said(line.attributes, Level.SERIES)
    return series | _said(line.attributes, Level.IMAGE) | _not_empty({
        k.SERIES_UID: line.series_instance_uid, k.MODALITY: line.modality, k.SOP_INSTANCE_UID: line.sop_instance_uid,
        k.SOP_CLASS_UID: line.sop_class_uid, k.TRANSFER_SYNTAX: line.transfer_syntax_uid,
        k.INSTANCE_NUMBER: "" if line.number is None else str(line.number)})


def report_series_record(report: StoredReport, count: int, zone: ZoneInfo) -> Record:
    """The series of a reading's signed reports, as the objects themselves say it."""
    return _not_empty({
        k.SERIES_UID: report_series_uid(report.reading_id), k.MODALITY: REPORT_MODALITY,
        k.SERIES_NUMBER: str(SERIES_NUMBER), k.SERIES_DESCRIPTION: SERIES_DESCRIPTION,
        k.SERIES_INSTANCES: str(count), **_signed(report, 0x00080021, 0x00080031, zone)})


def report_record(report: StoredReport, zone: ZoneInfo) -> Record:
    """One signed report as an instance."""
    return report_series_record(report, 1, zone) | _not_empty({
        k.SOP_INSTANCE_UID: report.sop_instance_uid, k.SOP_CLASS_UID: REPORT_SOP_CLASS,
        k.TRANSFER_SYNTAX: REPORT_TRANSFER_SYNTAX, k.INSTANCE_NUMBER: str(report.version),
        **_signed(report, 0x00080023, 0x00080033, zone)})


def _signed(report: StoredReport, date_tag: int, time_tag: int, zone: ZoneInfo) -> dict[int, str]:
    if report.signed_at is None:
        return {}
    local = report.signed_at.astimezone(zone)
    return {date_tag: local.strftime("%Y%m%d"), time_tag: local.strftime("%H%M%S")}


def _patient(line: StoredPatient | StoredStudy, attributes: Mapping[str, Any]) -> Record:
    said = _values(attributes.get(f"{k.PATIENT_NAME:08X}", {}))
    return _not_empty({
        k.PATIENT_ID: line.patient_id, k.SEX: line.sex,
        k.PATIENT_NAME: _name(line, said[0] if said else ""),
        k.BIRTH_DATE: line.birth_date.strftime("%Y%m%d") if line.birth_date else ""})


def _name(line: StoredPatient | StoredStudy, said: str) -> str:
    groups = [*said.split("="), "", ""]
    if [_plain(group) for group in groups[:2]] == [_plain(line.name_alphabetic), _plain(line.name_ideographic)]:
        return said
    if line.name_ideographic:
        return f"{line.name_alphabetic}={line.name_ideographic}"
    return line.name_alphabetic or line.name_display


def _plain(group: str) -> str:
    return "".join(group.replace("^", " ").split())


def _said(attributes: Mapping[str, Any], level: Level) -> Record:
    """What the index keeps of an instance's own words for one level; a study says its patient's as well."""
    record: Record = {}
    for tag, attribute in ATTRIBUTES.items():
        is_of_level = attribute.level == level or (level is Level.STUDY and attribute.level is Level.PATIENT)
        values = _values(attributes.get(f"{tag:08X}", {})) if is_of_level and not attribute.is_counted else ()
        if values:
            record[tag] = values
    return record


def _values(element: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of an element of DICOM JSON as DICOM writes them."""
    values = element.get("Value") or []
    return tuple(_text(value) for value in values) if any(value is not None for value in values) else ()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        groups = [str(value.get(name, "")) for name in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.10g}"
    return "" if value is None else str(value)


def _not_empty(values: Mapping[int, str]) -> Record:
    return {tag: (value,) for tag, value in values.items() if value}
