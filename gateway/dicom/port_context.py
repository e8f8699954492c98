"""What a service of the DICOM port works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.dicom.loop_bridge import LoopBridge
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender
from gateway.wire.event_report_scu import OpenLines
from gateway.wire.storage_service import Peer
from gateway.wire.tls_context import ClientTls


@dataclass(frozen=True, slots=True)
class PortContext:
    """What a service of the port works with; its handlers run in the associations' threads."""

    parts: Parts
    bridge: LoopBridge                        # runs a coroutine on the loop and waits for its result
    sender_of: Callable[[Peer], Sender]       # who opened the association, as it was admitted
    lines: OpenLines                          # the way of event reports to those who hold an association open
    tls: ClientTls | None = None              # how others' secured ports are called; None: they cannot be
