"""DICOM waveform objects (12-lead, General, Ambulatory, 32-bit ECG; PS3.3 A.34, C.10.9) into one EcgRecord.

Real devices break the limits of the 12-lead object (medians beside rhythm, long traces), so what is read is decided
by content: the rhythm, further original groups that bring leads it lacks, and the median beats. Other waveform
objects (Hemodynamic, Electrophysiology) are read too where they hold ECG leads; what else they hold is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo

from gateway.core.charset import TextReader
from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgLead, EcgPatient, EcgRecord
from gateway.formats import dicom_waveform_tags as tag
from gateway.formats.dicom_annotations import GroupShape, read_annotations
from gateway.formats.dicom_waveform_channels import Channel, channel_names, channels_of, interval_us, starts_ms
from gateway.formats.dicom_waveform_channels import padding_mask as padding_mask
from gateway.formats.dicom_waveform_items import Item, read_items
from gateway.formats.filter_text import filter_text
from gateway.formats.hl7_time import parse_date, parse_time
from storage.model import Confidence

NAME = "dicom"
SOP_CLASS_PREFIX = "1.2.840.10008.5.1.4.1.1.9."
_ECG_PREFIX = "1.2.840.10008.5.1.4.1.1.9.1."
MAX_GROUPS = 64
_EVIDENCE = (tag.PATIENT_NAME, tag.INSTITUTION, tag.STUDY_DESCRIPTION, tag.DEPARTMENT)
_MOST_EVIDENCE = 40


def recognise(data: bytes) -> bool:
    """True for a DICOM file (PS3.10 7.1)."""
    return data[128:132] == b"DICM"


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """Decode the ECG of a waveform object. Raises Unreadable with a reason that begins with "dicom-"."""
    ds = read_items(data)
    groups = [group for group, _ in zip(ds.items(tag.WAVEFORMS), range(MAX_GROUPS), strict=False)]
    if not groups:
        raise Unreadable("The DICOM object holds no waveform.", reason="dicom-no-waveform")
    text = _text_reader(ds)
    warnings: list[str] = []
    is_ecg = not ds.word(tag.SOP_CLASS).startswith(SOP_CLASS_PREFIX) or ds.word(tag.SOP_CLASS).startswith(_ECG_PREFIX)
    read_groups = _Groups(groups, text, is_ecg, warnings)
    said = read_annotations(ds, text, read_groups.shapes)
    if not said.is_whole:
        warnings.append("There are more annotations than are read.")
    if ds.is_cut:
        warnings.append("The object ends before its elements do.")
    return EcgRecord(
        format=NAME, interval_us=interval_us(read_groups.first), leads=read_groups.leads,
        recorded_at=_recorded_at(ds, time_zone), patient=_patient(ds, text),
        device_model=_text(ds, text, tag.MODEL), device_serial=_text(ds, text, tag.SERIAL_NUMBER),
        device_maker=_text(ds, text, tag.MANUFACTURER), filters=_filters(read_groups.first),
        measurements=said.measurements, statements=said.statements, critical_statements=said.critical_statements,
        representative_beats=read_groups.beats, beat_interval_us=read_groups.beat_interval_us, marks=said.marks,
        warnings=tuple(warnings), study_instance_uid=ds.word(tag.STUDY_UID),
        series_instance_uid=ds.word(tag.SERIES_UID), sop_instance_uid=ds.word(tag.SOP_INSTANCE),
        accession_number=_text(ds, text, tag.ACCESSION_NUMBER),
    )


class _Groups:
    """The multiplex groups by what they are for."""

    def __init__(self, groups: Sequence[Item], text: TextReader, is_ecg: bool, warnings: list[str]) -> None:
        self._text, self._is_ecg, self._warnings = text, is_ecg, warnings
        medians = [group for group in groups if _is_median(group)]
        rhythm = self._rhythm(groups, medians)
        self.leads: tuple[EcgLead, ...] = ()
        self.beats: tuple[EcgLead, ...] = ()
        self.beat_interval_us = 0.0
        channels: dict[int, list[Channel]] = {}
        starts_us: dict[int, float] = {}
        for group, start_ms in zip(rhythm, starts_ms(rhythm), strict=True):
            starts_us[id(group)] = float(start_ms) * 1000
            channels[id(group)] = self._channels(group, starts_us[id(group)])
            # A lead that comes later again is the same lead in another multiplex group, shown once.
            self.leads = self._joined(self.leads, channels[id(group)], is_said=group is rhythm[0])
        if not self.leads:
            self._refuse(channels)
        for group in (g for g in medians if g not in rhythm and interval_us(g)):
            if self.beat_interval_us in (0.0, interval_us(group)):
                channels[id(group)] = self._channels(group, 0.0)
                self.beats = self._joined(self.beats, channels[id(group)], is_said=False)
                self.beat_interval_us = interval_us(group)
        self.first = next(g for g in rhythm if any(c.lead is not None for c in channels[id(g)]))
        self.shapes = [GroupShape(
            interval_us(group), starts_us.get(id(group), 0.0), group.number(tag.SAMPLE_COUNT, 4),
            tuple(c.lead.name if c.lead else "" for c in channels.get(id(group), ())),
            id(group) in channels and group not in rhythm) for group in groups]

    def _rhythm(self, groups: Sequence[Item], medians: Sequence[Item]) -> list[Item]:
        """The rhythm first; then original groups of the same rate, for carts that record three leads at a time."""
        labelled = [g for g in groups if "RHYTHM" in g.word(tag.GROUP_LABEL).upper()]
        original = [g for g in groups if g not in medians]
        first = labelled[0] if labelled else original[0] if original else max(
            groups, key=lambda g: g.number(tag.SAMPLE_COUNT, 4))
        if not self._is_ecg:                 # the ECG of a catheter laboratory is not always the first group
            first = next((g for g in original if _has_ecg_lead(g, self._text)), first)
        if not interval_us(first):
            raise Unreadable("The waveform states no sampling frequency.", reason="dicom-no-sampling-frequency")
        rhythm = [first]
        for group in original:
            if group is not first and interval_us(group) == interval_us(first):
                rhythm.append(group)
            elif group is not first:
                names = ", ".join(channel_names(group, self._text))[:200]
                self._warnings.append(f"Channels of another sampling frequency are not shown: {names}.")
        return rhythm

    def _channels(self, group: Item, start_us: float) -> list[Channel]:
        found = channels_of(group, self._text, start_us=start_us, only_ecg_leads=not self._is_ecg,
                            warnings=self._warnings)
        self._warnings += [channel.refusal for channel in found if channel.refusal]
        return found

    def _joined(self, leads: tuple[EcgLead, ...], channels: Sequence[Channel], *,
                is_said: bool) -> tuple[EcgLead, ...]:
        joined = {lead.name: lead for lead in leads}
        for channel in channels:
            if channel.lead is None:
                continue
            if channel.name not in joined:
                joined[channel.name] = channel.lead
            elif is_said:
                self._warnings.append(f"Lead {channel.name} comes more than once; the first is shown.")
        return tuple(joined.values())

    def _refuse(self, channels: dict[int, list[Channel]]) -> None:
        names = ", ".join(channel.name for some in channels.values() for channel in some)[:200]
        if self._is_ecg:
            raise Unreadable("None of the channels is a voltage.", reason="dicom-no-voltage")
        raise Unreadable(f"None of the channels is an ECG lead: {names}.", reason="dicom-no-ecg-lead")


def _is_median(group: Item) -> bool:
    label = group.word(tag.GROUP_LABEL).upper()
    is_said = "MEDIAN" in label or "BEAT" in label or group.word(tag.ORIGINALITY) == "DERIVED"
    return is_said and "RHYTHM" not in label


def _has_ecg_lead(group: Item, text: TextReader) -> bool:
    return any(channel.lead is not None for channel in channels_of(group, text, only_ecg_leads=True, warnings=[]))


def _filters(group: Item) -> str:
    channel = next(group.items(tag.CHANNELS))
    values = [channel.decimal(key) for key in (tag.FILTER_LOW, tag.FILTER_HIGH, tag.FILTER_NOTCH)]
    low, high, notch = (f"{v.normalize():f}" if v is not None and v > 0 else "" for v in values)
    return filter_text(low, high, notch)


def _recorded_at(ds: Item, time_zone: tzinfo) -> datetime | None:
    zone = _zone(ds.word(tag.ZONE)) or time_zone
    texts = [ds.word(tag.ACQUISITION_DATE_TIME)]
    for day, clock in ((tag.ACQUISITION_DATE, tag.ACQUISITION_TIME), (tag.CONTENT_DATE, tag.CONTENT_TIME),
                       (tag.STUDY_DATE, tag.STUDY_TIME)):
        if ds.word(day) and ds.word(clock):
            texts.append(ds.word(day).replace(".", "") + ds.word(clock))
    return next((at for text in texts if (at := parse_time(text.replace(":", ""), zone))), None)


def _zone(offset: str) -> tzinfo | None:
    """Timezone Offset From UTC, e.g. +0800 (PS3.3 C.12.1.1.8)."""
    if len(offset) != 5 or offset[0] not in "+-" or not offset[1:].isdigit() or int(offset[1:3]) > 14:
        return None
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _patient(ds: Item, text: TextReader) -> EcgPatient:
    name = text.person_name(ds.raw(tag.PATIENT_NAME))
    age, sex = ds.word(tag.AGE), ds.word(tag.SEX)
    per_year = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}.get(age[-1:].upper())
    return EcgPatient(patient_id=_text(ds, text, tag.PATIENT_ID), name=name.display, name_encoding=name.encoding,
                      is_name_guessed=name.confidence is Confidence.GUESSED, name_raw_hex=name.raw_hex,
                      sex=sex if sex in ("M", "F", "O") else "", birth_date=parse_date(ds.word(tag.BIRTH_DATE)),
                      age_years=int(age[:-1]) / per_year if per_year and _is_number(age[:-1]) else None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3


def _text_reader(ds: Item) -> TextReader:
    """One opinion about the character set of the whole object; carts leave it out or get it wrong."""
    evidence = [ds.raw(key) for key in _EVIDENCE]
    for count, item in enumerate(ds.items(tag.ANNOTATIONS)):
        if count == _MOST_EVIDENCE:
            break
        evidence.append(item.raw(tag.WORDS))
    return TextReader(ds.raw(tag.CHARACTER_SET), sample=b" ".join(evidence))


def _text(ds: Item, text: TextReader, key: int) -> str:
    return text.decode(ds.raw(key)).text


