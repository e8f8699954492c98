"""`ecg show` says what a file holds, for people and for machines."""

from __future__ import annotations

import json

from click.testing import CliRunner

from gateway.cli.ecg import ecg
from tests.support.ecg_builders import LEADS, aecg, aecg_measurement, known_samples, sha256_nanovolts, wfdb_files
from tests.support.wfdb_builders import segmented_files


def show(path, *options):
    return CliRunner().invoke(ecg, ["show", str(path), *options])


def test_json_holds_every_lead_with_its_hash(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(aecg(annotations=aecg_measurement("MDC_ECG_TIME_PD_PR", 160, "ms"), statements=("窦性心律",)))
    result = show(file, "--json")
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (shown["format"], shown["fs_hz"], shown["interval_us"]) == ("hl7_aecg", 500, 2000)
    assert (shown["n_leads"], shown["n_samples"]) == (12, 5000)
    samples = known_samples()
    assert list(shown["leads"]) == list(LEADS)
    assert shown["leads"]["II"] == {
        "first5_uV": [float(v) * 2.5 for v in samples["II"][:5]], "min_uV": samples["II"].min() * 2.5,
        "max_uV": samples["II"].max() * 2.5, "sha256_nV_i32le": sha256_nanovolts(samples["II"], 2500)}
    assert (shown["measurements"], shown["statements"], shown["warnings"]) == ({"pr_ms": 160}, ["窦性心律"], [])


def test_a_wfdb_header_is_read_with_the_signal_file_beside_it(tmp_path):
    for name, data in wfdb_files().items():
        (tmp_path / name).write_bytes(data)
    result = show(tmp_path / "demo1.hea", "--json")
    assert json.loads(result.stdout)["format"] == "wfdb"


def test_a_wfdb_record_in_segments_is_read_with_all_the_files_beside_it(tmp_path):
    for name, data in segmented_files().items():
        (tmp_path / name).write_bytes(data)
    shown = json.loads(show(tmp_path / "demo.hea", "--json").stdout)
    assert (shown["format"], shown["n_samples"], shown["warnings"]) == ("wfdb", 700, [])


def test_a_refusal_names_its_reason_and_fails(tmp_path):
    file = tmp_path / "x.scp"
    file.write_bytes(b"\x00" * 50)
    result = show(file, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["reason"] == "unknown-format"
    assert "unknown-format" in result.stderr


def test_a_person_gets_lines(tmp_path):
    file = tmp_path / "a.xml"
    file.write_bytes(aecg(statements=("窦性心律",)))
    result = show(file)
    assert result.exit_code == 0
    assert "500 Hz  12 leads × 5000" in result.stdout
    assert "cart says: 窦性心律" in result.stdout
