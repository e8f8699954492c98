"""Show one reading: its row, its study, its report so far, and what this person may do with it now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.errors import NotFound
from gateway.core.reading import HELD, ReadingAction, allowed_actions
from gateway.services.clocks.show_clocks import ShownClock, shown_clocks
from gateway.services.note_opening import note_opening
from gateway.services.people.assign import gap_of
from gateway.services.people.keep_agreements import Missing, missing_of_study
from gateway.services.ports import Clock, Parts
from gateway.services.show_study import ShownStudy, look_up_study
from storage.interface import DeliveryLine as DeliveryLine
from storage.interface import ReadingLine as ReadingLine
from storage.interface import Transaction
from storage.model import Reading, ReadingState, Report, Scope, User


class Act(StrEnum):
    """What a screen offers. A moves of a reading seen from the person's side, and writing, which moves nothing."""

    CLAIM = "claim"
    REVIEW = "review"                    # claim what another wrote
    RELEASE = "release"
    WRITE = "write"
    SUBMIT = "submit"
    RETURN = "return"                    # reviewer to writer
    SIGN = "sign"
    SIGN_EMERGENCY = "sign_emergency"
    SEND_BACK = "send_back"              # to the clinic
    DECLINE = "decline"                  # this site does not read it


_ACT_OF = {
    ReadingAction.CLAIM: Act.CLAIM, ReadingAction.RELEASE: Act.RELEASE, ReadingAction.SUBMIT: Act.SUBMIT,
    ReadingAction.SIGN: Act.SIGN, ReadingAction.SIGN_EMERGENCY: Act.SIGN_EMERGENCY,
    ReadingAction.REJECT: Act.RETURN, ReadingAction.SEND_BACK: Act.SEND_BACK, ReadingAction.DECLINE: Act.DECLINE,
}


@dataclass(frozen=True, slots=True)
class ShownReading:
    line: ReadingLine
    shown: ShownStudy
    versions: list[Report]               # oldest first; the last may be a draft
    names: dict[str, str]                # display names of everyone the versions mention
    acts: list[Act]
    deliveries: list[DeliveryLine]
    clocks: list[ShownClock]
    missing: list[Missing]               # of consent and agreement: a warning, never a bar (A2)


async def show_reading(parts: Parts, scope: Scope, reading_id: str, user: User, *, address: str,
                       is_opening: bool = True) -> ShownReading:
    """Return the reading; opening it is an access to its study and is noted. Raises NotFound."""
    shown = await parts.database.read(lambda tx: _look_up(tx, scope, reading_id, user, parts))
    if is_opening:
        await note_opening(parts, shown.shown.study, actor=user.id, address=address, reading=reading_id)
    return shown


def acts_for(reading: Reading, user: User, *, clock: Clock) -> list[Act]:
    """What this person may do with it now."""
    actions = allowed_actions(reading, user, now=clock())
    acts = [_ACT_OF[action] for action in actions if action in _ACT_OF]
    if reading.state is ReadingState.AWAITING_REVIEW:
        acts = [Act.REVIEW if act is Act.CLAIM else act for act in acts]
    if reading.state is ReadingState.IN_PROGRESS and reading.claimed_by == user.id:
        acts.append(Act.WRITE)
    return acts


def _look_up(tx: Transaction, scope: Scope, reading_id: str, user: User, parts: Parts) -> ShownReading:
    line = tx.worklists.reading(reading_id, scope)
    if line is None:
        raise NotFound("There is no such reading.")
    versions = tx.reports.versions(reading_id, scope)
    people = [person for report in versions for person in (report.writer_id, report.reviewer_id, report.signed_by)]
    acts = acts_for(line.reading, user, clock=parts.clock)
    if line.reading.state not in HELD and gap_of(tx, user, line.reading) is not None:
        acts = [act for act in acts if act not in (Act.CLAIM, Act.REVIEW)]
    shown, profile = look_up_study(tx, scope, line.reading.study_id), tx.rosters.profile(user.id)
    return ShownReading(
        line=line, shown=shown, versions=versions,
        names=tx.worklists.names(people), acts=acts,
        deliveries=tx.worklists.deliveries_of_study(line.reading.study_id, scope),
        clocks=shown_clocks(tx, [reading_id], now=parts.clock()).get(reading_id, []),
        missing=missing_of_study(tx, parts, line.reading.site_id, shown.order,
                                 reading_site_id=profile.home_site_id if profile else ""))
