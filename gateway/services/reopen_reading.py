"""Late images: a signed or returned reading goes back to unread; one that is open counts them and says so (B9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.core.errors import NotNow
from gateway.core.reading import reopened
from storage.interface import Transaction
from storage.model import AuditEntry, Decision, Reading, ReadingState, Study


def late_instances_since(study: Study, last: Decision) -> int:
    """Number of instances that came after the study was last routed.

    Counted against the number that the decision saw, not by times: an instance that was received before the decision
    and committed after it is late, too.
    """
    return max(0, study.instance_count - int(last.facts.get("study.instance_count", 0)))


def reopen_reading(tx: Transaction, reading: Reading, decision: Decision, *, late_instances: int,
                   now: datetime, hold_until: datetime | None = None) -> Reading:
    """Write the reading after late images, and return it as stored.

    Where nobody holds it, the new decision takes over group, priority and due time; whoever holds it keeps the lock.
    Raises NotNow if somebody was faster (the job is tried again).
    """
    after = reopened(reading, late_instances=late_instances)
    after = decide_again(tx, after, decision, hold_until=hold_until)
    tx.audit.append(AuditEntry(
        now, "gateway", "reading.reopened" if after.state is not reading.state else "reading.late_images",
        site_id=reading.site_id, study_id=reading.study_id,
        detail={"reading": reading.id, "was": reading.state.value, "late_instances": late_instances}))
    return after


def decide_again(tx: Transaction, reading: Reading, decision: Decision, *,
                 hold_until: datetime | None = None) -> Reading:
    """Write the reading with its new decision, and return it as stored.

    Where nobody holds it, the decision takes over group, priority, due time and how long it is kept off the list.
    Raises NotNow if somebody was faster.
    """
    after = replace(reading, decision_id=decision.id)
    if after.state is ReadingState.UNREAD:
        after = replace(after, group=decision.group, priority=decision.priority, due_at=decision.due_at,
                        assigned_to=decision.reader_id, hold_until=hold_until)
    if not tx.readings.replace(after):
        raise NotNow(reason="conflict")
    return replace(after, revision=reading.revision + 1)
