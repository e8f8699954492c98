"""Take the ECG files out of an HL7 result and receive each as any other ECG (B8).

PID, ORC and OBR fill in what a file leaves out, never what it says: where both speak and differ, the file stands, the
peer and a person are told, and nothing is linked. Used by receive_hl7, which answers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from gateway.core.ecg_envelope import EcgEnvelope
from gateway.core.errors import Unreadable
from gateway.formats.hl7_answer import Fault, FaultCode
from gateway.formats.hl7_message import Message
from gateway.formats.hl7_results import EmbeddedFile, read_results
from gateway.services.know_cart import cart_called
from gateway.services.ports import Parts
from gateway.services.receive_ecg import EcgReceived, receive_ecg
from gateway.services.receive_instance import Sender
from storage.interface import Transaction
from storage.model import ArrivalVia, Device

NO_ECG = "hl7-no-ecg"
EMBEDDED = "hl7-embedded-file"


@dataclass(slots=True)
class ResultsReceived:
    """What became of a message's files. With faults the message as a whole is refused, for `reason`."""

    received: list[EcgReceived] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)
    reason: str = EMBEDDED


async def receive_results(parts: Parts, message: Message, site_id: str, *, address: str) -> ResultsReceived:
    """Receive every file that can be taken out. Raises StorageError; what was kept before stays kept."""
    results = await asyncio.to_thread(read_results, message, zone=ZoneInfo(parts.settings.time_zone))
    done = ResultsReceived(faults=list(results.faults), remarks=list(results.remarks))
    if not results.files and not results.faults:
        done.reason = NO_ECG
        done.faults.append(Fault(
            FaultCode.FIELD_MISSING, f"OBX-5: {results.value_count} values and no ECG file; an aECG, SCP-ECG or PDF "
            "is needed (ED).", "OBX", 1, 5))
        return done
    if results.value_count:
        done.remarks.append(Fault(FaultCode.ACCEPTED, f"{results.value_count} OBX without a file were not taken.",
                                  "OBX", is_remark=True))
    header = message.header
    sender = Sender(site_id, None, ArrivalVia.HL7, calling_ae_title=header.sending_application[:64], address=address,
                    actor=f"hl7:{header.sending_application}|{header.sending_facility}"[:200])
    for one in results.files:
        await _receive(parts, one, sender, header.control_id, done)
    return done


async def _receive(parts: Parts, one: EmbeddedFile, sender: Sender, control_id: str, done: ResultsReceived) -> None:
    if len(one.data) > parts.settings.max_ecg_bytes:
        done.faults.append(one.fault(FaultCode.DATA_TYPE, "the file is too large."))
        return
    envelope, device = await parts.database.read(lambda tx: _known_here(tx, one, sender.site_id))
    try:
        received = await receive_ecg(parts, one.data, replace(sender, device=device),
                                     file_name=f"{control_id[:40]}-OBX{one.place}", envelope=envelope)
    except Unreadable as exc:
        done.faults.append(one.fault(FaultCode.DATA_TYPE, f"{exc.reason}: {exc}"))
        return
    done.received.append(received)
    if received.conflicts:
        done.remarks.append(one.fault(
            FaultCode.ACCEPTED, f"file and message do not agree in: {', '.join(received.conflicts)}. The file's "
            "words were kept and no order linked.", is_remark=True))


def _known_here(tx: Transaction, one: EmbeddedFile, site_id: str) -> tuple[EcgEnvelope, Device | None]:
    """The envelope with what our own order of that number says, and the cart as it is registered."""
    order = next((found for number in one.placer_numbers
                  if (found := tx.orders.of_placer(number, site_id)) is not None), None)
    envelope = one.envelope
    if order is not None and not envelope.accession_number:
        envelope = replace(envelope, accession_number=order.accession_number)
    if order is not None and envelope.accession_number == order.accession_number:
        envelope = replace(envelope, study_instance_uid=order.study_instance_uid)
    return envelope, cart_called(tx, site_id, one.device_names)
