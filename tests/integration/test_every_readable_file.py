"""Every DICOM file that pydicom ships goes in by C-STORE and by STOW and comes out byte for byte (B1, 2.M).

Files that share a SOP Instance UID are spread over several rounds, each with a store of its own, because the first
object of a UID is the one that stays. What cannot be kept as an instance is refused, by name and reason. The package
also knows files that it would have to download; those are no part of this test.
"""

from __future__ import annotations

import asyncio
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_charset_files, get_testdata_files
from pydicom.uid import UID
from pynetdicom import AE, build_role, evt

from gateway.wire.store_scu import OutgoingInstance, RemoteNode, send_instances
from storage.model import EVERYWHERE
from tests.support.dicom_receiver import SITE, open_receiver
from tests.support.web import add_token, serving

STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
NOT_DICOM = {".txt", ".json", ".dump", ".icc", ".gz"}
WITHOUT_HEADER = {                       # bare data sets: fit for C-STORE, whose context names the transfer syntax
    "ExplVR_BigEndNoMeta.dcm": "1.2.840.10008.1.2.2", "ExplVR_LitEndNoMeta.dcm": "1.2.840.10008.1.2.1",
    "rtstruct.dcm": "1.2.840.10008.1.2"}
NAMES_NO_TRANSFER_SYNTAX = {"meta_missing_tsyntax.dcm", "no_meta.dcm"}      # no context could carry them
_NO_INSTANCE = "not-dicom"               # a directory, or nested elements alone: nothing in it names an instance
REFUSED = {
    **dict.fromkeys(("DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-empty.dcm", "DICOMDIR-implicit", "DICOMDIR-nooffset",
                     "DICOMDIR-nopatient", "DICOMDIR-reordered", "UN_sequence.dcm", "nested_priv_SQ.dcm",
                     "priv_SQ.dcm"), _NO_INSTANCE),
    **dict.fromkeys(("chrSQEncoding.dcm", "chrSQEncoding1.dcm", "empty_charset_LEI.dcm",
                     "no_meta_group_length.dcm", "JPEGLSNearLossless_08.dcm",
                     "JPEGLSNearLossless_16.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm"),
                    "missing-uid"),
    **dict.fromkeys(("MR_truncated.dcm", "rtplan_truncated.dcm"), "truncated"),
}


@dataclass(frozen=True)
class Shipped:
    """A file of the package."""

    path: Path
    part10: bytes
    dataset: bytes
    transfer_syntax_uid: str
    read: Dataset

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def uid(self) -> str:
        return str(self.read.get("SOPInstanceUID", "") or f"1.2.3.{crc32(str(self.path).encode())}")

    @property
    def sop_class(self) -> str:
        return str(self.read.get("SOPClassUID", "") or "1.2.840.10008.5.1.4.1.1.7")


def shipped() -> list[Shipped]:
    found = []
    for path in sorted({Path(name) for name in (*get_testdata_files(), *get_charset_files())}):
        if path.is_file() and path.suffix not in NOT_DICOM and not path.name.startswith("README"):
            data = path.read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read = dcmread(path, force=True)
            is_part10 = data[128:132] == b"DICM"
            syntax = WITHOUT_HEADER.get(path.name) or str(read.file_meta.get("TransferSyntaxUID", ""))
            found.append(Shipped(path, data, data[_start(data):] if is_part10 else data, syntax, read))
    return found


def _start(part10: bytes) -> int:
    """Where the data set begins, by walking the group 0002 elements."""
    at = 132
    while part10[at:at + 2] == b"\x02\x00":
        is_long = part10[at + 4:at + 6] in (b"OB", b"UN", b"UT", b"OW", b"SQ")
        length = int.from_bytes(part10[at + 8:at + 12] if is_long else part10[at + 6:at + 8], "little")
        at += (12 if is_long else 8) + length
    return at


def rounds(files: Iterable[Shipped]) -> list[list[Shipped]]:
    """Files with the same SOP Instance UID never in the same round."""
    spread: list[list[Shipped]] = []
    seen: defaultdict[str, int] = defaultdict(int)
    for file in files:
        number = seen[file.uid]
        seen[file.uid] += 1
        while len(spread) <= number:
            spread.append([])
        spread[number].append(file)
    return spread


ALL = shipped()
ROUNDS = rounds(ALL)


def test_there_are_as_many_files_as_we_think():
    assert len(ALL) > 180
    kept = [file for file in ALL if file.name not in REFUSED and file.name not in NAMES_NO_TRANSFER_SYNTAX]
    assert len(kept) > 155
    assert set(REFUSED) <= {file.name for file in ALL}


@pytest.mark.parametrize("number", range(len(ROUNDS)))
async def test_each_file_goes_in_by_c_store_and_comes_out_the_same(tmp_path, number):
    files = [file for file in ROUNDS[number] if file.name not in NAMES_NO_TRANSFER_SYNTAX]
    async with open_receiver(tmp_path / "data") as receiver:
        host, port = receiver.address.split(":")
        node = RemoteNode(host, int(port), "GATEWAY", "MODALITY", 30.0)
        for file in files:
            [result] = await asyncio.to_thread(list, send_instances([_outgoing(file)], node))
            assert result.status == (0xC000 if file.name in REFUSED else 0x0000), file.name
        await _refused_by_reason(receiver.parts, files)
        kept = [file for file in files if file.name not in REFUSED]
        await _came_back(receiver.parts, receiver.address, kept)


