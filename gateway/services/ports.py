"""What a use case works with, and what it asks of the edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from gateway.core.ecg_hint_rules import HintRules, packaged_hints
from gateway.services.guard_space import SpaceGuard
from gateway.services.rules.simulations import Simulations
from gateway.services.written_lately import WrittenLately
from gateway.settings import Settings
from storage.interface import Database, Intercom, ObjectStore, SecondPlace
from storage.model import Delivery, Destination, Report

Clock = Callable[[], datetime]
"""Returns the present as aware UTC."""

OPENING_WINDOW = timedelta(minutes=10)
"""A person who looks at the same study again within it has opened it once."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed that a screen may show. Published after the commit; carries ids, never patient data."""

    kind: str                        # "arrival", "study", "analysis", "reading", "report", "delivery", "knock", …
    site_id: str
    study_id: str = ""
    reading_id: str = ""


class Events(Protocol):
    """Tells listeners (live lists, the job runner) in every process on this database that something changed."""

    def publish(self, event: Event) -> None:
        """Hand the event to every listener. Never blocks, never raises; may be called from any thread."""

    def wake_jobs(self) -> None:
        """A job may be due now: look at once. May be called from any thread."""


class OpenAssociations(Protocol):
    """Which studies an association that is still open has sent to."""

    def is_sending(self, study_id: str) -> bool:
        """True while an open association has delivered instances of this study."""

    def is_connected(self, calling_ae_title: str, *, besides: str) -> bool:
        """True while this caller holds another association open than the one named."""


class NoAssociations:
    """For processes that listen on no DICOM port."""

    def is_sending(self, study_id: str) -> bool:
        return False

    def is_connected(self, calling_ae_title: str, *, besides: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class DeliveryParcel:
    """What a destination gets: the signed PDF and the Encapsulated PDF made from it once, at signing."""

    delivery: Delivery
    report: Report
    pdf: bytes
    dicom: bytes


class DeliveryChannel(Protocol):
    """One kind of destination. Raises DestinationUnavailable (try later) or DestinationRefused (never again)."""

    async def deliver(self, parcel: DeliveryParcel, destination: Destination) -> None:
        """Return once the destination has said that it keeps the report."""


@dataclass(frozen=True, slots=True)
class ForwardObject:
    """One object of a study that is sent on, opened only when its turn comes; both calls block."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntaxes: tuple[str, ...]       # its own first, then those into which it could be turned
    open_as: Callable[[str], BinaryIO]       # the data set alone, at its first byte
    part10: Callable[[], bytes]              # the file as received


class ForwardChannel(Protocol):
    """One kind of destination. Raises DestinationUnavailable (try later) or DestinationRefused (never again)."""

    async def forward(self, objects: Sequence[ForwardObject], destination: Destination,
                      on_kept: Callable[[str], None]) -> None:
        """Return once the destination keeps all of them; `on_kept` is told each SOP Instance UID, from any thread."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Built once by main and passed to every use case."""

    settings: Settings
    database: Database
    objects: ObjectStore
    clock: Clock
    events: Events
    node: str
    associations: OpenAssociations = field(default_factory=NoAssociations)
    openings: WrittenLately = field(default_factory=lambda: WrittenLately(window=OPENING_WINDOW))
    second_copy: SecondPlace | None = None
    intercom: Intercom | None = None         # None: no other process shares the database
    space: SpaceGuard = field(default_factory=SpaceGuard)
    simulations: Simulations = field(default_factory=Simulations)
    hint_rules: HintRules | None = field(default_factory=packaged_hints)   # None: no hints are given
