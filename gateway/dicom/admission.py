"""Who may open an association: the called title is ours, the calling one a registered device's.

Where a device has a certificate, title and address are not enough: the connection must be secured with that one, so
the device is refused on the plain port too. Called from the associations' threads.
"""

from __future__ import annotations

import threading
import time

import structlog

from gateway.core.identifiers import AETitle, InvalidAETitle
from gateway.dicom.loop_bridge import LoopBridge
from gateway.dicom.senders import KnownSenders
from gateway.services.know_sender import note_certificate, record_knock, record_mismatch
from gateway.services.ports import Parts
from gateway.services.receive_instance import Sender
from gateway.wire.storage_service import Peer, Rejection
from storage.model import INBOX_SITE_ID, ArrivalVia, Device

log = structlog.get_logger("gateway.dicom")

_NOTED_AGAIN_AFTER_S = 3600.0
_MAX_NOTED = 10_000
_PLACE_WITHIN_S = 0.5


class Admission:
    """Admits associations and remembers, while they are open, as whom."""

    def __init__(self, parts: Parts, bridge: LoopBridge) -> None:
        self._parts = parts
        self._calls = bridge
        self._senders = KnownSenders(parts)
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._admitted: dict[str, Sender] = {}
        self._noted: dict[tuple[str, str, str, bool], float] = {}

    def admit(self, peer: Peer) -> Rejection | None:
        """Decide on an association. Raises StorageError."""
        settings = self._parts.settings
        if peer.called_ae_title != settings.ae_title:
            log.info("association rejected: wrong called AE title", peer=peer.address)
            return Rejection.CALLED_AE_TITLE_NOT_RECOGNISED
        try:
            title = AETitle.parse(peer.calling_ae_title).value
        except InvalidAETitle:
            return Rejection.CALLING_AE_TITLE_NOT_RECOGNISED
        device = self._senders.remembered(title, peer.address)
        if device is None:
            device = self._calls.call(self._senders.find(title, peer.address))
        if device is not None and device.certificate_sha256 not in ("", peer.certificate_sha256):
            return self._turn_away(peer, title, device)
        is_let_in = device is not None or settings.unknown_devices == "inbox"
        if peer.certificate and self._is_news(title, peer, is_let_in):
            self._calls.call(note_certificate(self._parts, title, peer.address, peer.certificate,
                                              is_admitted=is_let_in))
        if device is None:
            self._calls.call(record_knock(self._parts, title, peer.address))
        if not is_let_in:
            log.info("association rejected: unknown calling AE title", peer=peer.address)
            return Rejection.CALLING_AE_TITLE_NOT_RECOGNISED
        return self._take_place(peer, _sender(peer, title, device))

    def sender_of(self, peer: Peer) -> Sender:
        """As whom the association was admitted."""
        with self._lock:
            return self._admitted[peer.association_id]

    def is_connected(self, calling_ae_title: str, *, besides: str) -> bool:
        """True while this caller holds another association open than the one named."""
        with self._lock:
            return any(sender.calling_ae_title == calling_ae_title and association_id != besides
                       for association_id, sender in self._admitted.items())

    def ended(self, peer: Peer) -> None:
        """The association is over."""
        with self._freed:
            self._admitted.pop(peer.association_id, None)
            self._freed.notify_all()

    def _take_place(self, peer: Peer, sender: Sender) -> Rejection | None:
        """Within the limits in all and of the device; who just left may still be on his way out."""
        settings, device = self._parts.settings, sender.device
        own_limit = (device.max_associations if device else 0) or settings.max_device_associations

        def has_room() -> bool:
            same = sum(1 for other in self._admitted.values() if _is_same_caller(other, sender))
            return len(self._admitted) < settings.max_associations and same < own_limit

        with self._freed:
            if not self._freed.wait_for(has_room, _PLACE_WITHIN_S):
                log.warning("association rejected: too many are open", peer=peer.address, open=len(self._admitted),
                            title=sender.calling_ae_title)
                return Rejection.LOCAL_LIMIT_EXCEEDED
            self._admitted[peer.association_id] = sender
        return None

    def _turn_away(self, peer: Peer, title: str, device: Device) -> Rejection:
        log.warning("association rejected: not the certificate of the device", peer=peer.address, device=device.id)
        if self._is_news(title, peer, False):
            self._calls.call(record_mismatch(self._parts, device, title, peer.address, peer.certificate))
        return Rejection.CALLING_AE_TITLE_NOT_RECOGNISED

    def _is_news(self, title: str, peer: Peer, is_let_in: bool) -> bool:
        """True if this caller was not seen with this certificate within the hour: no write an association."""
        key, now = (title, peer.address, peer.certificate_sha256, is_let_in), time.monotonic()
        with self._lock:
            if self._noted.get(key, -_NOTED_AGAIN_AFTER_S) > now - _NOTED_AGAIN_AFTER_S:
                return False
            if len(self._noted) >= _MAX_NOTED:
                self._noted.clear()
            self._noted[key] = now
            return True


def _is_same_caller(one: Sender, other: Sender) -> bool:
    if one.device is not None and other.device is not None:
        return one.device.id == other.device.id
    return (one.calling_ae_title, one.address) == (other.calling_ae_title, other.address)


def _sender(peer: Peer, title: str, device: Device | None) -> Sender:
    return Sender(site_id=device.site_id if device else INBOX_SITE_ID, device=device, via=ArrivalVia.DICOM,
                  calling_ae_title=title, address=peer.address, association_id=peer.association_id,
                  certificate_sha256=peer.certificate_sha256)
