"""HL7 v2 messages, a listener over real storage, and a peer that sends bytes exactly as told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hl7

from gateway.dicom.secure_port import tls_files
from gateway.hl7.mllp_listener import MllpListener
from gateway.services.ports import Parts
from gateway.settings import Settings
from gateway.wire.tls_context import ServerTls
from storage.model import EVERYWHERE, Arrival, Site, SiteKind
from storage.model.orders import Order, OrderFilter
from tests.support.stores import ManualClock, RecordingEvents, open_parts

SITE = Site("yangchang", "羊场镇卫生院", "Yangchang", SiteKind.TOWNSHIP)
OTHER_SITE = Site("hexi", "河西乡卫生院", "Hexi", SiteKind.TOWNSHIP)
ANSWER_WITHIN_S = 20.0


def omi(*, control_id: str = "M1", control: str = "NW", placer: str = "ORD1", facility: str = SITE.id,
        character_set: str = "UNICODE UTF-8", name: str = "演示王小明^^^^^^L^I~Yan^Shiwang^^^^^L^A",
        modality: str = "DX", version: str = "2.5.1", kind: str = "OMI^O23^OMI_O23",
        patient: str = "P1^^^HIS^MR", sex: str = "M", birth: str = "19800506", time: str = "20260302110000",
        diagnosis: str = "咳嗽3天", processing: str = "P", sent_at: str = "20260302085900", reason: str = "",
        accession: str = "ACC1", study_uid: str = "1.2.3.4") -> str:
    """An imaging order of IHE RAD-4."""
    return "\r".join((
        f"MSH|^~\\&|HIS|{facility}|RG|CENTRE|{sent_at}||{kind}|{control_id}|{processing}|{version}||||||"
        f"{character_set}",
        f"PID|1||{patient}||{name}||{birth}|{sex}",
        "PV1|1|O|内科^^^|||||^李^医生|||||||||||M001",
        f"ORC|{control}|{placer}^HIS||||||||||D7^张^开单||||{reason}|NK^内科",
        f"TQ1|1||||||{time}||A",
        f"OBR|1|{placer}^HIS||XR1^胸部正位^99LOCAL|||||||||{diagnosis}||||||||||||||||||^排除肺炎",
        f"IPC|{accession}|RP1|{study_uid}|SPS1|{modality}||||MODALITY",
    )) + "\r"


def orm(*, control_id: str = "M1", control: str = "NW", placer: str = "ORD1", facility: str = SITE.id,
        version: str = "2.3.1") -> str:
    """A general order of IHE RAD-4 before v2.5.1, with the Study Instance UID in ZDS."""
    return "\r".join((
        f"MSH|^~\\&|HIS|{facility}|RG|CENTRE|20260302085900||ORM^O01|{control_id}|P|{version}||||||8859/1",
        "PID|||P2^^^HIS||Müller^Jörg||19700102|F||||||||||V77|11010519491231002X",
        f"ORC|{control}|{placer}|||||1^^^20260302110000^^S|||||77^Smith^Ann",
        f"OBR|1|{placer}||CT1^Head CT^L|||||||||Fall||HEAD^^^HEAD|||A9|RP9|SPS9||||CT||||||||||||||20260302120000",
        "ZDS|1.2.9.9^100^Application^DICOM",
    )) + "\r"


@dataclass
class Listening:
    """What the tests look at."""

    parts: Parts
    listener: MllpListener
    clock: ManualClock

    async def orders(self) -> list[Order]:
        return (await self.parts.database.read(lambda tx: tx.orders.find(OrderFilter(), EVERYWHERE, limit=100)))[0]

    async def quarantine(self) -> list[Arrival]:
        return await self.parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))

    async def alarm_kinds(self) -> list[str]:
        return [a.kind for a in await self.parts.database.read(lambda tx: tx.alarms.open_alarms(EVERYWHERE))]

    @asynccontextmanager
    async def peer(self):
        """A connection."""
        host, port = self.listener.address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield Peer(reader, writer)
        finally:
            writer.close()

    async def send(self, message: str, *, encoding: str = "utf-8") -> hl7.Message:
        """One message on a connection of its own; returns the answer."""
        async with self.peer() as peer:
            return await peer.send(message, encoding=encoding)


@dataclass
class Peer:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, message: str, *, encoding: str = "utf-8") -> hl7.Message:
        self.write(framed(message, encoding))
        return parsed(await self.answer())

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> bytes:
        """The next answer, without its frame."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            frame = await self.reader.readuntil(b"\x1c\r")
        assert frame[:1] == b"\x0b"
        return frame[1:-2]

    async def is_closed(self) -> bool:
        """True once the other side has closed without another word."""
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await self.reader.read() == b""


def framed(message: str, encoding: str = "utf-8") -> bytes:
    return b"\x0b" + message.encode(encoding) + b"\x1c\r"


def parsed(answer: bytes, encoding: str = "utf-8") -> hl7.Message:
    return hl7.parse(answer.decode(encoding))


def code_of(answer: hl7.Message) -> str:
    return str(answer.segment("MSA")[1])


def errors_of(answer: hl7.Message) -> list[tuple[str, str, str]]:
    """(place, code, severity) of every ERR of v2.5."""
    if not any(str(segment[0]) == "ERR" for segment in answer):
        return []
    return [(str(err[2]), str(err[3]).split("^")[0], str(err[4])) for err in answer.segments("ERR")]


@asynccontextmanager
async def listening(data_dir: Path, *, is_empty: bool = True, **settings: Any):
    """A listener over real storage, with two sites."""
    clock = ManualClock()
    chosen = replace(Settings(data_dir=data_dir, reserve_bytes=0, node="test-node", mllp="127.0.0.1:0"), **settings)
    async with open_parts(data_dir, settings=chosen, clock=clock, events=RecordingEvents()) as parts:
        if is_empty:
            await parts.database.write(lambda tx: (tx.sites.add_site(SITE), tx.sites.add_site(OTHER_SITE)))
        tls = ServerTls(tls_files(chosen, demands_certificate=True)) if chosen.mllp_tls else None
        listener = MllpListener(parts, tls=tls)
        await listener.start()
        try:
            yield Listening(parts, listener, clock)
        finally:
            await listener.stop()
