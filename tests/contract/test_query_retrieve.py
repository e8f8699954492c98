"""C-FIND over both engines: the same answers on SQLite and PostgreSQL, page by page, and nothing of another site."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.peer_query import read_query
from gateway.core.query_keys import PATIENT_INSTANCES, PATIENT_NAME, PATIENT_STUDIES, STUDY_UID, Root
from gateway.services import find_for_peer
from gateway.services.find_for_peer import PeerSearch
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender
from gateway.services.retrieve_for_peer import objects_for
from gateway.settings import Settings
from storage.model import ArrivalVia, Device, Site, SiteKind
from storage.objects.files import FileObjectStore
from tests.support.stores import ManualClock, RecordingEvents
from tests.support.web import build_exam, put_exam

DEVICES = {site: Device(f"dev-{site}", site, site, site.upper(), None, "") for site in ("here", "there", "centre")}
NAMES = ("Zhang^San=张^三", "ZHANG^SI=张^四", "MÜLLER^Jörg", "müller^anna", "Straße^Uwe", "100%^X", "a_b^c", "=玘^明")


@pytest.fixture
async def parts(database, tmp_path):
    parts = Parts(Settings(data_dir=tmp_path), database, FileObjectStore(tmp_path / "objects", reserve_bytes=0),
                  ManualClock(), RecordingEvents(), "node-a")
    made = []
    for name in NAMES:
        alphabetic, _, ideographic = name.partition("=")
        exam = build_exam(parts, "here", modality="CT" if "^S" in name else "DX")[0]
        shown = ideographic.replace("^", "") or alphabetic.replace("^", " ")
        person = replace(exam.study.patient.name, display=shown, alphabetic=alphabetic.replace("^", " "),
                         ideographic=ideographic.replace("^", ""))
        groups = {key: text for key, text in (("Alphabetic", alphabetic), ("Ideographic", ideographic)) if text}
        made.append(replace(exam, study=replace(exam.study, patient=replace(exam.study.patient, name=person)),
                            instance=replace(exam.instance,
                                             attributes={"00100010": {"vr": "PN", "Value": [groups]}})))
    made.append(build_exam(parts, "there", name="演示王五")[0])

    def put(tx):
        for site in DEVICES:
            tx.sites.add_site(Site(site, site, site, SiteKind.CENTRE if site == "centre" else SiteKind.TOWNSHIP))
            tx.sites.add_device(DEVICES[site])
        for exam in made:
            put_exam(tx, exam)

    await database.write(put)
    return parts


async def ask(parts, *, level=b"STUDY", root=Root.STUDY, site="here", **keys):
    tags = {"name": PATIENT_NAME, "modality": 0x00080061, "study": STUDY_UID, "birth": 0x00100030}
    values = {0x00080052: level, 0x00080005: b"ISO_IR 192"} | {tags[key]: text.encode() for key, text in keys.items()}
    query = read_query(values, root, device_codec=None, is_relational=False)
    search = PeerSearch(parts, sender(site), query)
    found, is_last = [], False
    while not is_last:
        page = await search.next_page()
        found += page.records
        is_last = page.is_last
    return found


def sender(site):
    return Sender(site, DEVICES[site], ArrivalVia.DICOM, site.upper())


@pytest.mark.parametrize(("asked", "found"), [
    ("zhang*", ["Zhang^San=张^三", "ZHANG^SI=张^四"]),
    ("Zhang^San", ["Zhang^San=张^三"]),
    ("张*", ["Zhang^San=张^三", "ZHANG^SI=张^四"]),
    ("张三", ["Zhang^San=张^三"]),
    ("张^三", ["Zhang^San=张^三"]),
    ("müller*", ["MÜLLER^Jörg", "müller^anna"]),
    ("MÜLLER^ANNA", ["müller^anna"]),
    ("STRAßE*", ["Straße^Uwe"]),
    ("100%*", ["100%^X"]),
    ("a_b^c", ["a_b^c"]),
    ("a?b^c", ["a_b^c"]),
    ("?b^c", []),
    ("玘*", ["=玘^明"]),
])
async def test_a_name_is_found_alike_on_both_engines(parts, asked, found):
    """The database only narrows; case beyond ASCII must not depend on which one it is."""
    assert sorted(record[PATIENT_NAME][0] for record in await ask(parts, name=asked)) == sorted(found)


async def test_pages_of_one_neither_repeat_nor_skip(parts, monkeypatch):
    monkeypatch.setattr(find_for_peer, "PAGE", 1)
    records = await ask(parts)
    assert len(records) == len({record[STUDY_UID] for record in records}) == len(NAMES)


async def test_patients_are_counted_within_the_scope(parts):
    records = await ask(parts, level=b"PATIENT", root=Root.PATIENT, name="zhang*")
    assert [(record[PATIENT_STUDIES], record[PATIENT_INSTANCES]) for record in records] == [(("1",), ("1",))] * 2


async def test_each_site_finds_its_own_and_the_centre_all(parts):
    counts = [len(await ask(parts, site=site)) for site in ("here", "there", "centre")]
    assert counts == [len(NAMES), 1, len(NAMES) + 1]
    assert len(await ask(parts, site="there", level=b"PATIENT", root=Root.PATIENT)) == 1


async def test_what_is_retrieved_stays_within_the_scope(parts):
    [theirs] = await ask(parts, site="there")
    values = {0x00080052: b"STUDY", STUDY_UID: theirs[STUDY_UID][0].encode()}
    query = read_query(values, Root.STUDY, device_codec=None, is_relational=False, is_retrieval=True)
    found = [len(await objects_for(parts, sender(site), query)) for site in ("here", "there", "centre")]
    assert found == [0, 1, 1]


async def test_modalities_and_dates_narrow(parts):
    assert len(await ask(parts, modality="CT")) == 2
    assert len(await ask(parts, modality="DX")) == len(NAMES) - 2
    assert len(await ask(parts, birth="19700101-19700103")) == len(NAMES)
    assert await ask(parts, birth="19800101-") == []
