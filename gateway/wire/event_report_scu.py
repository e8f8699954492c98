"""Report an event to a peer (N-EVENT-REPORT): on an association that it opened and still holds, or on one of ours.

On an association of theirs pynetdicom would send from another thread, with two dangers: the report could overtake the
answer to the very request it is about, and whatever the peer sends next would be taken for the answer to the report
and be lost. So the association's own thread sends, between two messages and only after a moment of quiet (a peer that
waits for another answer must not find a request instead), and answers are told from requests by what they are.

On an association of ours we propose the role of the provider (PS3.7 D.3.3.4): the requestor of it is not the one who
uses the service.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections import deque
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, build_role
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.dsutils import encode

from gateway.wire.presentation import UNCOMPRESSED_SYNTAXES
from gateway.wire.requestor import PeerRefused, PeerUnavailable, RemoteNode

QUIET_S = 0.3
_CONNECT_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class EventReport:
    """One N-EVENT-REPORT-RQ (PS3.7 10.1.1)."""

    sop_class_uid: str
    sop_instance_uid: str
    event_type_id: int
    information: Dataset
    negotiated_uid: str = ""             # abstract syntax that carries it (PS3.4 CC.3.1); "": its own SOP class

    @property
    def context_uid(self) -> str:
        return self.negotiated_uid or self.sop_class_uid


class ReportLine:
    """The way of event reports to the peer of one open association."""

    def __init__(self, association: Any) -> None:
        self._association = association
        self._lock = threading.Lock()
        self._waiting: deque[_Outgoing] = deque()
        self._sent: _Outgoing | None = None
        self._message_id = 0
        self._quiet_since = time.monotonic()
        self._is_closed = False

    def carries(self, context_uid: str) -> bool:
        """True if the association was opened with this abstract syntax."""
        return _context_of(self._association, context_uid) is not None

    def send(self, report: EventReport, *, timeout_s: float) -> concurrent.futures.Future[int]:
        """Queue it; the result is the peer's status, or PeerUnavailable if it does not answer or is gone."""
        outgoing = _Outgoing(report, time.monotonic() + timeout_s)
        with self._lock:
            if self._is_closed:
                outgoing.fail("the association is over")
            else:
                self._waiting.append(outgoing)
        return outgoing.answer

    # ---------------------------------------------------------------------- called from the association's own thread
    def takes(self, message: Any) -> bool:
        """True if the message answers our report: it is dealt with."""
        if message is None:
            return False
        self._quiet_since = time.monotonic()
        sent = self._sent
        if (sent is None or not isinstance(message, N_EVENT_REPORT)
                or message.MessageIDBeingRespondedTo != sent.message_id):
            return False
        self._sent = None
        if message.Status is None:
            sent.fail("the answer to the report has no status")
        else:
            sent.answer.set_result(int(message.Status))
        return True

    def between_messages(self, last_answered: float) -> None:
        """Nothing is being served: send what waits once the peer is quiet. `last_answered` is of a C-STORE."""
        now = time.monotonic()
        if self._sent is not None and now > self._sent.deadline:
            self._sent.fail("it did not answer the report")
            self._sent = None
        if self._sent is not None or not self._waiting or now - max(self._quiet_since, last_answered) < QUIET_S:
            return
        with self._lock:
            outgoing = self._waiting.popleft() if self._waiting else None
        if outgoing is not None:
            self._send(outgoing)

    def close(self) -> None:
        """The association is over: what was not answered will not be."""
        with self._lock:
            self._is_closed = True
            open_ones, self._waiting = [*self._waiting], deque()
        if self._sent is not None:
            open_ones.append(self._sent)
        for outgoing in open_ones:
            outgoing.fail("the association is over")

    def _send(self, outgoing: _Outgoing) -> None:
        report = outgoing.report
        context = _context_of(self._association, report.context_uid)
        if context is None or not self._association.is_established:
            outgoing.fail("the association does not carry this service any more")
            return
        self._message_id = self._message_id % 0xFFFF + 1
        outgoing.message_id = self._message_id
        request = N_EVENT_REPORT()
        request.MessageID = self._message_id
        request.AffectedSOPClassUID = UID(report.sop_class_uid)
        request.AffectedSOPInstanceUID = UID(report.sop_instance_uid)
        request.EventTypeID = report.event_type_id
        syntax = context.transfer_syntax[0]
        encoded = encode(report.information, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
        if encoded is None:
            outgoing.fail("the report cannot be encoded")
            return
        request.EventInformation = BytesIO(encoded)
        self._sent = outgoing
        self._association.dimse.send_msg(request, context.context_id)


class OpenLines:
    """The report lines of all open associations of the port."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[str, ReportLine]] = {}

    def open(self, association_id: str, peer_name: str, association: Any) -> None:
        """Reports may go to this peer from now on. Called from the association's thread.

        `peer_name` is what tells one peer from all others; calling AE titles do not.
        """
        with self._lock:
            if association_id not in self._lines:
                line = association.dimse.reports = ReportLine(association)
                self._lines[association_id] = (peer_name, line)

    def ended(self, association_id: str) -> None:
        """The association is over."""
        with self._lock:
            _, line = self._lines.pop(association_id, ("", None))
        if line is not None:
            line.close()

    def find(self, association_id: str, peer_name: str, *, context_uid: str = "") -> ReportLine | None:
        """This association's line, else that of another one which the same peer holds open.

        `context_uid` names the abstract syntax that it must have been opened with.
        """
        with self._lock:
            of_peer = {known: line for known, (name, line) in self._lines.items()
                       if name == peer_name and (not context_uid or line.carries(context_uid))}
        return of_peer.get(association_id) or next(iter(of_peer.values()), None)


async def report_on_new_association(report: EventReport, node: RemoteNode) -> int:
    """Open an association as the provider, report, and return the peer's status.

    Raises PeerUnavailable (try later) and PeerRefused (it takes no association, or not this service).
    """
    return await asyncio.to_thread(_report, report, node)


class _Outgoing:
    """A report on its way."""

    def __init__(self, report: EventReport, deadline: float) -> None:
        self.report = report
        self.deadline = deadline
        self.message_id = 0
        self.answer: concurrent.futures.Future[int] = concurrent.futures.Future()
        self.answer.set_running_or_notify_cancel()

    def fail(self, why: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(PeerUnavailable(why))


def _context_of(association: Any, sop_class_uid: str) -> Any | None:
    return next((context for context in association.accepted_contexts if context.abstract_syntax == sop_class_uid),
                None)


def _report(report: EventReport, node: RemoteNode) -> int:
    ae = AE(ae_title=node.calling_ae_title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = node.timeout_s
    ae.connection_timeout = min(node.timeout_s, _CONNECT_WITHIN_S)
    ae.add_requested_context(report.context_uid, list(UNCOMPRESSED_SYNTAXES))
    association = ae.associate(node.host, node.port, ae_title=node.called_ae_title, tls_args=node.tls_args,
                               ext_neg=[build_role(UID(report.context_uid), scp_role=True)])
    if not association.is_established:
        if association.is_rejected or association.rejected_contexts:
            raise PeerRefused(f"{node} takes no association for this report", is_transient=True)
        raise PeerUnavailable(f"{node} did not answer")
    try:
        status, _ = association.send_n_event_report(report.information, report.event_type_id,
                                                    UID(report.sop_class_uid), UID(report.sop_instance_uid),
                                                    meta_uid=UID(report.negotiated_uid) if report.negotiated_uid
                                                    else None)
    except (RuntimeError, ValueError) as exc:            # it ended the association, or took it for something else
        raise PeerUnavailable(f"{node}: {exc}") from exc
    finally:
        association.release()
    if "Status" not in status:
        raise PeerUnavailable(f"{node} did not answer the report")
    return int(status.Status)
