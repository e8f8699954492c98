"""What a workitem says to others, as DICOM JSON: the attributes of PS3.4 table CC.2.5-3 from what we hold.

Who it is about, its state and its priority are always read from the study and the reading; what others set lies over
the rest. The Transaction UID is no part of it and never leaves (CC.2.7.3). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from gateway.core.workitems import UPS_PUSH
from storage.model import Instance, Priority, Reading, Report, Series, Study, StudyState
from storage.model.orders import Order
from storage.model.workitems import UpsState, Workitem

Json = dict[str, Any]

INTERPRETATION = ("110005", "DCM", "Interpretation")
UNSPECIFIED_REASON = ("110513", "DCM", "Discontinued for unspecified reason")
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
NOT_ROUTED = "UNROUTED"

PROTECTED = frozenset({
    "00080005", "00080016", "00080018", "00081195", "00080201", "00100010", "00100020", "00100021", "00100024",
    "00100030", "00100040", "00380010", "00380014", "00081080", "00081084", "0040A370", "00741224", "00741000",
    "00404010", "0020000D", "00741200", "00404041", "00404021",
})
"""Tags that we answer for ourselves, whatever was sent."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a workitem is about, as far as it was looked up."""

    item: Workitem
    study: Study
    reading: Reading | None
    order: Order | None
    site_name: str
    report: Report | None                # the signed one
    report_series_uid: str
    signers: tuple[str, ...]             # display names
    ae_title: str                        # where its objects are retrieved
    base_url: str                        # the same by DICOMweb, "" if it is not known here
    series: Sequence[tuple[Series, Sequence[Instance]]] | None = None   # None: not looked up (lists)


def record_of(subject: Subject, zone: tzinfo) -> Json:
    """All attributes, sorted by tag."""
    item, study, reading = subject.item, subject.study, subject.reading
    said = {tag: value for tag, value in item.attributes.items() if tag not in PROTECTED}
    priority = reading.priority if reading else Priority.ROUTINE
    started = reading.created_at if reading else item.created_at
    base: Json = {
        "00080005": value("CS", "ISO_IR 192"),
        "00080016": value("UI", UPS_PUSH),
        "00080018": value("UI", item.uid),
        "00080201": value("SH", started.astimezone(zone).strftime("%z")),
        "0020000D": value("UI", study.study_instance_uid),
        "00404010": value("DT", local(item.modified_at, zone)),
        "00741200": value("CS", "MEDIUM" if priority is Priority.ROUTINE else "HIGH"),
        "00741204": value("LO", _label(study)),
        "00741202": value("LO", reading.group if reading else NOT_ROUTED),
        "00741210": value("SQ"), "00404025": value("SQ"), "00404026": value("SQ"), "00404027": value("SQ"),
        "00404005": value("DT", local(started, zone)),
        "00404011": value("DT", local(reading.due_at, zone)) if reading else value("DT"),
        "00404018": value("SQ", code(*INTERPRETATION)),
        "00400400": value("LT", subject.order.purpose if subject.order else ""),
        "00404041": value("CS", "READY" if study.state is StudyState.COMPLETE else "INCOMPLETE"),
        "00404021": {"vr": "SQ", "Value": _inputs(subject)},
        "00741000": value("CS", item.state.value),
        "00741002": value("SQ"),
        "00741216": value("SQ"),
        **_patient(subject), **_request(subject),
    }
    if item.replaces:
        base["00741224"] = value("SQ", {"00081150": value("UI", UPS_PUSH), "00081155": value("UI", item.replaces)})
    if item.state is UpsState.COMPLETED and not item.performer and subject.report is not None:
        said["00741216"] = value("SQ", _performed_here(subject, subject.report, zone))
    return dict(sorted({**base, **said}.items()))


def value(vr: str, *values: Any) -> Json:
    """One element of DICOM JSON; nothing, None and "" are an empty element."""
    found = [one for one in values if one not in (None, "")]
    return {"vr": vr, "Value": found} if found else {"vr": vr}


def code(code_value: str, scheme: str, meaning: str) -> Json:
    """An item of a code sequence."""
    return {"00080100": value("SH", code_value), "00080102": value("SH", scheme), "00080104": value("LO", meaning)}


def local(at: datetime, zone: tzinfo) -> str:
    """A DT in local time; Timezone Offset From UTC stands beside it."""
    return at.astimezone(zone).strftime("%Y%m%d%H%M%S")


