"""What the rest of the house may ask of storage.

Two things have more than one implementation and are Protocols: the `Database` (SQLite, PostgreSQL) and the
`ObjectStore` (files, S3). The statements are written once, in storage/tables, and reached through `Transaction`.
The `Intercom` is there only where several processes share one database.

Order that every use case keeps: object durable → one `write` (index rows, audit, jobs together) → answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa

from storage.model import ObjectRef
from storage.objects.hashing import CHUNK_BYTES as CHUNK_BYTES
from storage.objects.hashing import Digest as Digest
from storage.objects.hashing import chunks_of as chunks_of
from storage.objects.hashing import digest_of as digest_of
from storage.tables.alarms import Alarms
from storage.tables.annotations import Annotations
from storage.tables.arrivals import Arrivals
from storage.tables.audit import Audit, chain_fault
from storage.tables.character_sets import CharacterSets
from storage.tables.circumstances import StudyCircumstances
from storage.tables.clocks import Clocks
from storage.tables.commitments import Commitments
from storage.tables.decisions import Decisions
from storage.tables.deliveries import Deliveries
from storage.tables.dicomweb_queries import AttributeKey as AttributeKey
from storage.tables.dicomweb_queries import DicomwebQueries
from storage.tables.dicomweb_queries import InstanceQuery as InstanceQuery
from storage.tables.dicomweb_queries import SeriesQuery as SeriesQuery
from storage.tables.dicomweb_queries import StoredInstance as StoredInstance
from storage.tables.dicomweb_queries import StoredSample as StoredSample
from storage.tables.dicomweb_queries import StoredSeries as StoredSeries
from storage.tables.dicomweb_queries import StoredStudy as StoredStudy
from storage.tables.dicomweb_queries import StudyQuery as StudyQuery
from storage.tables.ecg_analyses import EcgAnalyses
from storage.tables.ecg_identities import EcgIdentities
from storage.tables.ecg_pairings import EcgPairings
from storage.tables.figures import Figures
from storage.tables.forwards import Forwards
from storage.tables.hl7_exchanges import Hl7Exchanges
from storage.tables.jobs import Jobs
from storage.tables.keeping import Keeping
from storage.tables.notices import NoticeLine as NoticeLine
from storage.tables.notices import Notices
from storage.tables.object_care import ObjectsInCare
from storage.tables.objects import Objects
from storage.tables.order_matches import OrderMatches
from storage.tables.orders import Orders
from storage.tables.origins import Origins
from storage.tables.performed_steps import PerformedSteps
from storage.tables.quality import Quality
from storage.tables.quarantine import Quarantine
from storage.tables.query_retrieve import QueryRetrieve
from storage.tables.query_retrieve import RetrievableObject as RetrievableObject
from storage.tables.query_retrieve import StoredPatient as StoredPatient
from storage.tables.query_retrieve import StoredReport as StoredReport
from storage.tables.readings import Readings
from storage.tables.replays import Replays
from storage.tables.reports import Reports
from storage.tables.rosters import Rosters
from storage.tables.rule_versions import RuleVersions
from storage.tables.site_moves import SiteMoves
from storage.tables.sites import Sites
from storage.tables.studies import Studies
from storage.tables.study_removal import StudyRemoval
from storage.tables.unread_ecgs import UnreadEcgs
from storage.tables.users import Users
from storage.tables.wall import Wall
from storage.tables.wall import WallCounts as WallCounts
from storage.tables.wall import WallLine as WallLine
from storage.tables.workitems import Workitems
from storage.tables.worklist_rows import ClinicLine as ClinicLine
from storage.tables.worklist_rows import Counts as Counts
from storage.tables.worklist_rows import DeliveryLine as DeliveryLine
from storage.tables.worklist_rows import ReadingFilter as ReadingFilter
from storage.tables.worklist_rows import ReadingLine as ReadingLine
from storage.tables.worklist_rows import SignedReport as SignedReport
from storage.tables.worklist_rows import StudyLine as StudyLine
from storage.tables.worklists import Worklists

__all__ = ["Database", "Intercom", "IntercomLine", "ObjectStore", "ObjectWriter", "Storage", "Transaction",
           "chain_fault"]

T = TypeVar("T")


class Transaction:
    """One transaction on either engine; its attributes are the tables by subject.

    Work on it is plain synchronous code, without I/O of its own: on SQLite it runs on the writer's thread.
    """

    def __init__(self, connection: sa.Connection, *, node: str) -> None:
        self.connection = connection
        self.node = node
        self.alarms = Alarms(connection)
        self.annotations = Annotations(connection)
        self.arrivals = Arrivals(connection)
        self.audit = Audit(connection, node)
        self.character_sets = CharacterSets(connection)
        self.circumstances = StudyCircumstances(connection)
        self.clocks = Clocks(connection)
        self.commitments = Commitments(connection)
        self.decisions = Decisions(connection)
        self.deliveries = Deliveries(connection)
        self.dicomweb = DicomwebQueries(connection)
        self.ecg_analyses = EcgAnalyses(connection)
        self.ecg_identities = EcgIdentities(connection)
        self.ecg_pairings = EcgPairings(connection)
        self.forwards = Forwards(connection)
        self.hl7_exchanges = Hl7Exchanges(connection)
        self.jobs = Jobs(connection)
        self.keeping = Keeping(connection)
        self.notices = Notices(connection)
        self.object_care = ObjectsInCare(connection)
        self.objects = Objects(connection)
        self.order_matches = OrderMatches(connection)
        self.orders = Orders(connection)
        self.origins = Origins(connection)
        self.quality = Quality(connection)
        self.figures = Figures(connection)
        self.quarantine = Quarantine(connection)
        self.performed_steps = PerformedSteps(connection)
        self.query_retrieve = QueryRetrieve(connection)
        self.readings = Readings(connection)
        self.replays = Replays(connection)
        self.reports = Reports(connection)
        self.rule_versions = RuleVersions(connection)
        self.rosters = Rosters(connection)
        self.site_moves = SiteMoves(connection)
        self.sites = Sites(connection)
        self.studies = Studies(connection)
        self.study_removal = StudyRemoval(connection)
        self.unread_ecgs = UnreadEcgs(connection)
        self.users = Users(connection)
        self.wall = Wall(connection)
        self.workitems = Workitems(connection)
        self.worklists = Worklists(connection)


class Database(Protocol):
    """Tables of one engine."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction and return its result once it is durable.

        Whatever `work` raises rolls back its own changes alone and is raised here. `work` may be run again
        after a lost connection or a serialisation failure, so it must not touch anything but the transaction.
        Raises StorageFull, StorageUnavailable.
        """

    def write_while(self, work: Callable[[Transaction], T], meanwhile: Callable[[], object], *, within_s: float) -> T:
        """`write` for a thread that may block: `meanwhile` runs in it, where the engine can, beside `work`.

        Committed only after `meanwhile` returned; what it raises rolls `work` back and is raised here. `meanwhile`
        should take no longer than a sync of a disk: on SQLite other writes wait for it. Raises what `write` does, and
        StorageUnavailable when there is no answer in time (it may be committed all the same).
        """

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a snapshot, beside the writer. Raises StorageUnavailable."""

    async def close(self) -> None:
        """Finish what was begun, then let go of the engine."""


