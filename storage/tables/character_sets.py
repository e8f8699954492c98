"""Character sets that devices' text taught us, corrections by people, and the decoded text in the index."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.model import CharacterSetCorrection, CharacterSetNote, Confidence, Instance, PatientName
from storage.tables import schema as t
from storage.tables.upserts import upsert

_note, _correction = t.character_set_note, t.character_set_correction


class CharacterSets:
    """Notes hold no text: names stay in the objects and in the index."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def note(self, note: CharacterSetNote) -> None:
        """Remember how a study's name was written; a study is counted once, however often it is looked at."""
        values = {f.name: getattr(note, f.name) for f in dataclasses.fields(note)}
        values |= {"confidence": note.confidence.value}
        self._connection.execute(upsert(self._connection, _note).values(values)
                                 .on_conflict_do_update(index_elements=[_note.c.study_id], set_=values))

    def notes_of(self, device_id: str, *, limit: int) -> list[CharacterSetNote]:
        """The newest ones of a device."""
        rows = self._connection.execute(
            sa.select(_note).where(_note.c.device_id == device_id)
            .order_by(_note.c.at.desc(), _note.c.study_id).limit(limit))
        return [CharacterSetNote(**dict(row._mapping) | {"confidence": Confidence(row.confidence)}) for row in rows]

    def notes_of_all(self, *, limit: int) -> dict[str, list[CharacterSetNote]]:
        """The newest `limit` of each device, by its id."""
        place = sa.func.row_number().over(partition_by=_note.c.device_id,
                                          order_by=(_note.c.at.desc(), _note.c.study_id)).label("place")
        ranked = sa.select(_note, place).subquery()
        rows = self._connection.execute(
            sa.select(*(ranked.c[column.name] for column in _note.c)).where(ranked.c.place <= limit))
        found: dict[str, list[CharacterSetNote]] = {}
        for row in rows:
            found.setdefault(row.device_id, []).append(
                CharacterSetNote(**dict(row._mapping) | {"confidence": Confidence(row.confidence)}))
        return found

    # ------------------------------------------------------------------------------------------------ corrections
    def add_correction(self, correction: CharacterSetCorrection) -> None:
        """Remember who set what, and why."""
        self._connection.execute(sa.insert(_correction).values(
            {f.name: getattr(correction, f.name) for f in dataclasses.fields(correction)}))

    def correction(self, correction_id: str) -> CharacterSetCorrection | None:
        """One correction."""
        row = self._connection.execute(sa.select(_correction).where(_correction.c.id == correction_id)).first()
        return None if row is None else CharacterSetCorrection(**row._mapping)

    def corrections_of(self, device_id: str) -> list[CharacterSetCorrection]:
        """Newest first; check the scope by the device first."""
        rows = self._connection.execute(
            sa.select(_correction).where(_correction.c.device_id == device_id)
            .order_by(_correction.c.at.desc(), _correction.c.id.desc()))
        return [CharacterSetCorrection(**row._mapping) for row in rows]

    def count_read_again(self, correction_id: str, studies: int) -> None:
        """So many studies more have changed."""
        self._connection.execute(sa.update(_correction).where(_correction.c.id == correction_id)
                                 .values(studies=_correction.c.studies + studies))

    def finish_correction(self, correction_id: str, at: datetime) -> None:
        """Every study of the device has been read again."""
        self._connection.execute(sa.update(_correction).where(_correction.c.id == correction_id)
                                 .values(finished_at=at))

    def set_device_rule(self, device_id: str, character_set: str | None) -> None:
        """What later associations of the device use."""
        self._connection.execute(sa.update(t.device).where(t.device.c.id == device_id)
                                 .values(character_set=character_set))

    # --------------------------------------------------------------------------------------------- reading again
    def studies_of_device(self, device_id: str, *, after: str, limit: int) -> list[str]:
        """Ids of its studies whose name was not simply as declared, in pages by id."""
        is_open = t.patient.c.name_confidence != Confidence.DECLARED.value
        rows = self._connection.execute(
            sa.select(t.study.c.id).join(t.patient, t.patient.c.id == t.study.c.patient_key)
            .where(t.study.c.device_id == device_id, t.study.c.id > after, is_open)
            .order_by(t.study.c.id).limit(limit))
        return list(rows.scalars())

    def set_patient_name(self, patient_key: str, name: PatientName) -> None:
        """The same bytes, read in another way."""
        self._connection.execute(sa.update(t.patient).where(t.patient.c.id == patient_key).values(
            name_display=name.display, name_alphabetic=name.alphabetic, name_ideographic=name.ideographic,
            name_confidence=name.confidence.value, name_encoding=name.encoding, name_raw_hex=name.raw_hex))

    def set_study_text(self, study_id: str, *, description: str, accession_number: str) -> None:
        """Texts of the study, read in another way."""
        self._connection.execute(sa.update(t.study).where(t.study.c.id == study_id).values(
            description=description, accession_number=accession_number))

    def set_series_description(self, series_id: str, description: str) -> None:
        """Text of a series, read in another way."""
        self._connection.execute(sa.update(t.series).where(t.series.c.id == series_id)
                                 .values(description=description))

    def set_attributes(self, instance: Instance, attributes: Mapping[str, Any]) -> None:
        """What searches answer for an instance; not if the row names other bytes by now."""
        self._connection.execute(sa.update(t.instance).where(
            t.instance.c.id == instance.id, t.instance.c.object_sha256 == instance.object_sha256)
            .values(attributes=dict(attributes)))
