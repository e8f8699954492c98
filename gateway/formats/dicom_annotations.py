"""What a DICOM ECG says beside its samples: the Waveform Annotation Sequence (PS3.3 C.10.10).

Objects of real carts hold 77 to 108 items: global numbers by MDC or SCP-ECG code, the cart's statements, and points
on beats. The first sample of a multiplex group has position 1 (PS3.3 C.10.10.1.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.core.charset import TextReader
from gateway.core.waveform import EcgMark
from gateway.formats import dicom_waveform_tags as tag
from gateway.formats.dicom_ecg_codes import (
    AMPLITUDES,
    CRITICAL,
    MARK_KINDS,
    MEASUREMENT_KEYS,
    MEASUREMENT_KEYS_BY_MEANING,
    OUR_SCHEME,
    SEGMENT_KINDS,
)
from gateway.formats.dicom_waveform_items import Item

MAX_ANNOTATIONS = 20_000
_FIRST_BEAT_GROUP = 100                  # annotation groups of single beats, as one family of carts numbers them
_SECONDS = {"s", "sec", "seconds"}


@dataclass(frozen=True, slots=True)
class GroupShape:
    """What a multiplex group is, for those who refer to it."""

    interval_us: float
    start_us: float
    sample_count: int
    lead_names: tuple[str, ...]              # "" for a channel that is not shown
    is_representative: bool


@dataclass(frozen=True, slots=True)
class Said:
    """All of it, in our terms."""

    measurements: Mapping[str, float]
    statements: tuple[str, ...]
    critical_statements: tuple[str, ...]
    marks: tuple[EcgMark, ...]
    is_whole: bool = True                    # False: there are more annotations than anybody can read


@dataclass(frozen=True, slots=True)
class _Annotation:
    words: str
    code: str
    scheme: str
    meaning: str
    coded: str                               # what a coded concept says
    number: Decimal | None
    unit: str
    channels: tuple[int, ...]                # pairs of group and channel, from 1; channel 0 means all
    positions: tuple[int, ...]
    offsets_ms: tuple[Decimal, ...]
    is_point: bool
    group: int

    @property
    def place(self) -> tuple[int, int]:
        """Multiplex group and channel, 0 for all channels; only one of several."""
        if len(self.channels) > 2:
            return self.channels[0], 0
        return (self.channels[0], self.channels[1]) if len(self.channels) == 2 else (1, 0)

    @property
    def has_place_in_time(self) -> bool:
        return bool(self.positions or self.offsets_ms)


def read_annotations(ds: Item, text: TextReader, groups: Sequence[GroupShape]) -> Said:
    """Measurements, statements and marks of one object; `groups` are its multiplex groups, all of them, in order."""
    found = list(_annotations(ds, text))
    words: dict[str, None] = {}
    for item in found:
        if item.words and not (item.has_place_in_time and item.is_point):
            words[item.words] = None
        elif item.coded and item.number is None and not item.has_place_in_time and not _is_critical(item):
            words[item.coded] = None
    urgent = {item.group for item in found if item.group and _is_critical(item)}
    critical = {item.words or item.coded: None for item in found
                if (item.group in urgent or _is_critical(item)) and (item.words or item.coded) in words}
    return Said(_measurements(found, groups), tuple(words), tuple(critical), tuple(_marks(found, groups)),
                is_whole=len(found) < MAX_ANNOTATIONS)


def _annotations(ds: Item, text: TextReader) -> Iterator[_Annotation]:
    for count, item in enumerate(ds.items(tag.ANNOTATIONS)):
        if count == MAX_ANNOTATIONS:
            return
        name = next(item.items(tag.CONCEPT_NAME), None)
        concept = next(item.items(tag.CONCEPT_CODE), None)
        unit = next(item.items(tag.UNITS), None)
        meaning = text.decode(name.raw(tag.CODE_MEANING)).text if name is not None else ""
        yield _Annotation(
            words=text.decode(item.raw(tag.WORDS)).text.strip(),
            code=name.word(tag.CODE_VALUE) if name is not None else "",
            scheme=name.word(tag.CODE_SCHEME) if name is not None else "", meaning=meaning,
            coded=text.decode(concept.raw(tag.CODE_MEANING)).text if concept is not None else meaning,
            number=item.decimal(tag.NUMERIC_VALUE),
            unit=unit.word(tag.CODE_VALUE).lower() if unit is not None else "",
            channels=item.numbers(tag.REFERENCED_CHANNELS), positions=item.numbers(tag.POSITIONS, 4),
            offsets_ms=item.decimals(tag.TIME_OFFSETS_MS), group=item.number(tag.ANNOTATION_GROUP),
            is_point=item.word(tag.RANGE_TYPE) in ("POINT", "MULTIPOINT"))


def _is_critical(item: _Annotation) -> bool:
    """True where a concept, ours or the cart's, calls something critical."""
    return CRITICAL in item.code.lower() or (bool(item.code) and CRITICAL in item.meaning.lower())


