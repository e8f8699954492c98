"""ECG formats that other packages bring: a maker's own files need the maker's papers, or a library of theirs.

A package names an `EcgFormat` under the entry point group `reading_gateway.ecg_formats`; once it is installed beside
the gateway, its files are taken through every way in. Our own formats are asked first, so nobody can take them over.
An adapter that fails refuses its file with a named reason and harms nothing else; one that cannot be loaded is told
by `added_formats().faults`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord
from gateway.formats.ecg_format import EcgFormat

GROUP = "reading_gateway.ecg_formats"
# What code of others raises when a file is not what it expects. Its own bugs end here too.
_ITS_FAULTS = (ValueError, LookupError, ArithmeticError, TypeError, AttributeError, EOFError, AssertionError,
               RuntimeError, OSError, struct.error)


@dataclass(frozen=True, slots=True)
class AddedFormats:
    """What is installed. `faults`: adapters that cannot be used, and why."""

    formats: tuple[EcgFormat, ...] = ()
    faults: tuple[str, ...] = ()


@cache
def added_formats() -> AddedFormats:
    """The adapters of this installation, by name. Looked up once a process."""
    formats: list[EcgFormat] = []
    faults: list[str] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            formats.append(_loaded(entry))
        except (ImportError, *_ITS_FAULTS) as exc:
            faults.append(f"{entry.name}: {type(exc).__name__}: {exc}")
    return AddedFormats(tuple(formats), tuple(faults))


def _loaded(entry: EntryPoint) -> EcgFormat:
    found = entry.load()
    if not isinstance(found, EcgFormat):
        raise TypeError(f"{entry.value} is no EcgFormat")
    return EcgFormat(found.name, _careful(found.recognise), _named(found))


def _careful(recognise: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    def asked(data: bytes) -> bool:
        try:
            return bool(recognise(data))
        except _ITS_FAULTS:
            return False

    return asked


def _named(known: EcgFormat) -> Callable[..., EcgRecord]:
    def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
        try:
            record = known.read(data, time_zone=time_zone)
        except Unreadable:
            raise
        except _ITS_FAULTS as exc:
            raise Unreadable(f"The adapter for {known.name} failed: {type(exc).__name__}.",
                             reason="adapter-failed") from exc
        if not isinstance(record, EcgRecord):
            raise Unreadable(f"The adapter for {known.name} gave no record.", reason="adapter-failed")
        return record

    return read
