"""What was measured, said and marked, as Waveform Annotations (PS3.3 C.10.10).

Text and concept exclude each other in one item, so a statement that the cart calls critical, and a mark with words,
are two items of one annotation group.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from gateway.core.waveform import EcgMark, EcgRecord
from gateway.formats.dicom_ecg_codes import AMPLITUDES, CRITICAL, MARKS, MDC, MEASUREMENTS
from gateway.formats.dicom_ecg_writer_groups import code, ds, nearest_ds, own_code

_FIRST_PAIR = 1000                       # annotation groups below 1000 are other makers' for beats
_LONGEST_WORDS = 1024
_UNITS = (("_ms", "ms", "millisecond"), ("_bpm", "{H.B.}/min", "heart beats per minute"), ("_deg", "deg", "degree"),
          ("_mv", "mV", "millivolt"), ("", "1", "no units"))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the leads went: name → multiplex group and channel, from 1, for the rhythm and for the beat."""

    rhythm: Mapping[str, tuple[int, int]]
    beats: Mapping[str, tuple[int, int]]
    sample_count: int
    beat_sample_count: int


def annotations_of(record: EcgRecord, places: Places, losses: list[str]) -> list[Dataset]:
    """All of it, in order."""
    writer = _Writer(record, places, losses)
    for key, value in record.measurements.items():
        writer.measurement(key, value)
    for words in dict.fromkeys(record.statements):
        writer.statement(words, is_critical=words in record.critical_statements)
    for mark in record.marks:
        writer.mark(mark)
    return writer.items


class _Writer:
    def __init__(self, record: EcgRecord, places: Places, losses: list[str]) -> None:
        self._record, self._places, self._losses = record, places, losses
        self._pair = _FIRST_PAIR
        self.items: list[Dataset] = []

    def measurement(self, key: str, value: float) -> None:
        if not math.isfinite(value):
            self._losses.append(f"The measurement {key} is no number and is not written.")
            return
        item = Dataset()
        _, unit, unit_words = next(row for row in _UNITS if key.endswith(row[0]))
        of_lead = next((concept for concept, name in AMPLITUDES.items() if name == key), None)
        channels = [1, 0]
        if key in MEASUREMENTS:
            value_code, meaning, _ = MEASUREMENTS[key]
            name = code(value_code, MDC, meaning)
        elif of_lead and of_lead[1] in self._places.rhythm:
            name = code(of_lead[0], MDC, "R amplitude, per lead" if "rv5" in key else "S amplitude, per lead")
            channels = list(self._places.rhythm[of_lead[1]])
        else:
            name = own_code(key)
        item.MeasurementUnitsCodeSequence = DicomSequence([code(unit, "UCUM", unit_words)])
        item.ConceptNameCodeSequence = DicomSequence([name])
        item.ReferencedWaveformChannels = channels
        exact = Decimal(repr(float(value)))
        item.NumericValue = nearest_ds(exact)
        if not ds(exact):
            self._losses.append(f"The measurement {key} is rounded to 16 characters.")
        self.items.append(item)

    def statement(self, words: str, *, is_critical: bool) -> None:
        pair = self._next_pair() if is_critical else None
        self.items.append(self._words(words, [1, 0], pair))
        if pair is not None:
            item = Dataset()
            item.ConceptNameCodeSequence = DicomSequence([own_code(CRITICAL)])
            item.ReferencedWaveformChannels, item.AnnotationGroupNumber = [1, 0], pair
            self.items.append(item)

    def mark(self, mark: EcgMark) -> None:
        on_beat = mark.is_on_representative_beat
        leads = self._places.beats if on_beat else self._places.rhythm
        if on_beat and not leads:
            self._losses.append("Marks on a representative beat that is not there are not written.")
            return
        group = next(iter(leads.values()))[0]
        place = leads.get(mark.lead, (group, 0)) if mark.lead else (group, 0)
        if mark.lead and mark.lead not in leads:
            self._losses.append(f"The lead {mark.lead} of a mark is not written.")
        if mark.kind == "note" and mark.text:
            self.items.append(self._at(mark, self._words(mark.text, list(place), None)))
            return
        item = Dataset()
        coded = MARKS.get(mark.kind)
        if on_beat:                          # the fiducial point of the beat is its R peak, no beat in the rhythm
            coded = {"r_peak": MARKS["beat"], "beat": None}.get(mark.kind, coded)
        item.ConceptNameCodeSequence = DicomSequence(
            [code(coded[1], coded[0], coded[2]) if coded else own_code(mark.kind)])
        item.ReferencedWaveformChannels = list(place)
        if mark.text:
            item.AnnotationGroupNumber = self._next_pair()
        self.items.append(self._at(mark, item))
        if mark.text:
            self.items.append(self._at(mark, self._words(mark.text, list(place), item.AnnotationGroupNumber)))

    def _at(self, mark: EcgMark, item: Dataset) -> Dataset:
        """In samples where the mark is on one, else in milliseconds."""
        on_beat = mark.is_on_representative_beat
        interval_us = self._record.beat_interval_us if on_beat else self._record.interval_us
        count = self._places.beat_sample_count if on_beat else self._places.sample_count
        sample = round(mark.at_us / interval_us)
        item.TemporalRangeType = "POINT"
        if 0 <= sample < count and sample * interval_us == mark.at_us:
            item.ReferencedSamplePositions = sample + 1
        else:
            item.ReferencedTimeOffsets = nearest_ds(Decimal(repr(float(mark.at_us))) / 1000)
        return item

    def _words(self, text: str, channels: Sequence[int], pair: int | None) -> Dataset:
        item = Dataset()
        if len(text) > _LONGEST_WORDS:
            self._losses.append(f"A statement is cut after {_LONGEST_WORDS} characters.")
        item.UnformattedTextValue = "".join(c for c in text[:_LONGEST_WORDS] if c.isprintable() or c in "\r\n\t")
        item.ReferencedWaveformChannels = list(channels)
        if pair is not None:
            item.AnnotationGroupNumber = pair
        return item

    def _next_pair(self) -> int:
        self._pair += 1
        if self._pair > 65535:
            self._losses.append("There are more texts beside marks than can be told apart.")
            self._pair = 65535
        return self._pair