def state_information(record: Mapping[str, Any]) -> Json:
    """What a UPS State Report tells (table CC.2.4-1)."""
    told = {tag: record[tag] for tag in ("00741000", "00404041") if tag in record}
    for item in record.get("00741002", {}).get("Value", []):
        told |= {tag: item[tag] for tag in ("00741238", "0074100E") if tag in item}
    return told


def only(record: Mapping[str, Any], tags: Sequence[str]) -> Json:
    """Those of its elements that are there."""
    return {tag: record[tag] for tag in tags if tag in record}


def _label(study: Study) -> str:
    return (study.description or f"{study.modality} {study.body_part}".strip() or "Interpretation")[:64]


def _inputs(subject: Subject) -> list[Json]:
    """One item a series; in lists one for the study, without its objects."""
    study_uid = subject.study.study_instance_uid

    def found(url: str) -> Json:
        by_web = {"0040E025": value("SQ", {"00081190": value("UR", url)})} if subject.base_url else {}
        return {"0040E020": value("CS", "DICOM"), "0020000D": value("UI", study_uid),
                "0040E021": value("SQ", {"00080054": value("AE", subject.ae_title)}), **by_web}

    url = f"{subject.base_url}/studies/{study_uid}"
    if subject.series is None:
        return [{**found(url), "00081199": value("SQ")}]
    return [{**found(f"{url}/series/{series.series_instance_uid}"),
             "0020000E": value("UI", series.series_instance_uid),
             "00081199": {"vr": "SQ", "Value": [_reference(one.sop_class_uid, one.sop_instance_uid)
                                                for one in instances]}}
            for series, instances in subject.series]


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Json:
    return {"00081150": value("UI", sop_class_uid), "00081155": value("UI", sop_instance_uid)}


def _patient(subject: Subject) -> Json:
    patient, order = subject.study.patient, subject.order
    name = {"Alphabetic": patient.name.alphabetic or patient.name.display, "Ideographic": patient.name.ideographic}
    name = {group: text for group, text in name.items() if text}
    return {
        "00100010": value("PN", name or None), "00100020": value("LO", patient.patient_id),
        "00100021": value("LO", subject.study.site_id), "00100024": value("SQ"), "00101002": value("SQ"),
        "00100030": value("DA", patient.birth_date and patient.birth_date.strftime("%Y%m%d")),
        "00100040": value("CS", patient.sex),
        "00380010": value("LO", order.visit_number if order else ""), "00380014": value("SQ"),
        "00081080": value("LO", order.clinical_diagnosis[:64] if order else ""), "00081084": value("SQ"),
    }


def _request(subject: Subject) -> Json:
    study, order = subject.study, subject.order
    item = {
        "0020000D": value("UI", study.study_instance_uid), "00080050": value("SH", study.accession_number),
        "00080051": value("SQ"), "00402016": value("LO", order.placer_order_number if order else ""),
        "00400026": value("SQ"), "00402017": value("LO"), "00400027": value("SQ"),
        "00401001": value("SH", order.requested_procedure_id if order else ""),
        "00321060": value("LO", study.description[:64]), "00321064": value("SQ"),
        "00321033": value("LO", subject.site_name[:64]),
    }
    return {"0040A370": value("SQ", item)}


def _performed_here(subject: Subject, report: Report, zone: tzinfo) -> Json:
    """What our own signed report gives to the Performed Procedure Sequence."""
    started = report.written_at or report.signed_at or report.updated_at
    ended = report.signed_at or report.updated_at
    performers = [{"00404037": value("PN", {"Alphabetic": name}), "00404009": value("SQ")}
                  for name in subject.signers]
    output = {
        "0040E020": value("CS", "DICOM"), "0020000D": value("UI", subject.study.study_instance_uid),
        "0020000E": value("UI", subject.report_series_uid),
        "00081199": value("SQ", _reference(ENCAPSULATED_PDF, report.sop_instance_uid or "")),
        "0040E021": value("SQ", {"00080054": value("AE", subject.ae_title)}),
    }
    return {
        "00404035": {"vr": "SQ", "Value": performers},
        "00404028": value("SQ", code(subject.ae_title, "99RGATEWAY", "Reading Gateway")),
        "00404029": value("SQ"), "00404030": value("SQ"),
        "00404050": value("DT", local(started, zone)), "00404051": value("DT", local(ended, zone)),
        "00404019": value("SQ", code(*INTERPRETATION)), "00404033": value("SQ", output),
    }
