"""Ask a peer to do something with instances that it has (N-ACTION), and take what it reports meanwhile.

The peer may report on this association, a moment after it answered, or on one that it opens to our port later. So the
association stays open for a moment; what is reported on it goes to `on_report`, in the association's thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.dimse_messages import N_EVENT_REPORT_RSP

from gateway.wire.presentation import UNCOMPRESSED_SYNTAXES
from gateway.wire.requestor import PeerRefused, PeerUnavailable, RemoteNode

OnReport = Callable[[Dataset, int], int]
"""Takes Event Information and Event Type ID; returns the status to answer with. May block, never raises."""

_CONNECT_WITHIN_S = 5.0
_LEAVES_WITHIN_S = 0.05


async def ask_peer(node: RemoteNode, information: Dataset, *, sop_class_uid: str, sop_instance_uid: str,
                   action_type_id: int, on_report: OnReport, stays_open_s: float) -> int:
    """Ask, and return the status of the answer, which says that the request was received, and nothing of its result.

    Raises PeerUnavailable (try later), PeerRefused (it takes no association, or not this service).
    """
    return await asyncio.to_thread(_ask, node, information, sop_class_uid, sop_instance_uid, action_type_id,
                                   on_report, stays_open_s)


def _ask(node: RemoteNode, information: Dataset, sop_class_uid: str, sop_instance_uid: str, action_type_id: int,
         on_report: OnReport, stays_open_s: float) -> int:
    has_answered_report = threading.Event()

    def take(event: Any) -> tuple[int, None]:
        return on_report(event.event_information, int(event.request.EventTypeID)), None

    def note(event: Any) -> None:
        if isinstance(event.message, N_EVENT_REPORT_RSP):
            has_answered_report.set()

    ae = AE(ae_title=node.calling_ae_title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = node.timeout_s
    ae.connection_timeout = min(node.timeout_s, _CONNECT_WITHIN_S)
    ae.add_requested_context(sop_class_uid, list(UNCOMPRESSED_SYNTAXES))
    association = ae.associate(node.host, node.port, ae_title=node.called_ae_title, tls_args=node.tls_args,
                               evt_handlers=[(evt.EVT_N_EVENT_REPORT, take), (evt.EVT_DIMSE_SENT, note)])
    if not association.is_established:
        if association.is_rejected or association.rejected_contexts:
            raise PeerRefused(f"{node} takes no association for this service")
        raise PeerUnavailable(f"{node} did not answer")
    try:
        status, _ = association.send_n_action(information, action_type_id, UID(sop_class_uid), UID(sop_instance_uid))
        if "Status" not in status:
            raise PeerUnavailable(f"{node} did not answer the request")
        if status.Status == 0x0000 and has_answered_report.wait(stays_open_s):
            time.sleep(_LEAVES_WITHIN_S)     # the answer is told of before it is sent; releasing must not overtake it
    except (RuntimeError, ValueError) as exc:            # it ended the association
        raise PeerUnavailable(f"{node}: {exc}") from exc
    finally:
        association.release()
    return int(status.Status)
