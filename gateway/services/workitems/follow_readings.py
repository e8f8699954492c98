"""Let workitems follow their readings: whoever moves a reading, its workitems move within a second.

Every write of a reading leaves a row (`storage/tables/readings.py`). They are taken and dealt with in one write, by
the process that moved the reading at once, by any other within a second; who asks about a workitem takes those of its
reading first. The rules are in `core/workitems.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import structlog

from gateway.core.errors import NotNow
from gateway.core.outside_reading import opened_again
from gateway.core.report import derived_uid
from gateway.core.workitem_content import with_cancellation
from gateway.core.workitem_record import local, value
from gateway.core.workitems import STATE_OF_READING, outputs, steps
from gateway.services.clocks.keep_clocks import follow_reading
from gateway.services.event_bus import EventBus
from gateway.services.ports import Parts
from gateway.services.workitems.show_workitem import zone_of
from gateway.services.workitems.tell_followers import announce, tell_state
from storage.errors import StorageError
from storage.interface import Transaction
from storage.model import EVERYWHERE, AuditEntry, Reading, ReadingState
from storage.model.workitems import UpsState, Workitem

_log = structlog.get_logger(__name__)
_AT_ONCE = 50                            # readings in one write, so that receiving need not wait
_POLL_S = 1.0
_WORDS = {
    ReadingState.UNREAD: "The reading was given back; another workitem takes its place.",
    ReadingState.RETURNED: "Sent back to the clinic.", ReadingState.GIVEN_UP: "Declined.",
    ReadingState.WITHDRAWN: "The order was withdrawn.",
}


class LostRace(NotNow):
    """Somebody changed the workitem meanwhile. Nothing was written; ask again."""


def follow_waiting(tx: Transaction, parts: Parts, *, reading_id: str = "") -> int:
    """Deal with readings that moved (of `reading_id` alone, if it is given); returns how many."""
    found = tx.workitems.take_changes(_AT_ONCE, reading_id=reading_id)
    for one in found:
        reading = tx.readings.get(one, EVERYWHERE)
        if reading is not None:
            follow(tx, parts, reading)
    return len(found)


def follow(tx: Transaction, parts: Parts, reading: Reading) -> None:
    """Move every current workitem of a reading to where the reading is."""
    for waiting in tx.workitems.waiting_for_reading(reading.study_id):
        _store(tx, replace(waiting, reading_id=reading.id))
    items = tx.workitems.of_reading(reading.id)
    if reading.state is ReadingState.READ_ELSEWHERE and reading.late_instances:
        reading = _looked_at_again(tx, parts, reading, items)
    target = STATE_OF_READING[reading.state]
    if not any(not item.is_request for item in items):
        items.append(_offer(tx, parts, reading, items, replaces=""))
    for item in [item for item in items if item.is_current]:
        path, is_replaced = steps(item.state, target, is_request=item.is_request)
        moved = _walk(tx, parts, item, path, reading)
        if is_replaced:
            _store(tx, replace(moved, is_current=False))
            made = _offer(tx, parts, reading, tx.workitems.of_reading(reading.id), replaces=moved.uid)
            _walk(tx, parts, made, steps(made.state, target, is_request=False)[0], reading)
        elif target is UpsState.SCHEDULED and moved.is_request and moved.transaction_uid \
                and moved.state is UpsState.IN_PROGRESS:
            _store(tx, replace(moved, transaction_uid="", performer=""))    # its claim ran out: it is ours again


class FollowReadings:
    """Owns the task that lets workitems follow in this process."""

    def __init__(self, parts: Parts, *, poll_s: float = _POLL_S) -> None:
        self._parts = parts
        self._poll_s = poll_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; readings that moved while nobody looked come first."""
        self._task = asyncio.create_task(self._run(), name="workitems")

    async def stop(self) -> None:
        """End the task; what waits is dealt with later."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        bus = self._parts.events
        if not isinstance(bus, EventBus):
            while True:
                await self._round()
                await asyncio.sleep(self._poll_s)
        async with bus.subscribe() as events:
            while True:
                await self._round()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        while (await events.get()).kind not in ("reading", "report", "resync"):
                            pass

    async def _round(self) -> None:
        try:
            await follow_all(self._parts)
        except (StorageError, LostRace) as exc:
            _log.warning("workitems wait, they are tried again", error=type(exc).__name__)
        except Exception:  # the task's outermost loop: what cannot be dealt with is logged and tried again
            _log.exception("workitems did not follow")


async def follow_all(parts: Parts) -> int:
    """Deal with everything that waits; returns how many readings."""
    count = 0
    while await parts.database.read(lambda tx: tx.workitems.has_changes()):
        count += await parts.database.write(lambda tx: follow_waiting(tx, parts))
    if count:
        parts.events.wake_jobs()
    return count


def _looked_at_again(tx: Transaction, parts: Parts, reading: Reading, items: list[Workitem]) -> Reading:
    """Open again what another system completed before all was here; its own output is nothing new."""
    done = [item for item in items if item.state is UpsState.COMPLETED and item.performer]
    if not done:
        return reading
    known = {uid for item in done for _, uid in outputs(item.attributes)}
    ended = max(item.modified_at for item in done)
    late = [one for one in tx.studies.instances_of(reading.study_id, EVERYWHERE)
            if one.received_at > ended and one.sop_instance_uid not in known]
    if not late:
        return reading
    after = opened_again(reading)
    if not tx.readings.replace(after):
        raise LostRace
    follow_reading(tx, reading, after, at=parts.clock())
    tx.audit.append(AuditEntry(parts.clock(), "gateway", "reading.reopened", site_id=reading.site_id,
                               study_id=reading.study_id, detail={"reading": reading.id, "was": reading.state.value,
                                                                  "late_instances": len(late)}))
    return replace(after, revision=reading.revision + 1)


def _offer(tx: Transaction, parts: Parts, reading: Reading, before: list[Workitem], *, replaces: str) -> Workitem:
    """Our own workitem of a reading. Its UID follows from the reading, so that a repeat is the same one."""
    number = sum(1 for item in before if not item.is_request)
    now = parts.clock()
    item = Workitem(derived_uid("workitem", reading.id, str(number)), reading.study_id, reading.site_id, reading.id,
                    is_request=False, is_current=True, state=UpsState.SCHEDULED, created_at=now, modified_at=now,
                    replaces=replaces)
    if not tx.workitems.add(item):
        raise LostRace
    announce(tx, parts, item)
    return item


def _walk(tx: Transaction, parts: Parts, item: Workitem, path: list[UpsState], reading: Reading) -> Workitem:
    for state in path:
        attributes = item.attributes
        if state is UpsState.CANCELED:
            words = reading.reason or _WORDS.get(reading.state, "")
            attributes = with_cancellation(attributes, local(parts.clock(), zone_of(parts)),
                                           {"00741238": value("LT", words)} if words else {})
        item = _store(tx, replace(item, state=state, modified_at=parts.clock(), attributes=attributes))
        tell_state(tx, parts, item)
    return item


def _store(tx: Transaction, item: Workitem) -> Workitem:
    if not tx.workitems.replace(item):
        raise LostRace
    return replace(item, revision=item.revision + 1)
