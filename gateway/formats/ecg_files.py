"""Which of several files are one ECG: a WFDB header with the files that it names; every other file alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from gateway.core.errors import Unreadable
from gateway.formats.ecg import recognise
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import ZipMembers, pack

_MAX_HEADER_BYTES = 1 << 20


def ecgs_of(files: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Name and bytes of each ECG, in the order of the files. A record is packed as its files came, as one zip."""
    names = list(files)
    taken: set[str] = set()
    found: list[tuple[int, str, bytes]] = []
    for place, name in enumerate(names):
        if not name.lower().endswith(".hea") or name in taken:
            continue
        members = _with_headers(name, files)
        if name in _named_by_others(name, files):
            continue                         # a segment: it comes with the header that names it
        taken |= set(members)
        flat = {PurePosixPath(member).name: files[member] for member in members}
        found.append((place, f"{PurePosixPath(name).stem}.zip", pack(flat)))
    found += [(place, name, files[name]) for place, name in enumerate(names) if name not in taken]
    return [(name, data) for _, name, data in sorted(found, key=lambda one: one[0])]


def unpacked(data: bytes) -> dict[str, bytes] | None:
    """The files of a zip that holds more than one ECG; None for everything else, a single WFDB record too.

    Raises Unreadable where the zip is damaged, or no zip of ours to open.
    """
    if data[:4] != b"PK\x03\x04":
        return None
    members = ZipMembers(data)
    names = [name for name in members.names if not PurePosixPath(name).name.startswith(".")
             and "__MACOSX" not in name]
    files = {name: members.read(name) for name in names}
    is_record = any(name.lower().endswith(".hea") for name in names)
    ecgs = [data for _, data in ecgs_of(files) if recognise(data) is not None]
    return None if not files or (is_record and len(ecgs) <= 1) else files


def _with_headers(name: str, files: Mapping[str, bytes]) -> list[str]:
    """The header and every file that it names, through the headers of its segments; annotations bear its name."""
    path = PurePosixPath(name)
    found, waiting = [name], _named_by(name, files) + [
        other for other in files if other != name and PurePosixPath(other).with_suffix("") == path.with_suffix("")
        and recognise(files[other]) is None]
    while waiting:
        member = waiting.pop(0)
        if member not in found:
            found.append(member)
            waiting += _named_by(member, files)
    return found


def _named_by_others(name: str, files: Mapping[str, bytes]) -> set[str]:
    return {member for other in files if other != name for member in _named_by(other, files)}


def _named_by(name: str, files: Mapping[str, bytes]) -> list[str]:
    if not name.lower().endswith(".hea") or len(files[name]) > _MAX_HEADER_BYTES:
        return []
    folder = PurePosixPath(name).parent
    try:
        named = [str(folder / member) for member in signal_files(files[name])]
    except Unreadable:
        return []
    return [member for member in named if member in files and member != name]
