"""What came around an ECG file, in a message or by a person's word, used where the file itself is silent.

Where both speak and differ the file stands, because it is what a reader sees; the difference is said in words and
raised as an alarm, and the order that the envelope names is not taken for the file's. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.ecg_pairing import is_number_like
from gateway.core.order_matching import same_name
from gateway.core.waveform import EcgPatient, EcgRecord


@dataclass(frozen=True, slots=True)
class EcgEnvelope:
    """Empty where nothing is said."""

    source: str                          # for people: "HL7 message", "attached by a person"
    patient: EcgPatient = field(default_factory=EcgPatient)
    accession_number: str = ""
    study_instance_uid: str = ""
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enclosed:
    """An ECG with what its envelope adds."""

    record: EcgRecord
    conflicts: tuple[str, ...] = ()      # what the two say differently, in words


def enclosed(record: EcgRecord, envelope: EcgEnvelope | None) -> Enclosed:
    """Fill in what the file leaves out; name what does not agree."""
    if envelope is None:
        return Enclosed(record)
    conflicts = _conflicts(record, envelope)
    if conflicts:
        said = f"{envelope.source} and file do not agree: {'; '.join(conflicts)}. The file's own words are shown."
        return Enclosed(replace(record, warnings=(*record.warnings, said)), tuple(conflicts))
    theirs, ours = envelope.patient, record.patient
    patient = replace(
        ours, patient_id=theirs.patient_id if _is_silent(ours.patient_id) and theirs.patient_id else ours.patient_id,
        sex=ours.sex or theirs.sex, birth_date=ours.birth_date or theirs.birth_date,
        age_years=theirs.age_years if ours.age_years is None else ours.age_years)
    if not ours.name:
        patient = replace(patient, name=theirs.name, name_encoding=theirs.name_encoding,
                          is_name_guessed=theirs.is_name_guessed, name_raw_hex=theirs.name_raw_hex)
    return Enclosed(replace(
        record, patient=patient, accession_number=record.accession_number or envelope.accession_number,
        study_instance_uid=record.study_instance_uid or envelope.study_instance_uid,
        recorded_at=record.recorded_at or envelope.recorded_at))


def _conflicts(record: EcgRecord, envelope: EcgEnvelope) -> list[str]:
    ours, theirs = record.patient, envelope.patient
    found = []
    for word, one, other in (
            ("Patient ID", "" if _is_silent(ours.patient_id) else ours.patient_id, theirs.patient_id),
            ("sex", ours.sex, theirs.sex), ("birth date", ours.birth_date, theirs.birth_date),
            ("accession number", record.accession_number, envelope.accession_number)):
        if one and other and one != other:
            found.append(word)
    if not ours.is_name_guessed and same_name((ours.name,), (theirs.name,)) is False:
        found.append("name")
    return found


def _is_silent(patient_id: str) -> bool:
    """A cart's short number is no Patient ID."""
    return not patient_id or is_number_like(patient_id)