class ObjectWriter(Protocol):
    """An object being received. Used from one thread at a time; blocking."""

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises StorageFull."""

    @property
    def finishes_soon(self) -> bool:
        """True if `finish` takes about as long as one sync of a disk, so that a transaction may wait for it."""

    def ref(self) -> ObjectRef:
        """What the object will be called if nothing more is written."""

    def finish(self) -> ObjectRef:
        """Return the object's name once its bytes survive a power cut. The same bytes twice are one object.

        Raises StorageFull, StorageUnavailable.
        """

    def abandon(self) -> None:
        """Leave nothing behind. Allowed at any time, also after a failure."""


class ObjectStore(Protocol):
    """Bytes of received objects, named by their SHA-256, never overwritten. Blocking calls: use a thread."""

    def begin(self) -> ObjectWriter:
        """Start an object. Raises StorageFull when less than the reserve is left."""

    def put(self, data: bytes) -> ObjectRef:
        """begin, write, finish in one call."""

    def get(self, sha256: str) -> bytes:
        """Return the whole object. Raises ObjectMissing, StorageUnavailable."""

    def get_range(self, sha256: str, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start`. Raises ObjectMissing, StorageUnavailable."""

    def size(self, sha256: str) -> int:
        """Return the size in bytes. Raises ObjectMissing."""

    def stream(self, sha256: str, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        """Yield the object in chunks without holding it whole (reads in a thread). Raises ObjectMissing."""

    def names(self) -> list[str]:
        """Return the SHA-256 of every object kept, for the scrub and the sweep of orphans."""

    def stored_at(self, sha256: str) -> datetime:
        """When these bytes came last. Raises ObjectMissing."""

    def remove_orphan(self, sha256: str, *, stored_before: datetime) -> bool:
        """Remove an object that no index row names, unless its bytes came again since. Only the sweep calls this."""

    def remove_parts(self, *, begun_before: datetime) -> int:
        """Remove what broken-off writers left behind; returns how many."""

    def repair(self, ref: ObjectRef, chunks: Iterable[bytes]) -> None:
        """Put the right bytes in the place of damaged or lost ones, durably; they are hashed on the way.

        Raises StorageUnavailable when they are not what the name says, StorageFull. Only the scrub calls this.
        """

    def free_bytes(self) -> int | None:
        """Return what is left for objects, or None where the store cannot tell."""


class SecondPlace(Protocol):
    """Where second copies go: a folder on another disk, or another bucket. Blocking calls: use a thread."""

    address: str                         # names the place for people

    def begin(self) -> str:
        """Make the place ready for the first copy and return its mark. Raises StorageUnavailable."""

    def open(self, mark: str) -> ObjectStore:
        """The store behind it, if it is the place that `begin` marked. Raises StorageUnavailable."""

    def copy(self, source: ObjectStore, ref: ObjectRef, mark: str) -> bool:
        """Copy an object; True once it was read back and its hash is right, False if the source is damaged.

        Raises ObjectMissing (of the source), StorageFull, StorageUnavailable.
        """

    def digest(self, ref: ObjectRef, mark: str) -> Digest:
        """Hash what lies there, read from the medium. Raises ObjectMissing, StorageUnavailable."""

    def is_on_the_disk_of(self, path: Path) -> bool:
        """True if both lie on one file system: then one broken disk takes both."""


INTERCOM_TEXT_BYTES = 7_900
"""The longest text that the intercom carries (NOTIFY takes less than 8,000 bytes)."""


class Intercom(Protocol):
    """Short texts between the processes that share a database. Nothing is kept: who does not listen, misses it."""

    def opened(self) -> AbstractAsyncContextManager[IntercomLine]:
        """Connect and listen, to the end of the block. Raises StorageUnavailable."""


class IntercomLine(Protocol):
    """An intercom that is open. `send` and the iteration may run beside each other, each once at a time."""

    async def send(self, texts: Sequence[str]) -> None:
        """Send to every process that listens, this one too: all of them in this order, or none.

        Raises StorageUnavailable; then nobody knows whether they were sent, and the line is to be opened anew.
        """

    def __aiter__(self) -> AsyncIterator[str]:
        """What any process sent since the line was opened. Raises StorageUnavailable once the connection is lost."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What main opens and closes: the tables and the bytes."""

    database: Database
    objects: ObjectStore
    intercom: Intercom | None = None     # None: one process alone has this database
