"""`ecg convert` writes any ECG in another form and says what that form cannot hold."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from gateway.cli.ecg import ecg
from gateway.formats.ecg import read_ecg
from gateway.formats.ecg_export import MEDIA_TYPES, SUFFIXES, EcgTarget
from gateway.formats.scp_writer import write as write_scp
from tests.support.ecg_of_every_format import known_record
from tests.support.muse_builders import muse
from tests.support.pdf_builders import pdf_file

FORMATS = {"dicom": "dicom", "scp": "scp_ecg", "aecg": "hl7_aecg", "wfdb": "wfdb"}


def run(*arguments):
    return CliRunner().invoke(ecg, [str(argument) for argument in arguments])


@pytest.mark.parametrize("target", FORMATS)
def test_every_form_holds_the_same_nanovolts(target, tmp_path):
    source, out = tmp_path / "a.scp", tmp_path / "out.bin"
    source.write_bytes(write_scp(known_record()))
    result = run("convert", source, "--to", target, "-o", out, "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["from"], said["to"], said["n_leads"], said["size_bytes"]) == (
        "scp_ecg", target, 12, out.stat().st_size)
    shown = [json.loads(run("show", path, "--json").stdout) for path in (source, out)]
    assert shown[1]["format"] == FORMATS[target]
    assert shown[1]["leads"] == shown[0]["leads"]
    assert (shown[1]["fs_hz"], shown[1]["interval_us"], shown[1]["n_samples"]) == (500, 2000, 5000)
    assert shown[1]["warnings"] == []


def test_the_twelve_lead_object_is_written_on_wish(tmp_path):
    source, out = tmp_path / "a.scp", tmp_path / "a.dcm"
    source.write_bytes(write_scp(known_record()))
    for options, sop_class in (((), b"1.4.1.1.9.1.2\0"), (("--twelve-lead",), b"1.4.1.1.9.1.1\0")):
        assert run("convert", source, "--to", "dicom", "-o", out, *options).exit_code == 0
        assert sop_class in out.read_bytes()[:400]


def test_a_person_reads_what_is_lost(tmp_path):
    source, out = tmp_path / "a.xml", tmp_path / "a.zip"
    source.write_bytes(muse())
    result = run("convert", source, "--to", "wfdb", "-o", out)
    assert result.exit_code == 0
    assert "muse_xml → wfdb  8 leads × 5000" in result.stdout
    assert "lost: Device and filters are left out." in result.stdout


def test_leads_that_follow_from_others_are_not_written(tmp_path):
    """The viewer derives III, aVR, aVL and aVF; a file holds what was recorded."""
    source, out = tmp_path / "a.xml", tmp_path / "a.dcm"
    source.write_bytes(muse())
    run("convert", source, "--to", "dicom", "-o", out)
    assert len(read_ecg(out.read_bytes(), time_zone=ZoneInfo("Asia/Shanghai")).leads) == 8
    assert json.loads(run("show", source, "--json").stdout)["n_leads"] == 8


def test_an_ecg_without_leads_is_refused_and_nothing_is_written(tmp_path):
    source, out = tmp_path / "a.pdf", tmp_path / "a.dcm"
    source.write_bytes(pdf_file())
    result = run("convert", source, "--to", "dicom", "-o", out, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["reason"] == "no-waveform"
    assert not out.exists()


def test_what_cannot_be_read_or_written_is_refused_by_name(tmp_path):
    bad, good = tmp_path / "bad", tmp_path / "good.scp"
    bad.write_bytes(b"hello")
    good.write_bytes(write_scp(known_record()))
    assert "unknown-format" in run("convert", bad, "--to", "scp", "-o", tmp_path / "x").stderr
    result = run("convert", good, "--to", "scp", "-o", tmp_path / "no" / "such" / "folder")
    assert (result.exit_code, "cannot-write" in result.stderr) == (1, True)
    assert run("convert", good, "--to", "edf", "-o", tmp_path / "x").exit_code == 2
    assert run("show", good, "--time-zone", "Mars/Olympus").exit_code == 2


def test_a_page_without_waveform_is_shown_too(tmp_path):
    source = tmp_path / "a.pdf"
    source.write_bytes(pdf_file())
    shown = json.loads(run("show", source, "--json").stdout)
    assert (shown["format"], shown["n_leads"], shown["fs_hz"], shown["leads"]) == ("pdf", 0, 0, {})


def test_marks_beats_and_critical_statements_are_counted(tmp_path):
    source = tmp_path / "a.scp"
    source.write_bytes(write_scp(known_record()))
    shown = json.loads(run("show", source, "--json").stdout)
    assert (shown["n_marks"] > 0, shown["n_representative_beats"], shown["critical_statements"]) == (True, 12, [])


def test_every_form_has_a_suffix_and_a_media_type():
    assert set(SUFFIXES) == set(MEDIA_TYPES) == set(EcgTarget)
