"""CT slices whose C-STORE a test cuts up as it likes, and a conversation in which it does."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable

from pydicom.uid import generate_uid

from tests.support import dicom_builders as build
from tests.support.raw_association import COMMAND, LAST, RawAssociation, pdu, pdv, store_command

EXPLICIT = build.SYNTAXES["explicit"]


class Slice:
    """A CT slice, ready to be cut up."""

    def __init__(self, ids: build.StudyIds, *, rows: int = 64, number: int = 1) -> None:
        self.ids = ids
        self.sop_instance_uid = generate_uid()
        self.dataset = build.dataset_of(build.ct_slice(number, ids=ids, rows=rows, columns=rows,
                                                       sop_instance_uid=self.sop_instance_uid))
        self.command = store_command(build.CT, self.sop_instance_uid)


async def kept_datasets(receiver, ids: build.StudyIds) -> list[bytes]:
    """The data sets of a study as they are in the store."""
    return [build.dataset_of(await receiver.kept_bytes(instance)) for instance in await receiver.instances(ids.study)]


async def talk(receiver, conversation: Callable[[RawAssociation], object], *, contexts=((build.CT, EXPLICIT),),
               largest_pdu_bytes: int = 16384) -> object:
    """Hold a conversation in a thread, over a fresh association."""
    def hold() -> object:
        with RawAssociation(receiver.address, contexts, largest_pdu_bytes=largest_pdu_bytes) as peer:
            return conversation(peer)

    return await asyncio.to_thread(hold)


def one_pdu(part: Slice) -> bytes:
    """Command and data set in a single PDU."""
    return pdu(pdv(1, COMMAND | LAST, part.command), pdv(1, LAST, part.dataset))


def pdus_of(message: bytes) -> list[bytes]:
    """The PDUs of a message, one by one."""
    found, at = [], 0
    while at < len(message):
        (length,) = struct.unpack_from(">L", message, at + 2)
        found.append(message[at:at + 6 + length])
        at += 6 + length
    return found


class SlowStore:
    """An object store that needs longer than the network timeout to keep an object: what we cannot own."""

    def __init__(self, real, delay_s: float) -> None:
        self._real, self._delay_s = real, delay_s

    def begin(self):
        writer, delay_s = self._real.begin(), self._delay_s

        class Writer:
            def finish(self):
                threading.Event().wait(delay_s)
                return writer.finish()

            def __getattr__(self, name):
                return getattr(writer, name)

        return Writer()

    def __getattr__(self, name):
        return getattr(self._real, name)
