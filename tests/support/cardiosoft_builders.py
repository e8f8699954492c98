"""GE CardioSoft "CardiologyXML" with known samples, written by nothing of the product."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.support.ecg_builders import Samples, known_samples


def cardiosoft(samples: Samples | None = None, *, median: Samples | None = None, resolution: str = "5",
               resolution_unit: str = "uVperLsb", rate: str = "500", encoding: str = "ISO-8859-1",
               declared: str | None = None, family: str = "Demo", given: str = "Patient",
               measurements: str = "", diagnosis: tuple[str, ...] = (), conclusion: tuple[str, ...] = (),
               beats_ms: tuple[int, ...] = (), full_disclosure: str = "", stated_count: int | None = None) -> bytes:
    """One resting ECG with a strip and, if asked, median beats."""
    samples = known_samples() if samples is None else samples
    times = "".join(f'<Time units="ms">{at}</Time><BeatClass>dominant</BeatClass>' for at in beats_ms)
    strip = _block("StripData", samples, resolution, resolution_unit, rate, stated_count,
                   f"<ArrhythmiaResults>{times}</ArrhythmiaResults>")
    medians = "" if median is None else _block("MedianSamples", median, resolution, resolution_unit, rate, None, "")
    texts = "".join(f"<{name}>" + "".join(f"<{name}Text>{escape(line)}</{name}Text>" for line in lines) + f"</{name}>"
                    for name, lines in (("Diagnosis", diagnosis), ("Conclusion", conclusion)))
    text = (
        f'<?xml version="1.0" encoding="{declared or encoding}" ?>\n<CardiologyXML>'
        "<ObservationType>RestECG</ObservationType><ObservationDateTime><Hour>8</Hour><Minute>30</Minute>"
        "<Second>0</Second><Day>2</Day><Month>3</Month><Year>2026</Year></ObservationDateTime>"
        "<ClinicalInfo><DeviceInfo><Desc>Demo cart</Desc></DeviceInfo></ClinicalInfo>"
        f"<PatientInfo><PID>P1</PID><Name><FamilyName>{escape(family)}</FamilyName>"
        f'<GivenName>{escape(given)}</GivenName></Name><Age units="YEARS">65</Age>'
        "<BirthDateTime><Day>5</Day><Month>4</Month><Year>1960</Year></BirthDateTime><Gender>MALE</Gender>"
        "</PatientInfo><FilterSetting><Filter50Hz>Yes</Filter50Hz><Filter60Hz>No</Filter60Hz>"
        '<LowPass units="Hz">100</LowPass><HighPass units="Hz">0.05</HighPass></FilterSetting>'
        f"<Interpretation>{texts}</Interpretation>"
        f"<RestingECGMeasurements>{measurements}{medians}</RestingECGMeasurements>{strip}"
        f"<FullDisclosure><FullDisclosureData>{full_disclosure}</FullDisclosureData></FullDisclosure>"
        "</CardiologyXML>")
    return text.encode(encoding)


def _block(name: str, samples: Samples, resolution: str, unit: str, rate: str, stated_count: int | None,
           more: str) -> str:
    count = len(next(iter(samples.values()))) if stated_count is None else stated_count
    gain = f'<Resolution units="{unit}">{resolution}</Resolution>' if resolution else ""
    leads = "".join(f'<WaveformData lead="{lead}">\t\t{",".join(map(str, values))}\n</WaveformData>'
                    for lead, values in samples.items())
    return (f'<{name}><NumberOfLeads>{len(samples)}</NumberOfLeads><SampleRate units="Hz">{rate}</SampleRate>'
            f"<ChannelSampleCountTotal>{count}</ChannelSampleCountTotal>{gain}{leads}{more}</{name}>")
