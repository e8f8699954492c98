"""Those who ask us: findscu, getscu and movescu of dcmtk, in processes of their own."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread

from tests.support.dcmtk import run


@dataclass(frozen=True)
class Found:
    """What a query brought: its answers, the status of each response, and everything that was printed."""

    code: int
    answers: Sequence[Dataset]
    statuses: list[int]
    output: str

    @property
    def final(self) -> int:
        return self.statuses[-1]

    def values(self, keyword: str) -> list[Any]:
        """This attribute of every answer, as text."""
        return [str(answer.get(keyword, "")) for answer in self.answers]


@dataclass(frozen=True)
class Retrieved:
    """What a retrieval brought: its files, the status of each response, and everything that was printed."""

    code: int
    files: list[Path]
    statuses: list[int]
    output: str

    @property
    def final(self) -> int:
        return self.statuses[-1]

    def datasets(self) -> list[bytes]:
        """The data sets as they came, without file meta information."""
        return sorted(dataset_bytes(path) for path in self.files)


async def findscu(address: str, folder: Path, *keys: str, model: str = "-S", calling: str = "MODALITY",
                  options: tuple[str, ...] = (), query_file: Path | None = None) -> Found:
    """One C-FIND; `keys` as dcmtk writes them ("PatientName=Demo*")."""
    folder.mkdir(parents=True, exist_ok=True)
    host, port = address.rsplit(":", 1)
    files = [str(query_file)] if query_file else []
    code, output = await run("findscu", "-d", "-aet", calling, "-aec", "GATEWAY", model, "-X", "-od", str(folder),
                             *options, host, port, *_keys(keys), *files)
    answers = [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]
    return Found(code, answers, _statuses(output, "C-FIND RSP"), output)


async def getscu(address: str, folder: Path, *keys: str, model: str = "-S", calling: str = "MODALITY",
                 options: tuple[str, ...] = ()) -> Retrieved:
    """One C-GET, objects kept exactly as they come."""
    folder.mkdir(parents=True, exist_ok=True)
    host, port = address.rsplit(":", 1)
    code, output = await run("getscu", "-d", "-aet", calling, "-aec", "GATEWAY", model, "+B", "-od", str(folder),
                             *options, host, port, *_keys(keys))
    return Retrieved(code, _files(folder), _statuses(output, "C-GET RSP"), output)


async def movescu(address: str, destination: str, *keys: str, model: str = "-S", calling: str = "MODALITY",
                  options: tuple[str, ...] = ()) -> Retrieved:
    """One C-MOVE to a node that listens elsewhere."""
    host, port = address.rsplit(":", 1)
    code, output = await run("movescu", "-d", "-aet", calling, "-aec", "GATEWAY", "-aem", destination, model,
                             *options, host, port, *_keys(keys))
    return Retrieved(code, [], _statuses(output, "C-MOVE RSP"), output)


async def pynetdicom_app(name: str, address: str, *arguments: str, calling: str = "MODALITY") -> tuple[int, str]:
    """One of pynetdicom's own programs."""
    host, port = address.rsplit(":", 1)
    return await run(sys.executable, "-m", "pynetdicom", name, "-d", "-aet", calling, "-aec", "GATEWAY", host, port,
                     *arguments)


def dataset_bytes(path: Path) -> bytes:
    """The data set of a Part 10 file."""
    data = path.read_bytes()
    assert data[128:132] == b"DICM"
    return data[144 + int.from_bytes(data[140:144], "little"):]


def count_of(output: str, words: str) -> int:
    """The last number that dcmtk printed behind these words ("Completed Suboperations")."""
    return int(re.findall(rf"{words}\s*: (\d+)", output)[-1])


def _keys(keys: tuple[str, ...]) -> list[str]:
    return [part for key in keys for part in ("-k", key)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _statuses(output: str, message: str) -> list[int]:
    blocks = output.split("INCOMING DIMSE MESSAGE")[1:]
    return [int(found.group(1), 16) for block in blocks if message in block.split("END DIMSE MESSAGE")[0]
            and (found := re.search(r"DIMSE Status\s*:\s*0x([0-9a-fA-F]{4})", block))]
