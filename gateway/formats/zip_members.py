"""A zip from a stranger: names that stay inside, few members, and no more bytes out than an ECG can have."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from gateway.core.errors import Unreadable

MAX_MEMBERS = 64
MAX_TOTAL_BYTES = 256 << 20
MAX_RATIO = 1000                     # deflate reaches 1032:1 on zeros; no ECG comes near
_DAMAGED = (zipfile.BadZipFile, ValueError, OverflowError, EOFError, NotImplementedError, struct.error)
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ZipMembers:
    """The members by name. Raises Unreadable with the reasons "zip-…"."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED as exc:
            raise Unreadable(f"The zip is damaged: {exc}.", reason="zip-damaged") from exc
        if len(self._zip.infolist()) > MAX_MEMBERS:
            raise Unreadable(f"The zip holds more than {MAX_MEMBERS} files.", reason="zip-too-many-members")
        for info in self._zip.infolist():
            _check_name(info.filename)
            if info.flag_bits & 0x1:
                raise Unreadable("The zip is locked with a password.", reason="zip-encrypted")
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        total = sum(info.file_size for info in infos)
        packed = max(1, sum(info.compress_size for info in infos))
        if total > MAX_TOTAL_BYTES or (total > (1 << 20) and total / packed > MAX_RATIO):
            raise Unreadable(f"The zip would unfold to {total} bytes.", reason="zip-bomb")
        self._infos = {info.filename: info for info in infos}
        if len(self._infos) != len(infos):
            raise Unreadable("The zip holds two files of the same name.", reason="zip-damaged")

    @property
    def names(self) -> list[str]:
        return list(self._infos)

    def size_bytes(self, name: str) -> int:
        """What a member says that it unfolds to; `read` holds it to that."""
        return self._infos[name].file_size

    def read(self, name: str) -> bytes:
        """Unfold one member; what it declares about its size is not believed."""
        info = self._infos[name]
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except (*_DAMAGED, zlib.error, OSError, RuntimeError) as exc:
            raise Unreadable(f"{name} in the zip is damaged: {exc}.", reason="zip-damaged") from exc
        if len(data) > info.file_size:
            raise Unreadable(f"{name} is larger than the zip says.", reason="zip-bomb")
        return data


def pack(files: Mapping[str, bytes]) -> bytes:
    """Put files into one plain zip, each byte as it came; the same files always give the same zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            _check_name(name)
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name])
    return out.getvalue()


def _check_name(name: str) -> None:
    if not name:
        raise Unreadable("A file in the zip has no name.", reason="zip-damaged")
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or "\x00" in name or (len(name) > 1 and name[1] == ":"):
        raise Unreadable(f"The zip names a file outside itself: {name[:80]!r}.", reason="zip-path")
