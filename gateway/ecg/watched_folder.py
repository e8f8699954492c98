"""Take ECG files that carts and their software drop into a folder: one folder a site, or one a device.

A file is taken once it has stopped changing; then it is moved to `done/`, or to `failed/` with the reason beside it.
A WFDB header and its signal files are taken together. What fails for no reason that we know is tried last, and put
aside when it goes on failing, so that it keeps nobody waiting. When storage is full or away the file stays where it
is and is tried again, so nothing leaves the folder before it is durable with us.
"""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
import watchfiles

from gateway.core.errors import Unreadable
from gateway.ecg.dropped_file import content, too_large
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import pack
from gateway.services.know_cart import cart_called
from gateway.services.ports import Parts
from gateway.services.receive_ecg import receive_ecg
from gateway.services.receive_instance import Sender
from storage.errors import StorageError
from storage.model import ArrivalVia

log = structlog.get_logger("gateway.ecg")

DONE, FAILED = "done", "failed"
EACH = "*"
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".reason.txt")
_SIGNAL_SUFFIXES = (".dat", ".mat", ".xyz", ".atr")      # annotations wait for their header like signals
_MAX_HEADER_BYTES = 1 << 20
_FAILURES = 5                                 # of one file, over at least the wait for a pair, before it is put aside


class InvalidFolder(ValueError):
    """The setting ecg_folders is a list of "site=folder", "site/device=folder" or "site/*=folder"."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of a site, or of one of its devices, are dropped."""

    site_id: str
    path: Path
    device: str = ""                         # AE title, name or id; EACH: every sub-folder is the device of its name

    @classmethod
    def parse(cls, text: str) -> Folder:
        whose, equals, path = text.partition("=")
        site_id, slash, device = (part.strip() for part in whose.partition("/"))
        if not (site_id and equals and path.strip()) or (slash and not device):
            raise InvalidFolder(f"{text!r} is not site=folder, site/device=folder or site/*=folder")
        return cls(site_id, Path(path.strip()), device)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a file looked like, and since when it has looked so."""

    size: int
    mtime_ns: int
    since: float


@dataclass(frozen=True, slots=True)
class _Failures:
    """How often a file as it looks now has failed, and since when."""

    look: _Look
    count: int
    since: float


class WatchedFolders:
    """Every folder of the setting `ecg_folders`; one task each, started and stopped by main.

    Of a folder of devices each sub-folder is watched, also one that is made later.
    """

    def __init__(self, parts: Parts, *, settle_s: float = 1.0, poll_s: float = 5.0, pair_wait_s: float = 60.0,
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        def watcher(folder: Folder) -> _Watcher:
            return _Watcher(parts, folder, settle_s, poll_s, pair_wait_s, monotonic)

        self._make, self._poll_s = watcher, poll_s
        self._folders = [Folder.parse(text) for text in parts.settings.ecg_folders]
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Make the folders where they are missing and begin to watch."""
        for folder in self._folders:
            if folder.device == EACH:
                await asyncio.to_thread(folder.path.mkdir, parents=True, exist_ok=True)
                self._tasks.append(asyncio.create_task(self._watch_each(folder), name=f"ecg-carts-{folder.site_id}"))
            else:
                await self._watch(folder)

    async def _watch(self, folder: Folder) -> None:
        watcher = self._make(folder)
        await asyncio.to_thread(watcher.prepare)
        self._tasks.append(asyncio.create_task(watcher.run(self._stop), name=f"ecg-folder-{folder.site_id}"))

    async def _watch_each(self, folder: Folder) -> None:
        """Look for sub-folders now and then: an account of the file server may be made at any time.

        What lies beside them is the site's, of no cart in particular; the root is often not ours to write to.
        """
        try:
            await self._watch(Folder(folder.site_id, folder.path))
        except OSError as exc:
            log.info("beside its sub-folders a folder of ECG devices is not watched", site=folder.site_id,
                     error=str(exc))
        known: set[str] = set()
        while not self._stop.is_set():
            try:
                for name in await asyncio.to_thread(_sub_folders, folder.path):
                    if name not in known:
                        await self._watch(Folder(folder.site_id, folder.path / name, name))
                        known.add(name)
            except OSError as exc:
                log.warning("a folder of ECG devices cannot be read", site=folder.site_id, error=str(exc))
            await _sleep(self._poll_s, self._stop)

    async def stop(self) -> None:
        """Finish the file in hand, then stop."""
        self._stop.set()
        while self._tasks:                       # one that looks for sub-folders may add another while it ends
            tasks, self._tasks = self._tasks, []
            await asyncio.gather(*tasks)


