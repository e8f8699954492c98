"""C-GET and C-MOVE on the DICOM port, by dcmtk and others who did not write our code."""

from __future__ import annotations

import pytest

from tests.support.dcmtk import run, storescu
from tests.support.dicom_builders import StudyIds, ct_slice, dataset_of, write_all
from tests.support.dicom_receiver import open_receiver


@pytest.fixture
async def receiver(tmp_path):
    async with open_receiver(tmp_path / "data") as opened:
        yield opened


async def getscu(receiver, folder, *keys, root="-S", options=()):
    folder.mkdir(parents=True, exist_ok=True)
    host, port = receiver.address.split(":")
    arguments = [part for key in keys for part in ("-k", key)]
    return await run("getscu", "-d", "-aet", "MODALITY", "-aec", "GATEWAY", root, "-B", "-od", str(folder), *options,
                     host, port, *arguments)


async def test_a_study_comes_back_by_c_get(receiver, tmp_path):
    ids = StudyIds()
    files = [ct_slice(n, ids=ids) for n in (1, 2, 3)]
    sent = await storescu(receiver.address, write_all(tmp_path / "in", files))
    assert sent.is_success
    code, output = await getscu(receiver, tmp_path / "out", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={ids.study}")
    print(output)
    assert code == 0
    got = sorted(dataset_of(path.read_bytes()) for path in (tmp_path / "out").iterdir())
    assert got == sorted(dataset_of(data) for data in files)
