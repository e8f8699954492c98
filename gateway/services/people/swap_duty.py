"""One asks another to take a stretch of duty. The other agrees; where the group has a head, the head decides.

    asked ─the colleague agrees▶ agreed ─the head approves▶ done      no head, or the colleague is one: at once
      └──── refused by either, with a reason; withdrawn by who asked, or when the roster changes ────┘
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core.errors import InvalidRequest, NotAllowed, NotFound, NotNow
from gateway.services.people.groups import groups_in_force
from gateway.services.people.hand_over import plan_hand_over
from gateway.services.people.planning import LONGEST_NOTE, check_entry, may_plan, require_reader
from gateway.services.ports import Event, Parts
from storage.interface import Transaction
from storage.model import INBOX_SITE_ID, AuditEntry, User, new_id
from storage.model.rosters import EntryKind, Swap, SwapState


async def ask_swap(parts: Parts, user: User, entry_id: str, to_user_id: str, note: str, *, address: str = "") -> Swap:
    """Ask a colleague to take one's own stretch. Raises NotFound, NotAllowed, InvalidRequest, NotNow."""
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise InvalidRequest(f"A note has at most {LONGEST_NOTE} characters.", reason="too-long")

    def work(tx: Transaction) -> Swap:
        now = parts.clock()
        entry = tx.rosters.entry(entry_id)
        if entry is None or entry.kind is not EntryKind.DUTY:
            raise NotFound("There is no such stretch of duty.")
        if entry.user_id != user.id:
            raise NotAllowed("It is somebody else's duty.", reason="not-yours")
        if entry.ends_at <= now:
            raise NotNow("It is over.", reason="over")
        if tx.rosters.open_swaps_of(entry.id):
            raise NotNow("Somebody was asked already.", reason="asked-already")
        require_reader(tx, to_user_id)
        check_entry(tx, replace(entry, user_id=to_user_id))
        swap = Swap(new_id(), entry.id, entry.duty_group, user.id, to_user_id, SwapState.ASKED, note, now)
        tx.rosters.add_swap(swap)
        _note(tx, parts, user, "swap.asked", swap, address)
        return swap

    return await _told(parts, await parts.database.write(work))


async def answer_swap(parts: Parts, user: User, swap_id: str, *, agrees: bool, reason: str = "",
                      address: str = "") -> Swap:
    """The colleague's answer, then the head's; a refusal needs a reason.

    Raises NotFound, NotAllowed, InvalidRequest("reason-required"), NotNow.
    """
    why = reason.strip()
    if not agrees and not why:
        raise InvalidRequest("A swap is refused only with a reason.", reason="reason-required")

    def work(tx: Transaction) -> Swap:
        swap = _open(tx, swap_id)
        now = parts.clock()
        group = groups_in_force(tx).get(swap.duty_group)
        is_head = may_plan(user, group)
        if swap.state is SwapState.ASKED and user.id != swap.to_user_id:
            raise NotAllowed("Somebody else was asked.", reason="not-yours")
        if swap.state is SwapState.AGREED and not is_head:
            raise NotAllowed("The head of the group has the last word.", reason="not-planner")
        needs_head = group is not None and bool(group.head) and not is_head
        if not agrees:
            after = replace(swap, state=SwapState.REFUSED, reason=why, decided_by=user.id, decided_at=now)
        elif needs_head:
            after = replace(swap, state=SwapState.AGREED, answered_at=now)
        else:
            after = replace(swap, state=SwapState.DONE, answered_at=swap.answered_at or now, decided_by=user.id,
                            decided_at=now)
            _move_duty(tx, after)
        if not tx.rosters.replace_swap(after, was=swap.state):
            raise NotNow(reason="conflict")
        _note(tx, parts, user, f"swap.{after.state.value}", after, address)
        return after

    return await _told(parts, await parts.database.write(work))


async def withdraw_swap(parts: Parts, user: User, swap_id: str, *, address: str = "") -> Swap:
    """Whoever asked does not need it any more. Raises NotFound, NotAllowed, NotNow."""
    def work(tx: Transaction) -> Swap:
        swap = _open(tx, swap_id)
        if swap.from_user_id != user.id:
            raise NotAllowed("Somebody else asked.", reason="not-yours")
        after = replace(swap, state=SwapState.WITHDRAWN, decided_by=user.id, decided_at=parts.clock())
        if not tx.rosters.replace_swap(after, was=swap.state):
            raise NotNow(reason="conflict")
        _note(tx, parts, user, "swap.withdrawn", after, address)
        return after

    return await _told(parts, await parts.database.write(work))


def _open(tx: Transaction, swap_id: str) -> Swap:
    swap = tx.rosters.swap(swap_id)
    if swap is None:
        raise NotFound("There is no such swap.")
    if swap.state not in (SwapState.ASKED, SwapState.AGREED):
        raise NotNow("It was settled already.", reason="settled")
    return swap


def _move_duty(tx: Transaction, swap: Swap) -> None:
    entry = tx.rosters.entry(swap.entry_id)
    if entry is None or entry.user_id != swap.from_user_id:
        raise NotNow("The roster has changed since.", reason="revision")
    changed = replace(entry, user_id=swap.to_user_id)
    check_entry(tx, changed)
    if not tx.rosters.replace_entry(changed):
        raise NotNow(reason="conflict")
    plan_hand_over(tx, changed)


def _note(tx: Transaction, parts: Parts, user: User, action: str, swap: Swap, address: str) -> None:
    tx.audit.append(AuditEntry(parts.clock(), user.id, action, address=address, detail={
        "swap": swap.id, "entry": swap.entry_id, "group": swap.duty_group, "from": swap.from_user_id,
        "to": swap.to_user_id, "reason": swap.reason}))


async def _told(parts: Parts, swap: Swap) -> Swap:
    parts.events.publish(Event("roster", INBOX_SITE_ID))
    parts.events.wake_jobs()
    return swap