@pytest.mark.parametrize("number", range(len(ROUNDS)))
async def test_each_file_goes_in_by_stow_and_comes_out_the_same(tmp_path, number):
    files = [file for file in ROUNDS[number] if file.part10[128:132] == b"DICM"]
    async with open_receiver(tmp_path / "data") as receiver:
        token = await add_token(receiver.parts, SITE.id, "ingest")
        async with serving(receiver.parts) as web:
            session = web.stranger(token=token)
            for file in files:
                status, answer = await _stow(session, file.part10)
                is_kept = file.name not in REFUSED and file.name not in NAMES_NO_TRANSFER_SYNTAX
                has_failure = "0008119A" in answer             # Other Failures: it has no usable UID, or not all
                assert (status, has_failure) == ((200, False) if is_kept else (409, True)), file.name
        await _refused_by_reason(receiver.parts, files)
        kept = [file for file in files if file.name not in REFUSED and file.name not in NAMES_NO_TRANSFER_SYNTAX]
        await _came_back(receiver.parts, receiver.address, kept)


# ------------------------------------------------------------------------------------------------------- helpers
def _outgoing(file: Shipped) -> OutgoingInstance:
    return OutgoingInstance(file.sop_class, file.uid, (file.transfer_syntax_uid,), lambda _: file.dataset)


async def _refused_by_reason(parts, files):
    """What was refused lies in quarantine, whole, for the reason that its name tells."""
    arrivals = await parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
    expected = sorted(REFUSED.get(file.name, _NO_INSTANCE) for file in files
                      if file.name in REFUSED or file.name in NAMES_NO_TRANSFER_SYNTAX)
    assert sorted(arrival.reason for arrival in arrivals) == expected


async def _came_back(parts, dicom_address, files):
    assert await asyncio.to_thread(_fetched, dicom_address, files) == {file.uid: file.dataset for file in files}
    token = await add_token(parts, SITE.id, "read")
    async with serving(parts) as web:
        session = web.stranger(token=token)
        for file in files:
            await _is_found_and_fetched(session, file)


async def _is_found_and_fetched(session, file: Shipped):
    """QIDO-RS says what the file says; WADO-RS gives its data set."""
    query = {"SOPInstanceUID": file.uid}
    async with session.get("/dicom-web/instances", params=query) as answer:
        assert answer.status == 200, file.name
        [found] = await answer.json(content_type=None)
    read = file.read
    for tag, keyword in (("00080016", "SOPClassUID"), ("00080018", "SOPInstanceUID"),
                         ("0020000D", "StudyInstanceUID"), ("0020000E", "SeriesInstanceUID"),
                         ("00080060", "Modality"), ("00280010", "Rows"), ("00280011", "Columns")):
        expected = [read.get(keyword)] if read.get(keyword) not in (None, "") else []
        assert found.get(tag, {}).get("Value", []) == expected, (file.name, keyword)
    path = (f"/dicom-web/studies/{read.StudyInstanceUID}/series/{read.SeriesInstanceUID}"
            f"/instances/{read.SOPInstanceUID}")
    accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    async with session.get(path, headers=accept) as answer:
        assert answer.status == 200, file.name
        body = await answer.read()
    begin = body.index(b"DICM") - 128
    end = body.rindex(b"\r\n--")
    part10 = body[begin:end]
    assert part10[_start(part10):] == file.dataset, file.name


async def _stow(session, part10: bytes):
    body = b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + part10 + b"\r\n--edge--\r\n"
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=edge'}
    async with session.post("/dicom-web/studies", data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def _fetched(address: str, files: list[Shipped]) -> dict[str, bytes]:
    """Everything by C-GET, study by study, by pynetdicom: the data sets as they came."""
    host, port = address.split(":")
    found: dict[str, bytes] = {}

    def store(event: Any) -> int:
        found[str(event.request.AffectedSOPInstanceUID)] = event.request.DataSet.getvalue()
        return 0x0000

    by_study: defaultdict[str, list[Shipped]] = defaultdict(list)
    for file in files:
        by_study[str(file.read.StudyInstanceUID)].append(file)
    for study_uid, below in by_study.items():
        ae = AE(ae_title="MODALITY")
        ae.add_requested_context(STUDY_ROOT_GET)
        wanted = {(file.sop_class, file.transfer_syntax_uid) for file in below}
        for sop_class, syntax in sorted(wanted):
            ae.add_requested_context(sop_class, UID(syntax))
        roles = [build_role(sop_class, scp_role=True) for sop_class in sorted({one for one, _ in wanted})]
        association = ae.associate(host, int(port), ae_title="GATEWAY", ext_neg=roles,    # type: ignore[arg-type]
                                   evt_handlers=[(evt.EVT_C_STORE, store)])
        query = Dataset()
        query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", study_uid
        statuses = [status.Status for status, _ in association.send_c_get(query, STUDY_ROOT_GET)]
        association.release()
        assert statuses[-1] == 0x0000, (study_uid, statuses)
    return found
