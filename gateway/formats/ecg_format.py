"""What an ECG format is to the gateway: a name, a way to know it, a way to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.waveform import EcgRecord


@dataclass(frozen=True, slots=True)
class EcgFormat:
    """How to know one format by its content, and how to read it.

    `recognise(data)` is cheap and never raises. `read(data, time_zone=…)` gives the record or raises Unreadable with
    a named reason. A gain that the file does not state is a refusal, never a guess.
    """

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[..., EcgRecord]
