"""The data sets of one association, from the first fragment until they are answered or given up."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gateway.wire.storage_service import DatasetSink, Peer, StorageService, StoreCommand


@dataclass(slots=True, eq=False)
class Receiving:
    """A data set on its way."""

    command: StoreCommand
    sink: DatasetSink


class Reception:
    """Opened by both paths, lean and stock; whatever is still open when the association ends is given up."""

    def __init__(self, service: StorageService) -> None:
        self.service = service
        self.peer: Peer | None = None                # known once the association is admitted
        self.is_closing = False                      # the port closes: what is begun is finished, nothing begins
        self.last_answered = 0.0                     # time.monotonic() of the last answer to a C-STORE
        self._open: list[Receiving] = []

    @property
    def is_receiving(self) -> bool:
        return bool(self._open)

    def begin(self, command: StoreCommand) -> Receiving:
        """A data set begins."""
        assert self.peer is not None
        receiving = Receiving(command, self.service.begin(self.peer, command))
        self._open.append(receiving)
        return receiving

    def store(self, receiving: Receiving, command: StoreCommand) -> int:
        """Let the service keep it; the sink is done with afterwards, whatever came of it."""
        assert self.peer is not None
        try:
            return self.service.store(self.peer, command, receiving.sink)
        finally:
            receiving.sink.abandon()

    def answered(self, receiving: Receiving) -> None:
        """The answer has left, or is in the queue of what leaves next."""
        self._open.remove(receiving)
        self.last_answered = time.monotonic()

    def finish(self) -> None:
        """The connection is over: what is half here will not be completed."""
        while self._open:
            self._open.pop().sink.abandon()
        if self.peer is not None:
            self.service.ended(self.peer)
