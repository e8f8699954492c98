"""Cut a stream into HL7 v2 messages by MLLP: 0x0B, the message, 0x1C 0x0D. Pure: bytes go in, findings come out.

What does not fit is not thrown away: it comes out as a broken piece with a named reason.
"""

from __future__ import annotations

from dataclasses import dataclass

START, END, CARRIAGE_RETURN = 0x0B, 0x1C, 0x0D
TOO_LARGE = "mllp-too-large"

_MOST_OUTSIDE_BYTES = 1 << 16
_BETWEEN = b"\r\n\0 "                      # some senders end a frame with more than its end


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole message, without its frame."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that are no message. After a fatal one nobody can say where the next message begins."""

    data: bytes
    reason: str
    detail: str
    is_fatal: bool


class FrameCutter:
    """One direction of one connection.

    Parameters
    ----------
    most_bytes
        Longest message.
    """

    def __init__(self, *, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = bytearray()
        self._searched = 0
        self._is_inside = False

    @property
    def is_inside(self) -> bool:
        """True while a frame has begun and not ended."""
        return self._is_inside

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """Take the next bytes; returns what is whole by now. Nothing may be fed after a fatal finding."""
        self._held += data
        found: list[Frame | Broken] = []
        is_going_on = True
        while is_going_on:
            if self._is_inside:
                one = self._inside()
                is_going_on = one is not None
            else:
                one = self._before_start()
                is_going_on = self._is_inside
            if one is not None:
                found.append(one)
                is_going_on &= not (isinstance(one, Broken) and one.is_fatal)
        return found

    def end(self) -> Broken | None:
        """The connection is over: what is left, if it is anything."""
        left = bytes(self._held)
        self._held.clear()
        if self._is_inside:
            return Broken(left, "mllp-cut", "The connection ended in the middle of a message.", True)
        return _outside(left, is_fatal=True)

    def _before_start(self) -> Broken | None:
        """Look for the beginning of a frame; what stands before it belongs to none."""
        place = self._held.find(START)
        if place < 0:
            if len(self._held) <= _MOST_OUTSIDE_BYTES:
                return None
            left = bytes(self._held)
            self._held.clear()
            return Broken(left, "mllp-no-start", "This is not MLLP: no message begins.", True)
        before = bytes(self._held[:place])
        del self._held[:place + 1]
        self._is_inside, self._searched = True, 0
        return _outside(before, is_fatal=False)

    def _inside(self) -> Frame | Broken | None:
        """Wait for the frame to end."""
        held = self._held
        end = held.find(END, self._searched)
        again = held.find(START, self._searched, end if end >= 0 else len(held))
        if again >= 0:
            return self._taken(again, "mllp-cut", "Another message began in the middle of this one.")
        if (end < 0 and len(held) > self._most) or end > self._most:
            return self._taken(len(held), TOO_LARGE, f"The message has more than {self._most} bytes.",
                               is_fatal=True)
        if end < 0 or end + 1 >= len(held):
            self._searched = max(0, len(held) - 1) if end < 0 else end
            return None
        if held[end + 1] != CARRIAGE_RETURN:
            return self._taken(len(held), "mllp-end", "0x1C is not followed by 0x0D.", is_fatal=True)
        data = bytes(held[:end])
        del held[:end + 2]
        self._is_inside = False
        return Frame(data)

    def _taken(self, count: int, reason: str, detail: str, *, is_fatal: bool = False) -> Broken:
        data = bytes(self._held[:count])
        del self._held[:count]
        if not is_fatal:                   # a new frame begins here
            del self._held[:1]
            self._searched = 0
        return Broken(data, reason, detail, is_fatal)


def _outside(data: bytes, *, is_fatal: bool) -> Broken | None:
    if not data.strip(_BETWEEN):
        return None
    return Broken(data, "mllp-no-start", "Bytes came outside of a message.", is_fatal)
