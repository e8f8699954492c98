"""Presence as login and logout know it: who logs in is there, whose last login ends is away until they say more.

Away takes nothing out of anybody's hands: only going off does, or the end of a shift (`hand_over.py`).
"""

from __future__ import annotations

from datetime import datetime

from storage.interface import Transaction
from storage.model import Role, User
from storage.model.rosters import Presence, ReaderPresence


def note_presence(tx: Transaction, user_id: str, presence: Presence, at: datetime) -> None:
    """Remember it where it is news."""
    before = tx.rosters.presence([user_id]).get(user_id)
    if before is None or before.presence is not presence:
        tx.rosters.put_presence(ReaderPresence(user_id, presence, at))


def say_there(tx: Transaction, user: User, *, at: datetime) -> None:
    """A reader logged in."""
    if user.has_role(Role.READER) or user.has_role(Role.REVIEWER):
        note_presence(tx, user.id, Presence.PRESENT, at)


def say_away(tx: Transaction, user_id: str, *, at: datetime) -> None:
    """A login ended. Whoever is logged in elsewhere is still there; whoever said that they are off stays off."""
    said = tx.rosters.presence([user_id]).get(user_id)
    if said is not None and said.presence is Presence.PRESENT and not tx.rosters.logged_in([user_id], now=at):
        note_presence(tx, user_id, Presence.AWAY, at)
