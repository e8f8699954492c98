"""What the rules want done while a reading waits, kept beside its timer: firing one asks no rule again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """Decided at routing."""

    minutes: Mapping[str, int]           # by stage: for what begins later (return, open) or begins again
    is_emergency: bool = False
    reoffer_minutes: int | None = None   # of the group; None: when the time to claim is over
    overflow_group: str = ""             # "": it stays where it is
    overflow_minutes: int = 0            # unclaimed for so long
    notify: tuple[tuple[str, str], ...] = ()     # (who, when) as the rules wrote them
    hold_until: datetime | None = None   # off-peak: not on the worklist before then
    is_shown: bool = False               # that hour has come

    def as_json(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        return {**asdict(self), "minutes": dict(self.minutes), "notify": [list(pair) for pair in self.notify],
                "hold_until": self.hold_until.isoformat() if self.hold_until else None}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Plan:
        """The reverse of `as_json`."""
        hold = kept["hold_until"]
        return cls(**{**kept, "notify": tuple((str(who), str(when)) for who, when in kept["notify"]),
                      "hold_until": datetime.fromisoformat(hold) if hold else None})

    def wants_told(self, who: str, when: str) -> bool:
        """True if a rule asked for this notice."""
        return (who, when) in self.notify