def _measurements(found: Sequence[_Annotation], groups: Sequence[GroupShape]) -> dict[str, float]:
    """Global numbers by our keys, the first of each. The units of an axis are not read: one maker says ms."""
    values: dict[str, float] = {}
    of_one_lead: dict[str, float] = {}
    for item in found:
        if item.number is None:
            continue
        group, channel = item.place
        key = AMPLITUDES.get((item.code, _lead(groups, group, channel))) if channel else None
        is_global = channel == 0 or key is not None
        key = key or (item.meaning if item.scheme == OUR_SCHEME else MEASUREMENT_KEYS.get(item.code)
                      or MEASUREMENT_KEYS_BY_MEANING.get(item.meaning.lower()))
        if key is None:
            continue
        number = item.number
        if key.endswith("_ms") and item.unit in _SECONDS:
            number *= 1000
        elif key.endswith("_mv") and item.unit == "uv":
            number /= 1000
        if number == 0 and key.endswith(("_ms", "_bpm")):
            continue                         # says that it was not measured
        (values if is_global else of_one_lead).setdefault(key, float(number))
    return values | {key: value for key, value in of_one_lead.items() if key not in values}


def _marks(found: Sequence[_Annotation], groups: Sequence[GroupShape]) -> Iterator[EcgMark]:
    notes = {(item.group, item.positions, item.offsets_ms): item.words for item in found
             if item.words and item.is_point and item.group and item.has_place_in_time}
    global_groups = {item.group for item in found if item.code in MARK_KINDS and 0 < item.group < _FIRST_BEAT_GROUP}
    told: set[EcgMark] = set()
    for item in found:
        if not item.has_place_in_time:
            continue
        group, channel = item.place
        shape = groups[group - 1] if 0 < group <= len(groups) else None
        if shape is None:
            continue
        # This family of carts refers to the rhythm even for the points on the median beat.
        if len(global_groups) == 1 and item.group in global_groups and item.code in MARK_KINDS:
            median = next((other for other in groups if other.is_representative), None)
            if median is not None and all(at <= median.sample_count for at in item.positions):
                shape = median
        text = notes.get((item.group, item.positions, item.offsets_ms), "") if item.group else ""
        for kind, at_us in _places(item, shape):
            mark = EcgMark(kind, at_us, _lead(groups, group, channel), shape.is_representative,
                           item.words if kind == "note" else text)
            if mark not in told:
                told.add(mark)
                yield mark


def _places(item: _Annotation, shape: GroupShape) -> Iterator[tuple[str, float]]:
    times = [(at - 1) * shape.interval_us + shape.start_us for at in item.positions if at > 0]
    times += [float(at * 1000) for at in item.offsets_ms]
    if item.words:
        if item.is_point and not item.group:
            yield from (("note", at) for at in times)
        return
    if not item.is_point and len(times) == 2:
        yield from zip(SEGMENT_KINDS.get(item.code, ()), times, strict=False)
        return
    if item.number is not None:
        return
    kind = item.meaning if item.scheme == OUR_SCHEME else MARK_KINDS.get(item.code, "")
    if kind == "beat" and shape.is_representative and item.scheme != OUR_SCHEME:
        kind = "r_peak"                      # the fiducial point of the representative beat
    if kind or item.meaning:
        yield from ((kind or item.meaning.lower(), at) for at in times)


def _lead(groups: Sequence[GroupShape], group: int, channel: int) -> str:
    names = groups[group - 1].lead_names if 0 < group <= len(groups) else ()
    return names[channel - 1] if 0 < channel <= len(names) else ""
