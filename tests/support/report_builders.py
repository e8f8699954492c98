"""A study that was read, for the tests of reports: valid by itself, so that a test states only what it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

from gateway.core.report import ReportSheet, make_sheet
from gateway.services.ports import Parts
from storage.model import (
    CompleteBy,
    Decision,
    Grant,
    Instance,
    InstanceFormat,
    Patient,
    PatientName,
    Priority,
    Reading,
    ReadingState,
    Report,
    ReportState,
    ReportText,
    Role,
    Series,
    Site,
    SiteKind,
    Study,
    StudyState,
    User,
    new_id,
)

MADE_AT = datetime(2026, 3, 2, 0, 40, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SITE = Site("yangchang", "演示羊场镇卫生院", "Demo Yangchang Clinic", SiteKind.TOWNSHIP, phone="0851-00000000")
WRITER = User("u-writer", "demo-reader", "演示阅片医师", "主治医师", (Grant(Role.READER, None),))
REVIEWER = User("u-reviewer", "demo-reviewer", "演示审核医师", "副主任医师", (Grant(Role.REVIEWER, None),))
CLINIC = User("u-clinic", "demo-clinic", "演示乡镇医师", "医师", (Grant(Role.CLINIC, SITE.id),))
STRANGER = User("u-stranger", "demo-other", "演示外院医师", "医师", (Grant(Role.CLINIC, "elsewhere"),))


def a_text() -> ReportText:
    """A finished opinion."""
    return ReportText("站立后前位数字化摄影。", "右侧胸腔见无肺纹理透亮区，右肺组织受压约60%;左肺纹理走行自然。",
                      "右侧气胸，右肺组织受压约60%。")


def a_study(*, modality: str = "DX", study_id: str = "study-1") -> Study:
    """A chest film (or another modality) of a township clinic."""
    patient = Patient(f"patient-of-{study_id}", SITE.id, "MZ20260302001",
                      PatientName("王小明", "Wang^Xiaoming", "王^小明"), "M", date(1969, 5, 4))
    return Study(study_id, f"1.2.826.0.1.3680043.10.1.{crc32(study_id.encode())}", SITE.id, patient, None, modality,
                 "CHEST", "胸部正位", "DR20260302001", MADE_AT, 56.0, "emergency", StudyState.COMPLETE, 1, 1, MADE_AT,
                 MADE_AT, MADE_AT, CompleteBy.EXPECTED_COUNT)


def a_reading(study: Study, *, state: ReadingState = ReadingState.UNREAD,
              priority: Priority = Priority.EMERGENCY) -> Reading:
    """A reading of the study, held by the writer when it is in progress."""
    held = state is ReadingState.IN_PROGRESS
    return Reading(f"reading-of-{study.id}", study.id, study.site_id, state, priority, "imaging", "decision-1",
                   MADE_AT, MADE_AT + timedelta(minutes=30), None, WRITER.id if held else None, None,
                   WRITER.id if held else None, MADE_AT if held else None,
                   MADE_AT + timedelta(minutes=50) if held else None, "", 0, 0)


def a_report(study: Study, text: ReportText | None = None) -> Report:
    """A draft."""
    return Report("report-1", f"reading-of-{study.id}", study.id, study.site_id, 1, ReportState.DRAFT,
                  text or a_text(), "T1", WRITER.id, None, None, None, None, None, None, None, None, ("ab" * 32,), 1,
                  MADE_AT)


def a_sheet(*, study: Study | None = None, text: ReportText | None = None, state: ReportState = ReportState.FINAL,
            reviewer: User | None = REVIEWER, version: int = 1) -> ReportSheet:
    """What one version prints."""
    study = study or a_study()
    return make_sheet(report=a_report(study, text), state=state, version=version, study=study, site=SITE,
                      centre_name="演示县远程阅片中心", writer=WRITER, written_at=MADE_AT + timedelta(minutes=6),
                      reviewer=reviewer, zone=SHANGHAI, read_from=("ab" * 32,))


@dataclass(frozen=True, slots=True)
class Room:
    """What is in the store: one study with one object, and a reading that the writer holds."""

    study: Study
    reading: Reading
    instance: Instance


async def furnish(parts: Parts, *, modality: str = "DX", priority: Priority = Priority.EMERGENCY,
                  study_id: str = "study-1", password_hash: str = "x", waveform: bytes = b"") -> Room:
    """Put the site, the people, a study with one stored object and a reading in progress into the store."""
    study = a_study(modality=modality, study_id=study_id)
    reading = a_reading(study, state=ReadingState.IN_PROGRESS, priority=priority)
    kept = parts.objects.put(waveform or f"bytes of {study_id}".encode())
    series = Series(new_id(), study.id, f"{study.study_instance_uid}.1", modality, 1, "", "CHEST")
    instance = Instance(new_id(), study.id, series.id, f"{study.study_instance_uid}.1.1",
                        "1.2.840.10008.5.1.4.1.1.1.1", InstanceFormat.DICOM, "1.2.840.10008.1.2.1", kept.sha256,
                        kept.size_bytes, 1, 10, 10, 1, bool(waveform), MADE_AT,
                        {"00080090": {"vr": "PN", "Value": [{"Alphabetic": "演示申请医师"}]}})

    def work(tx):
        if tx.sites.site(SITE.id) is None:
            tx.sites.add_site(SITE)
            for person in (WRITER, REVIEWER, CLINIC, STRANGER):
                tx.users.add(person, password_hash=password_hash, at=MADE_AT)
        tx.studies.add_patient(study.patient)
        tx.studies.add_study(replace(study, instance_count=0))      # add_instance counts
        tx.studies.add_series(series)
        tx.objects.add(kept, kind="received", at=MADE_AT)
        tx.studies.add_instance(instance)
        tx.decisions.add(Decision(f"decision-{study_id}", study.id, MADE_AT, 1, priority, "imaging", None,
                                  reading.due_at, (), [], {}))
        tx.readings.add(reading)

    await parts.database.write(work)
    return Room(study, reading, instance)
