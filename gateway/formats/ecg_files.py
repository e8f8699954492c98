"""Which of several files are one ECG: a WFDB header with the files that it names; every other file alone. Pure.

Files and zips come from strangers: each header is read once, and what is unfolded or packed stays within a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from gateway.core.errors import Unreadable
from gateway.formats.ecg import recognise
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import ZipMembers, pack

TOO_LARGE = "too-large"
_MAX_HEADER_BYTES = 1 << 20
_HEADER = ".hea"


def ecgs_of(files: Mapping[str, bytes], *, limit_bytes: int) -> list[tuple[str, bytes]]:
    """Name and bytes of each ECG, in the order of the files. A record is packed as its files came, as one zip.

    Raises Unreadable (TOO_LARGE) where headers name the same files so often that the ECGs would pass the limit.
    """
    groups = _groups(files)
    if sum(len(files[member]) for members in groups for member in members) > limit_bytes:
        raise Unreadable(f"The ECGs would have more than {limit_bytes} bytes.", reason=TOO_LARGE)
    return [_packed(members, files) if _is_header(members[0]) else (members[0], files[members[0]])
            for members in groups]


def unpacked(data: bytes, *, limit_bytes: int) -> dict[str, bytes] | None:
    """The files of a zip that holds more than one ECG; None for everything else, a single WFDB record too.

    Raises Unreadable where the zip is damaged, or no zip of ours to open; with TOO_LARGE where it would unfold to
    more than the limit. A WFDB record may: its reader unfolds it within limits of its own.
    """
    if data[:4] != b"PK\x03\x04":
        return None
    members = ZipMembers(data)
    names = [name for name in members.names if not PurePosixPath(name).name.startswith(".")
             and "__MACOSX" not in name]
    is_record = any(_is_header(name) for name in names)
    if sum(members.size_bytes(name) for name in names) > limit_bytes:
        if is_record:
            return None
        raise Unreadable(f"The zip would unfold to more than {limit_bytes} bytes.", reason=TOO_LARGE)
    files = {name: members.read(name) for name in names}
    ecgs = sum(_is_header(group[0]) or recognise(files[group[0]]) is not None for group in _groups(files))
    return None if not files or (is_record and ecgs <= 1) else files


def _groups(files: Mapping[str, bytes]) -> list[list[str]]:
    """The names of the files of each ECG, in the order of the files; a record's header comes first in its group."""
    named = {name: _named_by(name, files) for name in files if _is_header(name)}
    segments = {member for members in named.values() for member in members}
    of_stem: dict[tuple[str, str], list[str]] = {}
    for name in files:
        of_stem.setdefault(_stem(name), []).append(name)
    records: dict[str, list[str]] = {}
    taken: set[str] = set()
    for name in named:
        if name in taken or name in segments:
            continue                         # a segment comes with the header that names it
        records[name] = _with_headers(name, named, [
            other for other in of_stem[_stem(name)] if other != name and recognise(files[other]) is None])
        taken |= set(records[name])
    return [records.get(name, [name]) for name in files if name in records or name not in taken]


def _with_headers(name: str, named: Mapping[str, list[str]], beside: list[str]) -> list[str]:
    """The header and every file that it names, through the headers of its segments; annotations bear its name."""
    found = dict.fromkeys([name])
    waiting = [*named[name], *beside]
    for member in waiting:                   # it grows by what the headers in it name
        if member not in found:
            found[member] = None
            waiting += named.get(member, [])
    return list(found)


def _named_by(name: str, files: Mapping[str, bytes]) -> list[str]:
    if len(files[name]) > _MAX_HEADER_BYTES:
        return []
    folder = PurePosixPath(name).parent
    try:
        members = [str(folder / member) for member in signal_files(files[name])]
    except Unreadable:
        return []
    return [member for member in members if member in files and member != name]


def _packed(members: list[str], files: Mapping[str, bytes]) -> tuple[str, bytes]:
    flat = {PurePosixPath(member).name: files[member] for member in members}
    return f"{PurePosixPath(members[0]).stem}.zip", pack(flat)


def _is_header(name: str) -> bool:
    return name.lower().endswith(_HEADER)


def _stem(name: str) -> tuple[str, str]:
    path = PurePosixPath(name)
    return str(path.parent), path.stem
