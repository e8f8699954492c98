"""The life of a reading: one table of allowed moves, and who may make them (D2, D3, F2).

    unread ─claim▶ in progress ─submit▶ awaiting review ─claim▶ in review ─sign▶ final
              ◀release─ │    ▲             ▲   ◀release─         │
              send back │    └claim─ rejected ◀──reject──────────┘
                        ▼    sign_emergency: preliminary report out, review still owed
                     returned                       late images: final, returned, given up ─reopen▶ unread
    unread, in progress ─decline▶ given up          order taken back: unread, returned, given up ─withdraw▶ withdrawn
                                                    order amended: given up ─reopen▶ unread

Pure: the caller passes the time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.errors import NotAllowed, NotNow
from storage.model import Priority, Reading, ReadingState, Role, User


class ReadingAction(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    SUBMIT = "submit"
    SIGN = "sign"
    SIGN_EMERGENCY = "sign_emergency"
    REJECT = "reject"            # reviewer to writer, reason required
    SEND_BACK = "send_back"      # to the clinic, reason required
    DECLINE = "decline"          # this site does not read it, reason required (A2)
    REOPEN = "reopen"            # late images, or asked again; done by the gateway itself
    WITHDRAW = "withdraw"        # the clinic took its order back; done by the gateway itself


_S = ReadingState
_A = ReadingAction

MOVES: dict[tuple[ReadingState, ReadingAction], ReadingState] = {
    (_S.UNREAD, _A.CLAIM): _S.IN_PROGRESS,
    (_S.REJECTED, _A.CLAIM): _S.IN_PROGRESS,
    (_S.READ_ELSEWHERE, _A.CLAIM): _S.IN_PROGRESS,
    (_S.IN_PROGRESS, _A.RELEASE): _S.UNREAD,
    (_S.IN_PROGRESS, _A.SUBMIT): _S.AWAITING_REVIEW,
    (_S.IN_PROGRESS, _A.SIGN_EMERGENCY): _S.AWAITING_REVIEW,
    (_S.IN_PROGRESS, _A.SEND_BACK): _S.RETURNED,
    (_S.UNREAD, _A.DECLINE): _S.GIVEN_UP,
    (_S.IN_PROGRESS, _A.DECLINE): _S.GIVEN_UP,
    (_S.AWAITING_REVIEW, _A.CLAIM): _S.IN_REVIEW,
    (_S.IN_REVIEW, _A.RELEASE): _S.AWAITING_REVIEW,
    (_S.IN_REVIEW, _A.REJECT): _S.REJECTED,
    (_S.IN_REVIEW, _A.SIGN): _S.FINAL,
    (_S.FINAL, _A.REOPEN): _S.UNREAD,
    (_S.RETURNED, _A.REOPEN): _S.UNREAD,
    (_S.GIVEN_UP, _A.REOPEN): _S.UNREAD,
    (_S.UNREAD, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.RETURNED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.GIVEN_UP, _A.WITHDRAW): _S.WITHDRAWN,
}

HELD = frozenset({_S.IN_PROGRESS, _S.IN_REVIEW})
"""States in which one person holds the lock."""

_GIVES_REASON = frozenset({_A.REJECT, _A.SEND_BACK, _A.DECLINE})


def why_not(reading: Reading, action: ReadingAction, user: User, *, now: datetime) -> str | None:
    """Return None if the user may do this now, else a machine word that says why not."""
    if (reading.state, action) not in MOVES:
        return "wrong-state"
    writes = user.has_role(Role.READER, reading.site_id) or user.has_role(Role.REVIEWER, reading.site_id)
    reviews = user.has_role(Role.REVIEWER, reading.site_id)
    holds = reading.claimed_by == user.id
    if action is _A.CLAIM:
        if reading.state is _S.AWAITING_REVIEW:
            if not reviews:
                return "not-reviewer"
            return "own-report" if reading.writer_id == user.id else None
        return None if writes else "not-reader"
    if action is _A.RELEASE:
        return None if holds or user.has_role(Role.ADMIN, reading.site_id) else "not-holder"
    if action in (_A.REOPEN, _A.WITHDRAW):
        return "gateway-only"
    if action is _A.DECLINE and not holds and reading.state is _S.UNREAD:
        return None if writes else "not-reader"
    if not holds:
        return "not-holder"
    if action in (_A.SIGN, _A.REJECT) and not reviews:
        return "not-reviewer"
    if action is _A.SIGN and reading.writer_id == user.id:
        return "own-report"
    if action is _A.SIGN_EMERGENCY and reading.priority is not Priority.EMERGENCY:
        return "not-emergency"
    return None


def allowed_actions(reading: Reading, user: User, *, now: datetime) -> list[ReadingAction]:
    """The actions that this user may take now, in the order of the enum."""
    return [a for a in ReadingAction if why_not(reading, a, user, now=now) is None]


def moved(reading: Reading, action: ReadingAction, user: User, *, now: datetime, claim_for: timedelta,
          reason: str = "") -> Reading:
    """Return the reading after the action. Raises NotAllowed (role) or NotNow (state, lock, F2)."""
    word = why_not(reading, action, user, now=now)
    if word is not None:
        raise (NotAllowed if word in ("not-reader", "not-reviewer") else NotNow)(reason=word)
    state = MOVES[reading.state, action]
    held = state in HELD
    writer = reading.writer_id
    if state is _S.IN_PROGRESS:
        writer = user.id
    elif state is _S.UNREAD:
        writer = None            # given back: the next who claims it answers for every word
    return replace(
        reading, state=state, writer_id=writer,
        reviewer_id=user.id if action in (_A.SIGN, _A.REJECT) else reading.reviewer_id,
        claimed_by=user.id if held else None, claimed_at=now if held else None,
        lock_until=now + claim_for if held else None,
        reason=reason if action in _GIVES_REASON else ("" if action is _A.SIGN else reading.reason),
        late_instances=0 if action in (_A.SIGN, _A.SIGN_EMERGENCY) else reading.late_instances,
    )


def reopened(reading: Reading, *, late_instances: int) -> Reading:
    """Late images: a signed or returned reading goes back to unread; an open one only counts them (B9)."""
    late = reading.late_instances + late_instances
    if (reading.state, _A.REOPEN) not in MOVES:
        return replace(reading, late_instances=late)
    return replace(_unlocked(reading), state=_S.UNREAD, writer_id=None, late_instances=late)


def taken_back(reading: Reading, *, reason: str) -> Reading:
    """The order was withdrawn before anybody began to read. Raises NotNow where somebody has."""
    if (reading.state, _A.WITHDRAW) not in MOVES:
        raise NotNow(reason="reading-started")
    return replace(_unlocked(reading), state=MOVES[reading.state, _A.WITHDRAW], reason=reason)


def expired(reading: Reading) -> Reading:
    """The lock ran out: given back as if its holder had done it."""
    state = MOVES[reading.state, _A.RELEASE]
    writer = None if state is _S.UNREAD else reading.writer_id
    return replace(_unlocked(reading), state=state, writer_id=writer)


def _unlocked(reading: Reading) -> Reading:
    return replace(reading, claimed_by=None, claimed_at=None, lock_until=None)
