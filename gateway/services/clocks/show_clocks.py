"""The clocks of readings as a screen shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.clocks import ClockState, clock_state, current_stage
from storage.interface import Transaction
from storage.model import ReadingState
from storage.model.clocks import ReadingClock


@dataclass(frozen=True, slots=True)
class ShownClock:
    """A clock, and what became of it so far."""

    clock: ReadingClock
    state: ClockState


def shown_clocks(tx: Transaction, reading_ids: Iterable[str], *, now: datetime) -> dict[str, list[ShownClock]]:
    """Of these readings, in the order of the stages; check the scope of the readings first."""
    return {reading_id: [ShownClock(clock, clock_state(clock, now)) for clock in clocks]
            for reading_id, clocks in tx.clocks.of_readings(reading_ids).items()}


def current_clock(clocks: Sequence[ShownClock], state: ReadingState) -> ShownClock | None:
    """The one that somebody waits for now."""
    stage = current_stage(state, [shown.clock for shown in clocks])
    return next((shown for shown in clocks if shown.clock.stage is stage), None)
