"""GE MUSE XML with known samples, written by nothing of the product. A test states only what it is about."""

from __future__ import annotations

import base64
import zlib
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from tests.support.ecg_builders import Samples, known_samples

MUSE_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def muse(samples: Samples | None = None, *, median: Samples | None = None, units_per_bit: str = "4.88",
         unit: str = "MICROVOLTS", base: str = "500", exponent: str = "0", encoding: str = "UTF-8",
         declared: str | None = None, last_name: str = "演示", first_name: str = "甲", sex: str = "MALE",
         birth: str = "04-05-1960", date: str = "03-02-2026", clock: str = "08:30:00",
         measurements: dict[str, str] | None = None, statements: tuple[tuple[str, bool], ...] = (),
         original: tuple[tuple[str, bool], ...] = (), status: str = "UNCONFIRMED", lead_facts: str = "",
         doctype: str = '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">', crc: int | None = None,
         qrs_times_ms: tuple[int, ...] = (), order: str = "") -> bytes:
    """A RestingECG. A statement is its text and whether its line ends with it."""
    samples = known_samples(leads=MUSE_LEADS) if samples is None else samples
    blocks = "" if median is None else _muse_block("Median", median, units_per_bit, unit, base, exponent, crc, "")
    blocks += _muse_block("Rhythm", samples, units_per_bit, unit, base, exponent, crc, lead_facts)
    numbers = "".join(f"<{name}>{value}</{name}>" for name, value in (measurements or {}).items())
    times = "".join(f"<QRS><Number>{n}</Number><Type>0</Type><Time>{at}</Time></QRS>"
                    for n, at in enumerate(qrs_times_ms, 1))
    text = (
        f'<?xml version="1.0" encoding="{declared or encoding}"?>\n{doctype}\n<RestingECG>'
        "<MuseInfo><MuseVersion>9.0.9</MuseVersion></MuseInfo>"
        f"<PatientDemographics><PatientID>P1</PatientID><DateofBirth>{birth}</DateofBirth><PatientAge>65</PatientAge>"
        f"<AgeUnits>YEARS</AgeUnits><Gender>{sex}</Gender><PatientLastName>{escape(last_name)}</PatientLastName>"
        f"<PatientFirstName>{escape(first_name)}</PatientFirstName></PatientDemographics>"
        f"<TestDemographics><Status>{status}</Status><AcquisitionDevice>Demo cart</AcquisitionDevice>"
        f"<AcquisitionTime>{clock}</AcquisitionTime><AcquisitionDate>{date}</AcquisitionDate>"
        "<CartNumber>SN7</CartNumber></TestDemographics>"
        f"<Order><RequisitionNumber>{order}</RequisitionNumber></Order>"
        f"<RestingECGMeasurements>{numbers}</RestingECGMeasurements>"
        f"{_diagnosis('Diagnosis', statements)}{_diagnosis('OriginalDiagnosis', original)}"
        f"<QRSTimesTypes>{times}</QRSTimesTypes>{blocks}</RestingECG>")
    return text.encode(encoding)


def _diagnosis(name: str, statements: tuple[tuple[str, bool], ...]) -> str:
    lines = "".join("<DiagnosisStatement>" + ("<StmtFlag>ENDSLINE</StmtFlag>" if ends else "")
                    + f"<StmtText>{escape(text)}</StmtText></DiagnosisStatement>" for text, ends in statements)
    return f"<{name}><Modality>RESTING</Modality>{lines}</{name}>" if lines else ""


def _muse_block(kind: str, samples: Samples, units_per_bit: str, unit: str, base: str, exponent: str,
                crc: int | None, lead_facts: str) -> str:
    leads = "".join(_muse_lead(name, values, units_per_bit, unit, crc, lead_facts)
                    for name, values in samples.items())
    return (f"<Waveform><WaveformType>{kind}</WaveformType><WaveformStartTime>0</WaveformStartTime>"
            f"<NumberofLeads>{len(samples)}</NumberofLeads><SampleType>CONTINUOUS_SAMPLES</SampleType>"
            f"<SampleBase>{base}</SampleBase><SampleExponent>{exponent}</SampleExponent>"
            "<HighPassFilter>16</HighPassFilter><LowPassFilter>150</LowPassFilter><ACFilter>50</ACFilter>"
            f"{leads}</Waveform>")


def _muse_lead(name: str, values: NDArray[np.int32], units_per_bit: str, unit: str, crc: int | None,
               lead_facts: str) -> str:
    packed = values.astype("<i2").tobytes()
    lines = base64.encodebytes(packed).decode()
    return (f"<LeadData><LeadByteCountTotal>{len(packed)}</LeadByteCountTotal><LeadTimeOffset>0</LeadTimeOffset>"
            f"<LeadSampleCountTotal>{len(values)}</LeadSampleCountTotal>"
            + (f"<LeadAmplitudeUnitsPerBit>{units_per_bit}</LeadAmplitudeUnitsPerBit>" if units_per_bit else "")
            + f"<LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits><LeadID>{name}</LeadID>"
            f"<LeadSampleSize>2</LeadSampleSize>{lead_facts}"
            f"<LeadDataCRC32>{zlib.crc32(packed) if crc is None else crc}</LeadDataCRC32>"
            f"<WaveFormData>{lines}</WaveFormData></LeadData>")
