"""Every reference ECG decodes to the samples that independent decoders agree on (B8)."""

from __future__ import annotations

import hashlib
import json
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV
from gateway.formats.ecg import read_ecg
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import pack
from tests.support.ecg_builders import TESTDATA, needs_testdata

ZONE = ZoneInfo("Asia/Shanghai")
FACTS = json.loads((TESTDATA / "facts.json").read_text()) if (TESTDATA / "facts.json").is_file() else {}
WHOLE = [name for name in FACTS if name.startswith(("dicom/", "aecg/", "mfer/", "edf/", "contec/",
                                                           "muse/", "cardiosoft/", "philips/",
                                                           "scp/ecgtoolkit", "scp/syn_refbeat"))]
UNDATED = ("muse/braveheart_example1.xml", "muse/braveheart_example2.xml")
WFDB = [name for name in FACTS if name.startswith("wfdb/")]
REFUSED = {"healforce/62.SCP": "healforce-unsupported", "malformed/scp_truncated_bad_crc.scp": "scp-pointer"}


@needs_testdata
@pytest.mark.parametrize("name", WHOLE)
def test_every_lead_hashes_as_published(name):
    facts = FACTS[name]
    record = read_ecg((TESTDATA / name).read_bytes(), time_zone=ZONE)
    assert {lead.name: lead.sha256_nanovolts() for lead in record.leads} == {
        lead: values["sha256_nV_i32le"] for lead, values in facts["leads"].items()}
    assert record.sampling_frequency_hz == facts["fs_hz"]
    assert record.sample_count == facts["n_samples"]
    assert record.warnings == (("The file does not say when the ECG was recorded.",) if name in UNDATED else ())


@needs_testdata
@pytest.mark.parametrize("name", WFDB)
def test_every_wfdb_signal_holds_the_stored_integers(name):
    facts = FACTS[name]
    record = read_ecg(_wfdb(name), time_zone=ZONE)
    assert record.warnings == ()          # checksums of the header hold too
    assert record.sampling_frequency_hz == facts["fs_hz"]
    for lead, (published, values) in zip(record.leads, facts["leads"].items(), strict=True):
        assert lead.name.upper() == published.upper()
        assert hashlib.sha256(lead.samples.astype("<i4").tobytes()).hexdigest() == values["sha256_digital_i32le"]
        if "binformats" in name:
            continue                      # two of its ten signals go beyond what 32-bit nanovolts can hold
        if lead.nv_per_unit.is_integer():
            assert lead.sha256_nanovolts() == values["sha256_nV_i32le"]
        # Where nanovolts are not whole, right decoders may round a tie differently: within 1 nV.
        published_nv = np.array([MISSING_NV if v is None else v * 1000 for v in values["first5_uV"]])
        assert np.abs(lead.nanovolts()[:5] - published_nv).max() <= 1


@needs_testdata
def test_one_ecg_in_two_formats_is_the_same_to_the_nanovolt():
    aecg, dicom = (read_ecg((TESTDATA / name).read_bytes(), time_zone=ZONE)
                   for name in ("aecg/ecgtoolkit_example.xml", "dicom/ecgtoolkit_example.dcm"))
    assert {x.name: x.sha256_nanovolts() for x in aecg.leads} == {x.name: x.sha256_nanovolts() for x in dicom.leads}
    assert dict(dicom.measurements).items() <= dict(aecg.measurements).items()      # the XML also has the P duration
    assert aecg.recorded_at == dicom.recorded_at


@needs_testdata
def test_the_carts_own_numbers_and_words_are_read():
    mortara = read_ecg((TESTDATA / "dicom/mortara_anonymous_ecg.dcm").read_bytes(), time_zone=ZONE)
    assert mortara.statements == ("RITMO SINUSALE", "ECG NORMALE")
    assert mortara.filters == "0.05-300 Hz"
    guangxi = read_ecg((TESTDATA / "dicom/guangxi_sinus_general_ecg.dcm").read_bytes(), time_zone=ZONE)
    assert guangxi.measurements == {"heart_rate_bpm": 97, "atrial_rate_bpm": 97, "pr_ms": 122, "qrs_ms": 74,
                                    "qt_ms": 328, "qtc_ms": 417, "p_axis_deg": 31, "qrs_axis_deg": 63,
                                    "t_axis_deg": 49}
    assert guangxi.filters == "0.56-150 Hz, notch 50 Hz"


OUR_KEYS = {
    "VentricularRate": "heart_rate_bpm", "heartrate": "heart_rate_bpm", "AtrialRate": "atrial_rate_bpm",
    "atrialrate": "atrial_rate_bpm", "PRInterval": "pr_ms", "PQInterval": "pr_ms", "print": "pr_ms",
    "PDuration": "p_ms", "pdur": "p_ms", "QRSDuration": "qrs_ms", "qrsdur": "qrs_ms", "QTInterval": "qt_ms",
    "qtint": "qt_ms", "QTCorrected": "qtc_ms", "QTCInterval": "qtc_ms", "qtcb": "qtc_bazett_ms",
    "qtcf": "qtc_fridericia_ms", "RRInterval": "rr_ms", "PPInterval": "pp_ms", "PAxis": "p_axis_deg",
    "RAxis": "qrs_axis_deg", "TAxis": "t_axis_deg", "pfrontaxis": "p_axis_deg", "qrsfrontaxis": "qrs_axis_deg",
    "tfrontaxis": "t_axis_deg", "QRSCount": "qrs_count",
}


@needs_testdata
@pytest.mark.parametrize("name", [n for n in WHOLE if n.startswith(("muse/", "cardiosoft/", "philips/"))])
def test_what_the_cart_measured_and_said_is_read_as_published(name):
    facts = FACTS[name]
    record = read_ecg((TESTDATA / name).read_bytes(), time_zone=ZONE)
    published = {OUR_KEYS[key]: float(value) for key, value in facts["device_measurements"].items()}
    assert {key: record.measurements.get(key) for key in published} == published
    if "device_statements" in facts:         # published without the spaces between code, statement and reason
        assert [words.replace(" ", "") for words in record.statements] == [
            words.replace(" ", "") for words in facts["device_statements"]]
    assert record.critical_statements == ((">>> Acute MI <<<",) if name == "philips/129DYPRG_v103.xml" else ())


@needs_testdata
@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_cannot_be_read_rightly_is_refused_by_name(name, reason):
    with pytest.raises(Unreadable) as refusal:
        read_ecg((TESTDATA / name).read_bytes(), time_zone=ZONE)
    assert refusal.value.reason == reason


def _wfdb(name: str) -> bytes:
    path = TESTDATA / name if name.endswith(".hea") else (TESTDATA / f"{name}.hea")
    header = path.read_bytes()
    return pack({path.name: header} | {n: (path.parent / n).read_bytes() for n in signal_files(header)})
