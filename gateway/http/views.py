"""From what the gateway remembers to what a screen is sent: one function per message, no decision in any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.http import messages as m
from gateway.http.ecg_views import priority_hint_view
from gateway.http.origins import origin_view
from gateway.services.clocks.show_clocks import ShownClock, current_clock
from gateway.services.explain_study import DecidingVersion
from gateway.services.find_studies import version_of
from gateway.services.list_clinic_studies import DeliveryLine
from gateway.services.list_readings import ReadingLine, StudyLine
from gateway.services.show_reading import ShownReading
from gateway.services.show_study import ShownStudy
from storage.model import Confidence, Decision, Instance, Patient, Report, Series
from storage.model.orders import Order

ECG_MODALITY = "ECG"


def kind_of(modality: str) -> str:
    """Which viewer shows it."""
    return "ecg" if modality == ECG_MODALITY else "image"


def patient_view(patient: Patient) -> m.PatientView:
    name = patient.name
    return m.PatientView(
        id=patient.id, patient_id=patient.patient_id, sex=patient.sex, birth_date=patient.birth_date,
        name=m.NameView(display=name.display, alphabetic=name.alphabetic, encoding=name.encoding,
                        is_guessed=name.confidence is Confidence.GUESSED, raw_hex=name.raw_hex))


def study_fields(line: StudyLine) -> dict[str, Any]:
    """The fields that a reading row and a clinic row share."""
    return {
        "study_id": line.id, "kind": kind_of(line.modality), "patient": patient_view(line.patient),
        "age_years": line.age_years, "modality": line.modality, "body_part": line.body_part,
        "description": line.description, "accession_number": line.accession_number, "study_at": line.study_at,
        "arrived_at": line.first_arrival_at, "instance_count": line.instance_count,
        "expected_count": line.expected_count,
    }


def reading_row(line: ReadingLine, clocks: Sequence[ShownClock] = ()) -> m.ReadingRow:
    reading = line.reading
    current = current_clock(clocks, reading.state)
    return m.ReadingRow(
        id=reading.id, state=reading.state, priority=reading.priority, site_id=reading.site_id,
        site_name=line.study.site_name, due_at=reading.due_at, group=reading.group,
        assigned_to_name=line.assigned_to_name, claimed_by=reading.claimed_by, claimed_by_name=line.claimed_by_name,
        writer_id=reading.writer_id, late_instances=reading.late_instances,
        is_device_statement_present=line.has_device_statement, report_state=line.report_state,
        priority_hints=[priority_hint_view(hint) for hint in line.hints],
        revision=reading.revision, clock=clock_view(current) if current is not None else None,
        **study_fields(line.study))


def clock_view(shown: ShownClock) -> m.ClockView:
    clock = shown.clock
    return m.ClockView(stage=clock.stage, state=shown.state, started_at=clock.started_at, due_at=clock.due_at,
                       met_at=clock.met_at)


def decision_view(decision: Decision, reader_name: str | None,
                  version: DecidingVersion | None = None) -> m.DecisionView:
    rules = [m.RuleView(rule=seen["rule"], matched=seen["matched"], gives=seen.get("gives", {}),
                        conditions=[m.ConditionView(text=c["text"], holds=c["holds"], seen=c["seen"],
                                                    why=c.get("why", "")) for c in seen["conditions"]])
             for seen in decision.because]
    return m.DecisionView(
        id=decision.id, at=decision.at, rules_version=decision.rules_version, priority=decision.priority,
        group=decision.group, reader_name=reader_name, due_at=decision.due_at, tags=list(decision.tags),
        because=rules, facts=decision.facts, hints=[priority_hint_view(hint) for hint in decision.hints],
        rules=m.DecidingRulesView(version.title, version.proposed_by, version.activated_at, version.approved_by,
                                  version.approved_at) if version is not None else None)


def series_view(series: Series, instances: list[Instance]) -> m.SeriesView:
    return m.SeriesView(
        id=series.id, series_instance_uid=series.series_instance_uid, modality=series.modality, number=series.number,
        description=series.description,
        instances=[m.InstanceView(
            id=i.id, sop_instance_uid=i.sop_instance_uid, sop_class_uid=i.sop_class_uid, format=i.format,
            number=i.number, rows=i.rows, columns=i.columns, frame_count=i.frame_count, has_waveform=i.has_waveform,
            size_bytes=i.size_bytes, version=version_of(i.object_sha256)) for i in instances])


def study_view(shown: ShownStudy) -> m.StudyView:
    study = shown.study
    return m.StudyView(
        id=study.id, study_instance_uid=study.study_instance_uid, site_id=study.site_id,
        site_name=shown.site.name if shown.site else study.site_id,
        device_name=shown.device.name if shown.device else None, patient=patient_view(study.patient),
        age_years=study.age_years, kind=kind_of(study.modality), modality=study.modality, body_part=study.body_part,
        description=study.description, accession_number=study.accession_number, study_at=study.study_at,
        urgency=study.urgency, state=study.state, instance_count=study.instance_count,
        expected_count=study.expected_count, complete_by=study.complete_by, first_arrival_at=study.first_arrival_at,
        last_arrival_at=study.last_arrival_at,
        series=[series_view(series, instances) for series, instances in shown.series],
        decision=decision_view(shown.decision, shown.named_reader, shown.decided_by) if shown.decision else None,
        related=[m.RelatedStudy(
            study_id=other.id, reading_id=reading.id if reading else None, kind=kind_of(other.modality),
            modality=other.modality, body_part=other.body_part, description=other.description,
            study_at=other.study_at, state=reading.state if reading else None)
            for other, reading in shown.related],
        origin=origin_view(shown.origin), request=_request_view(shown.order) if shown.order else None,
        told=[m.ToldView(one.evidence.kind, one.evidence.at, one.evidence.is_final, one.evidence.instance_count,
                         one.missing) for one in shown.told])


def report_view(report: Report, names: Mapping[str, str]) -> m.ReportView:
    text = report.text
    return m.ReportView(
        id=report.id, version=report.version, state=report.state,
        text=m.ReportTextView(text.technique, text.findings, text.impression, text.is_positive, text.is_critical),
        template_id=report.template_id, writer_name=names.get(report.writer_id or ""), written_at=report.written_at,
        reviewer_name=names.get(report.reviewer_id or ""), signed_by_name=names.get(report.signed_by or ""),
        signed_at=report.signed_at, text_sha256=report.text_sha256, revision=report.revision,
        updated_at=report.updated_at)


def delivery_view(line: DeliveryLine) -> m.DeliveryView:
    d = line.delivery
    return m.DeliveryView(
        id=d.id, report_id=d.report_id, version=line.report_version, kind=d.kind,
        destination_name=line.destination_name, state=d.state, attempts=d.attempts, queued_at=d.queued_at,
        next_attempt_at=d.next_attempt_at, sent_at=d.sent_at, accepted_at=d.accepted_at, opened_at=d.opened_at,
        acknowledged_at=d.acknowledged_at, acknowledged_by_name=line.acknowledged_by_name, last_error=d.last_error)


def reading_detail(shown: ShownReading) -> m.ReadingDetail:
    reports = [report_view(report, shown.names) for report in shown.versions]
    return m.ReadingDetail(
        row=reading_row(shown.line, shown.clocks), study=study_view(shown.shown),
        report=reports[-1] if reports else None, versions=reports,
        allowed=[act.value for act in shown.acts], reason=shown.line.reading.reason,
        deliveries=[delivery_view(line) for line in shown.deliveries],
        clocks=[clock_view(clock) for clock in shown.clocks], missing=[word.value for word in shown.missing])


def _request_view(order: Order) -> m.StudyRequestView:
    return m.StudyRequestView(
        order_id=order.id, department=order.department, requesting_physician=order.requesting_physician,
        clinical_diagnosis=order.clinical_diagnosis, purpose=order.purpose, visit_number=order.visit_number)
