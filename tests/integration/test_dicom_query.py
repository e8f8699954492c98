"""C-FIND on the DICOM port, asked by findscu of dcmtk and by others who did not write our code."""

from __future__ import annotations

import re

import pytest

from tests.support.dcmtk import run, storescu
from tests.support.dicom_builders import Patient, StudyIds, ct_slice, dx_image, write_all
from tests.support.dicom_receiver import open_receiver


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def findscu(receiver, *keys, root="-S", calling="MODALITY", options=()):
    host, port = receiver.address.split(":")
    arguments = [part for key in keys for part in ("-k", key)]
    code, output = await run("findscu", "-d", "-aet", calling, "-aec", "GATEWAY", root, *options, host, port, *arguments)
    return code, output


async def test_a_study_is_found_by_patient_name(receiver, tmp_path):
    ids = StudyIds()
    sent = await storescu(receiver.address, write_all(tmp_path / "in", [ct_slice(n, ids=ids) for n in (1, 2)]))
    assert sent.is_success
    code, output = await findscu(receiver, "QueryRetrieveLevel=STUDY", "PatientName=demo*", "StudyInstanceUID",
                                 "NumberOfStudyRelatedInstances", "ModalitiesInStudy")
    print(output)
    assert ids.study in output
