"""Every ECG by POST, watched folder, HL7 result and C-STORE: one instance, the published samples (B8).

The shipped program runs in a process of its own. Each file comes first by another way, and then by the others, which
must say that it is there already.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.support.clinic_county import SITE, log_in, set_up, storescu, wait_for
from tests.support.ecg_builders import LEADS, TESTDATA, aecg, dicom_ecg, known_samples, needs_testdata, wfdb_zip
from tests.support.hl7_results import ed, oru, small_pdf
from tests.support.running_gateway import RunningGateway

FACTS = json.loads((TESTDATA / "facts.json").read_text()) if (TESTDATA / "facts.json").is_file() else {}
REFERENCE = [name for name in FACTS if name.startswith((
    "aecg/", "muse/", "cardiosoft/", "philips/", "mfer/", "contec/", "edf/", "scp/ecgtoolkit", "scp/syn_refbeat",
    "dicom/"))]
WAYS = ("post", "folder", "hl7")
_OUR_OWN = {name: hashlib.sha256((samples.astype(np.int64) * 2500).astype("<i4").tobytes()).hexdigest()
            for name, samples in known_samples().items()}


@dataclass
class Doors:
    """One running gateway and everything that can be pushed into it."""

    gateway: RunningGateway
    token: str
    folder: Path
    reader: requests.Session

    def send(self, way: str, data: bytes, name: str) -> str:
        """Send it and return what the gateway says of it: kept or duplicate."""
        if way == "post":
            return self._post(data, name)
        before = self._studies()
        if way == "folder":
            (self.folder / f"{name}.part").write_bytes(data)
            (self.folder / f"{name}.part").rename(self.folder / name)
            wait_for(lambda: not (self.folder / name).exists(), why=f"{name} is taken out of the folder")
            assert not (self.folder / "failed" / name).exists()
        else:
            self._hl7(data, name)
        return "kept" if self._studies() > before else "duplicate"

    def _post(self, data: bytes, name: str) -> str:
        answer = requests.post(f"{self.gateway.url}/api/ecg", params={"file_name": name}, data=data, timeout=60,
                               headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["outcome"])

    def _hl7(self, data: bytes, name: str) -> None:
        """A message of its own control id; nothing in it names a patient, so the file speaks for itself."""
        control_id = hashlib.sha256(name.encode() + data).hexdigest()[:20]
        message = oru(ed(data), control_id=control_id, patient="", name="", birth="", sex="", observed="")
        host, port = self.gateway.mllp.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(b"\x0b" + message.encode() + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                answer += line.recv(1 << 16)
        assert b"MSA|AA|" in answer, answer

    def _studies(self) -> int:
        """How many studies there are."""
        overview = self.reader.get(f"{self.gateway.url}/api/admin/overview", timeout=30).json()
        return int(overview["studies"])

    def instance(self, data: bytes, name: str) -> str:
        """The instance that these bytes are, as a repeated upload tells."""
        answer = requests.post(f"{self.gateway.url}/api/ecg", data=data, timeout=60, params={"file_name": name},
                               headers={"Authorization": f"Bearer {self.token}"})
        assert answer.json()["outcome"] == "duplicate", name
        return str(answer.json()["id"])

    def hashes(self, instance: str) -> dict[str, str]:
        """Each lead's samples as the page gets them, hashed as the manifest says."""
        header = self.reader.get(f"{self.gateway.url}/api/ecg/{instance}", timeout=30).json()
        samples = self.reader.get(f"{self.gateway.url}/api/ecg/{instance}/samples", timeout=30).content
        found, at = {}, 0
        for lead in header["leads"]:
            size = 4 * lead["sample_count"]
            found[lead["name"]] = hashlib.sha256(samples[at:at + size]).hexdigest()
            at += size
        assert at == len(samples)
        return found


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    root = tmp_path_factory.mktemp("doors")
    folder = root / "drop"
    environment = {"READING_GATEWAY_ECG_FOLDERS": f"{SITE}={folder}"}
    with RunningGateway(root / "var", environment=environment) as gateway:
        token = set_up(gateway)
        gateway.command("device", "add", "CART", "--site", SITE, "--name", "演示心电图机", "--modality", "ECG")
        yield Doors(gateway, token, folder, log_in(gateway, "admin"))


def by_every_way(doors: Doors, data: bytes, name: str, *, first: int) -> str:
    order = (*WAYS[first % 3:], *WAYS[:first % 3])
    assert [doors.send(way, data, name) for way in order] == ["kept", "duplicate", "duplicate"], order
    return doors.instance(data, name)


@pytest.mark.parametrize("first", range(3), ids=WAYS)
@pytest.mark.parametrize("make", [
    lambda who: aecg(patient_id=who), lambda who: wfdb_zip(name=who.lower()),
    lambda who: dicom_ecg(elements={"PatientID": who})], ids=["aecg", "wfdb", "dicom"])
def test_a_file_is_one_instance_with_its_own_samples_whichever_way_it_comes_first(doors, make, first):
    data = make(f"W{first}")
    found = doors.hashes(by_every_way(doors, data, f"way{first}.bin", first=first))
    assert {lead: found[lead] for lead in LEADS} == _OUR_OWN


@pytest.mark.parametrize("first", range(3), ids=WAYS)
def test_a_pdf_is_one_page_whichever_way_it_comes_first(doors, first):
    data = small_pdf(f"Demo {first}")
    instance = by_every_way(doors, data, f"page{first}.pdf", first=first)
    assert doors.reader.get(f"{doors.gateway.url}/api/ecg/{instance}/page", timeout=30).content == data


@needs_testdata
@pytest.mark.parametrize("name", REFERENCE)
def test_every_reference_file_shows_the_published_samples_through_every_way(doors, name):
    data, first = (TESTDATA / name).read_bytes(), REFERENCE.index(name)
    instance = by_every_way(doors, data, f"{first}-{Path(name).name}", first=first)
    expected = {lead: values["sha256_nV_i32le"] for lead, values in FACTS[name]["leads"].items()}
    found = doors.hashes(instance)
    assert {lead: found.get(lead) for lead in expected} == expected


def test_a_dicom_ecg_by_c_store_is_the_instance_that_the_other_ways_know(doors, tmp_path):
    data = dicom_ecg(elements={"PatientID": "C1"})
    (tmp_path / "ecg.dcm").write_bytes(data)
    storescu(doors.gateway, tmp_path / "ecg.dcm", calling="CART")
    found = doors.hashes(doors.instance(data, "ecg.dcm"))
    assert {lead: found[lead] for lead in LEADS} == _OUR_OWN