class _Watcher:
    def __init__(self, parts: Parts, folder: Folder, settle_s: float, poll_s: float, pair_wait_s: float,
                 monotonic: Callable[[], float]) -> None:
        self.site_id = folder.site_id
        self._device = folder.device
        self._parts, self._path = parts, folder.path
        self._settle_s, self._poll_s, self._pair_wait_s, self._monotonic = settle_s, poll_s, pair_wait_s, monotonic
        self._looks: dict[str, _Look] = {}
        self._kept: dict[str, _Look] = {}         # received, but could not be moved away: not to be taken again
        self._failed: dict[str, _Failures] = {}

    def prepare(self) -> None:
        for folder in (self._path, self._path / DONE, self._path / FAILED):
            folder.mkdir(parents=True, exist_ok=True)

    async def run(self, stop: asyncio.Event) -> None:
        async for _ in self._wakes(stop):
            try:
                await self._pass(stop)
            except Exception:
                # The listener's outermost loop: one bad file or folder must not end the watch.
                log.exception("a pass over an ECG folder failed", site=self.site_id)

    async def _wakes(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """At once, on every change, while something is settling, and by a slow poll for shares that tell nothing."""
        yield
        while not stop.is_set():
            last = self._monotonic()
            try:
                async for changes in watchfiles.awatch(
                        self._path, watch_filter=None, stop_event=stop, recursive=False, debounce=200, step=50,
                        rust_timeout=int(self._settle_s * 1000), yield_on_timeout=True):
                    if changes or self._looks or self._monotonic() - last >= self._poll_s:
                        yield
                        last = self._monotonic()
            except (OSError, RuntimeError) as exc:
                log.warning("an ECG folder cannot be watched, it is polled", site=self.site_id, error=str(exc))
                await _sleep(self._poll_s, stop)
                yield

    async def _pass(self, stop: asyncio.Event) -> None:
        settled = await asyncio.to_thread(self._settled)
        self._failed = {name: failed for name, failed in self._failed.items() if self._looks.get(name) == failed.look}
        groups = await asyncio.to_thread(self._groups, settled)
        for names in sorted(groups, key=lambda group: self._failed_times(group[0])):
            if stop.is_set():
                return
            if not all(name in self._looks for name in names):
                continue                      # taken in this pass with another header that names it
            try:
                await self._take(names)
            except Exception as exc:
                # The listener's outermost loop, file by file: one that fails must not starve those after it.
                log.exception("an ECG file failed", site=self.site_id)
                await self._note_failure(names, exc)

    def _failed_times(self, name: str) -> int:
        return self._failed[name].count if name in self._failed else 0

    async def _note_failure(self, names: Sequence[str], exc: Exception) -> None:
        """Put aside what has failed again and again for a while; until then it may have been us."""
        look, now = self._looks[names[0]], self._monotonic()
        last = self._failed.get(names[0], _Failures(look, 0, now))
        self._failed[names[0]] = _Failures(look, last.count + 1, last.since)
        if last.count + 1 >= _FAILURES and now - last.since >= self._pair_wait_s:
            await self._put_away(names, f"failed\n{last.count + 1} times, at last with {type(exc).__name__}.\n")

    def _settled(self) -> dict[str, _Look]:
        """The regular files that have not changed for a moment."""
        now = self._monotonic()
        seen: dict[str, _Look] = {}
        for path in self._path.iterdir():
            try:
                info = path.lstat()
            except OSError:                   # gone since, or not ours to see
                continue
            if not stat.S_ISREG(info.st_mode) or path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
                continue
            last = self._kept.get(path.name)
            if last is not None and (last.size, last.mtime_ns) == (info.st_size, info.st_mtime_ns):
                continue
            last = self._looks.get(path.name)
            is_same = last is not None and (last.size, last.mtime_ns) == (info.st_size, info.st_mtime_ns)
            seen[path.name] = last if last is not None and is_same else _Look(info.st_size, info.st_mtime_ns, now)
        self._looks = seen
        return {name: look for name, look in seen.items()
                # Some software makes an empty file first and fills it later.
                if now - look.since >= (self._settle_s if look.size else self._pair_wait_s)}

    def _groups(self, settled: dict[str, _Look]) -> list[list[str]]:
        """What is taken together: a header with all files of its record, everything else alone."""
        groups: list[list[str]] = []
        spoken_for: set[str] = set()
        named = {name: self._named_by(name) for name in sorted(self._looks) if name.lower().endswith(".hea")}
        segments = {other for members in named.values() for other in members}
        for name in sorted(named.keys() - segments):
            wanted = self._with_segments(name, named)
            spoken_for |= {name, *wanted}
            is_complete = name in settled and all(other in settled for other in wanted)
            if is_complete or self._has_waited(name):
                groups.append([name, *(other for other in wanted if other in settled)])
        for name in sorted(set(settled) - spoken_for):
            if not name.lower().endswith(_SIGNAL_SUFFIXES) or self._has_waited(name):
                groups.append([name])
        return groups

    def _with_segments(self, header: str, named: Mapping[str, list[str]]) -> list[str]:
        """What a header needs beside it: its files, those of its segments, and annotations if they are there."""
        annotations = f"{Path(header).stem}.atr"
        waiting = [*named[header], *([annotations] if annotations in self._looks else [])]
        wanted: dict[str, None] = {}
        for name in waiting:                  # it grows by what the headers in it name
            if name not in wanted and name != header:
                wanted[name] = None
                waiting += named.get(name, [])
        return list(wanted)

    def _named_by(self, header: str) -> list[str]:
        path = self._path / header
        try:
            data = content(path, _MAX_HEADER_BYTES)
            return [name for name in signal_files(data) if name != header and Path(name).name == name]
        except (Unreadable, OSError):
            return []

    def _has_waited(self, name: str) -> bool:
        return self._monotonic() - self._looks[name].since >= self._pair_wait_s

    async def _take(self, names: Sequence[str]) -> None:
        """Receive one ECG and move its files. `names[0]` stands for it."""
        limit = self._parts.settings.max_ecg_bytes
        reason = ""
        try:
            sender = await self._sender()
            if sum(self._looks[name].size for name in names) > limit:
                raise too_large(limit)
            data = await asyncio.to_thread(self._read, names, limit)
            await receive_ecg(self._parts, data, sender, file_name=names[0])
        except Unreadable as exc:
            reason = f"{exc.reason}\n{exc}\n"
        except (StorageError, OSError) as exc:
            log.warning("an ECG file stays in its folder", site=self.site_id, error=type(exc).__name__)
            return
        await self._put_away(names, reason)

    async def _put_away(self, names: Sequence[str], reason: str) -> None:
        looks = [self._looks[name] for name in names]
        try:
            await asyncio.to_thread(self._move, names, reason)
        except OSError as exc:
            self._kept.update(zip(names, looks, strict=True))
            log.error("an ECG file cannot be moved away", site=self.site_id, error=str(exc))
        for name in names:
            self._looks.pop(name, None)

    async def _sender(self) -> Sender:
        """The device as it is registered now; one that is not sends for its site all the same, under its name."""
        name = self._device
        device = await self._parts.database.read(
            lambda tx: cart_called(tx, self.site_id, (name,))) if name else None
        return Sender(site_id=self.site_id, device=device, via=ArrivalVia.ECG_FOLDER, calling_ae_title=name,
                      actor=f"folder:{self.site_id}/{name}" if name else f"folder:{self.site_id}")

    def _read(self, names: Sequence[str], limit_bytes: int) -> bytes:
        files: dict[str, bytes] = {}
        left = limit_bytes
        for name in names:
            files[name] = content(self._path / name, left)
            left -= len(files[name])
        if len(names) == 1 and not names[0].lower().endswith(".hea"):
            return files[names[0]]
        return pack(files)

    def _move(self, names: Sequence[str], reason: str) -> None:
        target = self._path / (FAILED if reason else DONE)
        target.mkdir(exist_ok=True)
        for name in names:
            place = _free(target / name)
            (self._path / name).rename(place)
            if reason and name == names[0]:
                place.with_name(f"{place.name}.reason.txt").write_text(reason, encoding="utf-8")


def _free(path: Path) -> Path:
    """The path, or the first numbered one that is free."""
    number, place = 1, path
    while place.exists():
        number += 1
        place = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return place


def _sub_folders(path: Path) -> list[str]:
    """Folders of devices: no links, nothing hidden, and not our own two."""
    return sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink()
                  and not entry.name.startswith(".") and entry.name not in (DONE, FAILED))


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
