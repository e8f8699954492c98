"""Objects of the index as the DICOM port sends them: opened one at a time, as the peer takes them."""

from __future__ import annotations

from typing import BinaryIO

from gateway.core.errors import Unreadable
from gateway.renditions.transcode import other_syntaxes
from gateway.services.ports import Parts
from gateway.services.retrieve_for_peer import RetrievableObject, open_object
from gateway.wire.store_scu import CannotBeSent, OutgoingInstance
from storage.errors import StorageError


def outgoing(parts: Parts, one: RetrievableObject) -> OutgoingInstance:
    """The object as a sender takes it; nothing is read yet."""
    def open_dataset(transfer_syntax_uid: str) -> BinaryIO:
        try:
            return open_object(parts, one, transfer_syntax_uid)
        except (Unreadable, StorageError) as exc:
            raise CannotBeSent(str(exc)) from exc

    return OutgoingInstance(one.sop_class_uid, one.sop_instance_uid,
                            (one.transfer_syntax_uid, *other_syntaxes(one.transfer_syntax_uid)), open_dataset)
