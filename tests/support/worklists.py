"""DCMTK's findscu as a modality that asks for its worklist, with query files made by dump2dcm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from tests.support import dcmtk

ALL_KEYS = """\
(0008,0050) SH
(0008,0090) PN
(0008,1110) SQ
(fffe,e0dd) -
(0010,0010) PN [{name}]
(0010,0020) LO [{patient_id}]
(0010,0030) DA
(0010,0040) CS
(0020,000d) UI
(0032,1032) PN
(0032,1060) LO
(0032,1064) SQ
(fffe,e0dd) -
(0038,0010) LO
(0040,1001) SH
(0040,1003) SH
"""
STEP_KEYS = """\
(0008,0060) CS [{modality}]
(0040,0001) AE [{station}]
(0040,0002) DA [{date}]
(0040,0003) TM [{time}]
(0040,0006) PN
(0040,0007) LO
(0040,0009) SH
"""


@dataclass(frozen=True)
class Answered:
    """What findscu got: data sets, statuses of the pending answers, and the last one."""

    items: list[Dataset]
    output: str
    code: int

    @property
    def accessions(self) -> list[str]:
        return [item.AccessionNumber for item in self.items]


def query_text(*, character_set: str = "", name: str = "", patient_id: str = "", modality: str = "",
               station: str = "", date: str = "", time: str = "", has_step: bool = True, more: str = "") -> str:
    """A query as dump2dcm reads it."""
    text = f"(0008,0005) CS [{character_set}]\n" if character_set else ""
    text += ALL_KEYS.format(name=name, patient_id=patient_id) + more
    if has_step:
        step = STEP_KEYS.format(modality=modality, station=station, date=date, time=time)
        text += f"(0040,0100) SQ\n(fffe,e000) -\n{step}(fffe,e00d) -\n(fffe,e0dd) -\n"
    return text


async def ask(address: str, folder: Path, text: str, *, calling: str = "MODALITY", encoding: str = "utf-8",
              options: tuple[str, ...] = ()) -> Answered:
    """Send the query with findscu -W and read the answers that it wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "query.dump").write_bytes(text.encode(encoding))
    code, output = await dcmtk.run("dump2dcm", str(folder / "query.dump"), str(folder / "query.dcm"))
    assert code == 0, output
    answers = folder / "answers"
    answers.mkdir(exist_ok=True)
    for old in answers.iterdir():
        old.unlink()
    host, port = address.rsplit(":", 1)
    code, output = await dcmtk.run("findscu", "-d", "-W", "-X", "-od", str(answers), "-aet", calling, "-aec",
                                   "GATEWAY", *options, host, port, str(folder / "query.dcm"))
    items: list[Dataset] = [pydicom.dcmread(path, force=True) for path in sorted(answers.iterdir())]
    return Answered(items, output, code)


def missing_type_1(item: Dataset) -> list[str]:
    """Return keys of Type 1 (PS3.4 table K.6-1) without a value in an answer."""
    missing = [keyword for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "RequestedProcedureID")
               if not item.get(keyword)]
    steps = item.get("ScheduledProcedureStepSequence") or []
    if len(steps) != 1:
        return [*missing, "ScheduledProcedureStepSequence"]
    return missing + [keyword for keyword in (
        "ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "Modality",
        "ScheduledProcedureStepID") if not steps[0].get(keyword)]
