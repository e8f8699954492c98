"""Other people's clients and nodes ask us: GDCM, pynetdicom's own programs, Orthanc, and dcmqrscp as a target."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.wire.store_scu import RemoteNode, part10_instance, send_instances
from storage.model import Device
from tests.support.dcmtk import run
from tests.support.dicom_builders import StudyIds, ct_slice, dataset_of
from tests.support.dicom_receiver import MODALITY, open_receiver
from tests.support.peers import free_ports, stop, wait_until_up
from tests.support.query_peers import dataset_bytes, findscu, movescu, pynetdicom_app
from tests.support.receiving_nodes import listens, orthanc
from tests.support.waiting import until

IDS = StudyIds("1.2.826.0.1.3680043.10.57.1", "1.2.826.0.1.3680043.10.57.1.1")
FILES = [ct_slice(n, ids=IDS, sop_instance_uid=f"1.2.826.0.1.3680043.10.57.1.1.{n}") for n in (1, 2, 3)]


@pytest.fixture
async def filled(tmp_path):
    async with open_receiver(tmp_path / "data") as receiver:
        host, port = receiver.address.split(":")
        node = RemoteNode(host, int(port), "GATEWAY", "MODALITY", 30.0)
        results = await asyncio.to_thread(list, send_instances([part10_instance(data) for data in FILES], node))
        assert all(result.is_kept for result in results)
        yield receiver


async def test_gdcm_finds_a_study(filled):
    """gdcmscu 3.0.21 dies of an exception of its own when it lets go of an association, whoever the peer is and also
    after a C-ECHO; so its exit code says nothing, and what it said and received before is what is looked at."""
    host, port = filled.address.split(":")
    _, output = await run("gdcmscu", "--find", "--studyroot", "--study", "--key", "20,d=", "--key", "10,10=demo*",
                          "--aetitle", "MODALITY", "--call", "GATEWAY", "-D", host, port)
    assert "C-Find was successful." in output
    assert output.count("(0000,0900) ?? (US) 65280") == 2      # one pending answer, printed twice


async def test_pynetdicoms_own_programs_find_and_fetch_a_study(filled, tmp_path):
    code, output = await pynetdicom_app("findscu", filled.address, "-S", "-k", "QueryRetrieveLevel=STUDY", "-k",
                                        "PatientName=Demo*", "-k", "StudyInstanceUID=")
    assert code == 0, output
    assert IDS.study in output
    code, output = await pynetdicom_app("getscu", filled.address, "-S", "-k", "QueryRetrieveLevel=STUDY", "-k",
                                        f"StudyInstanceUID={IDS.study}", "-od", str(tmp_path / "got"))
    assert code == 0, output
    assert len(list((tmp_path / "got").iterdir())) == 3


async def test_pynetdicoms_movescu_moves_to_its_own_storage(filled, tmp_path):
    [listening] = free_ports(1)
    await filled.add_device(Device("mover", MODALITY.site_id, "Mover", "STORESCP", "127.0.0.1", "", port=listening))
    code, output = await pynetdicom_app("movescu", filled.address, "-S", "-aem", "STORESCP", "--store",
                                        "--store-aet", "STORESCP", "--store-port", str(listening), "-od",
                                        str(tmp_path / "got"), "-k", "QueryRetrieveLevel=STUDY", "-k",
                                        f"StudyInstanceUID={IDS.study}")
    assert code == 0, output
    assert sorted(dataset_bytes(path) for path in (tmp_path / "got").iterdir()) == sorted(map(dataset_of, FILES))


async def test_orthanc_finds_a_study_here_and_fetches_it(filled, tmp_path):
    with orthanc(tmp_path / "orthanc") as node:
        await filled.add_device(Device("orthanc", MODALITY.site_id, "Orthanc", "ORTHANC", "127.0.0.1", "",
                                       port=node.dicom_port))
        host, port = filled.address.split(":")
        put(node, "/modalities/gateway", {"AET": "GATEWAY", "Host": host, "Port": int(port)}, method="PUT")
        query = await in_thread(put, node, "/modalities/gateway/query",
                                {"Level": "Study", "Query": {"PatientName": "Demo*", "StudyInstanceUID": ""}})
        answers = node.get(f"/queries/{query['ID']}/answers")
        content = node.get(f"/queries/{query['ID']}/answers/{answers[0]}/content?simplify")
        assert (len(answers), content["StudyInstanceUID"]) == (1, IDS.study)
        await in_thread(put, node, f"/queries/{query['ID']}/answers/0/retrieve", {"TargetAet": "ORTHANC"})
        await until(lambda: len(node.get("/instances")) == 3)


async def test_a_study_is_moved_into_dcmqrscp_which_then_finds_it(filled, tmp_path):
    with dcmqrscp(tmp_path / "archive") as port:
        await filled.add_device(Device("archive", MODALITY.site_id, "Archive", "ARCHIVE", "127.0.0.1", "", port=port))
        moved = await movescu(filled.address, "ARCHIVE", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={IDS.study}")
        assert moved.final == 0x0000
        code, output = await run("findscu", "-d", "-aet", "GATEWAY", "-aec", "ARCHIVE", "-S", "127.0.0.1", str(port),
                                 "-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={IDS.study}", "-k",
                                 f"SeriesInstanceUID={IDS.series}", "-k", "SOPInstanceUID")
        assert code == 0
        assert all(f"{IDS.series}.{n}" in output for n in (1, 2, 3))


async def test_asking_by_the_patient_and_study_root_brings_the_same_studies(filled, tmp_path):
    by_study = await findscu(filled.address, tmp_path / "s", "QueryRetrieveLevel=STUDY", "PatientID=P0001",
                             "StudyInstanceUID")
    by_patient = await findscu(filled.address, tmp_path / "p", "QueryRetrieveLevel=STUDY", "PatientID=P0001",
                               "StudyInstanceUID", model="-P", options=("-xi",))
    assert by_study.values("StudyInstanceUID") == by_patient.values("StudyInstanceUID") == [IDS.study]


# ------------------------------------------------------------------------------------------------------- helpers
async def in_thread(work, *arguments):
    return await asyncio.to_thread(work, *arguments)


def put(node, path, body, *, method="POST"):
    request = urllib.request.Request(f"http://127.0.0.1:{node.port}{path}", json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def dcmqrscp(folder: Path):
    """dcmtk's image archive with one storage area, open to everybody; yields its port."""
    area = folder / "area"
    area.mkdir(parents=True)
    [port] = free_ports(1)
    config = folder / "dcmqrscp.cfg"
    config.write_text(f"""MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE {area} RW (200, 1024mb) ANY
AETable END
""")
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(["dcmqrscp", "-c", str(config), str(port)], stdout=output,
                                   stderr=subprocess.STDOUT)
    try:
        wait_until_up(process, lambda: listens(port), log, timeout_s=15)
        yield port
    finally:
        stop(process)
