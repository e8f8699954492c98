"""ECG files dropped into a folder are taken when they are whole, and put aside with the reason when not (B8)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.errors import Unreadable
from gateway.ecg.dropped_file import content
from gateway.ecg.watched_folder import Folder, InvalidFolder, WatchedFolders
from storage.errors import StorageFull
from storage.model import EVERYWHERE
from tests.support.ecg_builders import aecg, wfdb_files
from tests.support.ecg_orders import SITE, cart, open_clinic
from tests.support.hl7_results import small_pdf
from tests.support.waiting import until
from tests.support.wfdb_builders import annotation_file, segmented_files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "drop"


@pytest.fixture
async def watched(parts, folder):
    parts = replace(parts, settings=replace(parts.settings, ecg_folders=(f"yangchang={folder}",)))
    folders = WatchedFolders(parts, settle_s=0.1, poll_s=0.3)
    await folders.start()
    yield parts
    await folders.stop()


async def studies(parts):
    return await parts.database.read(lambda tx: [tx.studies.get(c.entry.study_id, EVERYWHERE) for c in tx.audit.walk()
                                                 if c.entry.action == "ecg.received" and c.entry.study_id])


async def test_a_file_is_taken_and_moved_to_done(watched, folder):
    (folder / "a.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "a.xml").exists())
    (study,) = await studies(watched)
    assert (study.site_id, study.modality, study.patient.name.display) == ("yangchang", "ECG", "演示甲")
    assert not (folder / "a.xml").exists()


async def test_files_that_lay_there_before_the_start_are_taken(parts, folder):
    folder.mkdir()
    (folder / "old.xml").write_bytes(aecg())
    folders = WatchedFolders(replace(parts, settings=replace(parts.settings, ecg_folders=(f"a={folder}",))),
                             settle_s=0.05)
    await folders.start()
    await until(lambda: (folder / "done" / "old.xml").exists())
    await folders.stop()


class Stillness:
    """A clock that the test moves; counts how often the watcher looked."""

    def __init__(self):
        self.now, self.looks = 0.0, 0

    def __call__(self):
        self.looks += 1
        return self.now

    async def more_looks(self):
        enough = self.looks + 10
        await until(lambda: self.looks > enough)


async def test_a_file_that_is_still_being_written_is_left_alone(parts, folder):
    clock, data = Stillness(), aecg()
    folders = WatchedFolders(replace(parts, settings=replace(parts.settings, ecg_folders=(f"a={folder}",))),
                             settle_s=0.05, poll_s=0.05, monotonic=clock)
    await folders.start()
    with (folder / "slow.xml").open("wb") as file:
        for part in range(3):
            file.write(data[part * len(data) // 4:(part + 1) * len(data) // 4])
            file.flush()
            clock.now += 0.03                     # time passes, but never enough of it without a change
            await clock.more_looks()
            assert (folder / "slow.xml").exists()
        file.write(data[3 * len(data) // 4:])
    clock.now += 1
    await clock.more_looks()
    clock.now += 1
    await until(lambda: (folder / "done" / "slow.xml").exists())
    assert list((folder / "failed").iterdir()) == []
    await folders.stop()


async def test_a_bad_file_is_put_aside_with_its_reason_and_the_next_is_served(watched, folder):
    (folder / "bad.xml").write_bytes(b"<AnnotatedECG><unfinished")
    (folder / "good.xml").write_bytes(aecg())
    await until(lambda: (folder / "failed" / "bad.xml.reason.txt").exists())
    await until(lambda: (folder / "done" / "good.xml").exists())
    assert (folder / "failed" / "bad.xml").read_bytes() == b"<AnnotatedECG><unfinished"
    assert (folder / "failed" / "bad.xml.reason.txt").read_text().startswith("aecg-not-well-formed\n")
    (kept,) = await watched.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
    assert (kept.file_name, kept.site_id) == ("bad.xml", "yangchang")


async def test_a_header_waits_for_its_signal_file(watched, folder):
    files = wfdb_files()
    (folder / "demo1.hea").write_bytes(files["demo1.hea"])
    (folder / "other.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "other.xml").exists())
    assert (folder / "demo1.hea").exists()
    (folder / "demo1.dat").write_bytes(files["demo1.dat"])
    await until(lambda: (folder / "done" / "demo1.dat").exists() and (folder / "done" / "demo1.hea").exists())
    assert len(await studies(watched)) == 2


async def test_a_record_in_segments_is_taken_whole_with_its_annotations(watched, folder):
    files = segmented_files() | {"demo.atr": annotation_file((20, 1, ""))}
    late = "demo_b.dat"
    for name in sorted(files.keys() - {late}):
        (folder / name).write_bytes(files[name])
    (folder / "other.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "other.xml").exists())
    assert {path.name for path in folder.iterdir() if path.is_file()} == files.keys() - {late}
    (folder / late).write_bytes(files[late])
    await until(lambda: {path.name for path in (folder / "done").iterdir()} == {*files, "other.xml"})
    assert len(await studies(watched)) == 2
    assert list((folder / "failed").iterdir()) == []


async def test_headers_that_name_each_other_are_put_aside_and_the_next_is_served(parts, folder):
    folders = WatchedFolders(replace(parts, settings=replace(parts.settings, ecg_folders=(f"a={folder}",))),
                             settle_s=0.05, poll_s=0.05, pair_wait_s=0.3)
    await folders.start()
    (folder / "a.hea").write_bytes(b"a/1 1 500 300\nb 300\n")
    (folder / "b.hea").write_bytes(b"b/1 1 500 300\na 300\n")
    (folder / "c.xml").write_bytes(aecg())
    await until(lambda: (folder / "failed" / "a.hea.reason.txt").exists())
    await until(lambda: (folder / "done" / "c.xml").exists())
    await until(lambda: not (folder / "b.hea").exists())
    await folders.stop()


async def test_a_header_whose_signal_file_never_comes_is_put_aside(parts, folder):
    folders = WatchedFolders(replace(parts, settings=replace(parts.settings, ecg_folders=(f"a={folder}",))),
                             settle_s=0.1, poll_s=0.1, pair_wait_s=0.5)
    await folders.start()
    (folder / "demo1.hea").write_bytes(wfdb_files()["demo1.hea"])
    await until(lambda: (folder / "failed" / "demo1.hea.reason.txt").exists())
    assert (folder / "failed" / "demo1.hea.reason.txt").read_text().startswith("wfdb-missing-data\n")
    await folders.stop()


async def test_the_same_name_twice_overwrites_nothing_in_done(watched, folder):
    for patient in ("1", "2"):
        (folder / "ecg.xml").write_bytes(aecg(patient_id=patient))
        await until(lambda: not (folder / "ecg.xml").exists())
    assert {path.name for path in (folder / "done").iterdir()} == {"ecg.xml", "ecg-2.xml"}


async def test_links_and_half_named_files_are_left_alone(watched, folder, tmp_path):
    (tmp_path / "secret.xml").write_bytes(aecg(patient_id="secret"))
    (folder / "link.xml").symlink_to(tmp_path / "secret.xml")
    (folder / "a.xml.part").write_bytes(aecg(patient_id="part"))
    (folder / "b.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "b.xml").exists())
    assert len(await studies(watched)) == 1
    assert (folder / "link.xml").is_symlink()
    assert (folder / "a.xml.part").exists()


async def test_a_full_store_leaves_the_file_where_it_is_until_there_is_room(parts, folder):
    class SmallStore:
        """The real store behind a disk that is full for now."""
        is_full = True
        refused = 0

        def put(self, data):
            if self.is_full:
                self.refused += 1
                raise StorageFull
            return parts.objects.put(data)

    store = SmallStore()
    folders = WatchedFolders(
        replace(parts, objects=store, settings=replace(parts.settings, ecg_folders=(f"a={folder}",))),
        settle_s=0.05, poll_s=0.1)
    await folders.start()
    (folder / "a.xml").write_bytes(aecg())
    await until(lambda: store.refused >= 2)
    assert (folder / "a.xml").exists()
    store.is_full = False
    await until(lambda: (folder / "done" / "a.xml").exists())
    await folders.stop()


async def watching(parts, *settings):
    folders = WatchedFolders(replace(parts, settings=replace(parts.settings, ecg_folders=settings)), settle_s=0.05,
                             poll_s=0.1)
    await folders.start()
    return folders


async def test_a_folder_of_one_device_says_which_cart_recorded_it(parts, folder):
    await open_clinic(parts)
    folders = await watching(parts, f"{SITE}/演示心电图机2={folder}")
    (folder / "a.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "a.xml").exists())
    (study,) = await studies(parts)
    assert study.device_id == cart(2).id
    await folders.stop()


async def test_sub_folders_are_devices_also_those_made_later(parts, folder):
    await open_clinic(parts)
    (folder / "YANGCH1").mkdir(parents=True)
    folders = await watching(parts, f"{SITE}/*={folder}")
    (folder / "YANGCH1" / "a.xml").write_bytes(aecg())
    await until(lambda: (folder / "YANGCH1" / "done" / "a.xml").exists())
    (folder / "YANGCH2").mkdir()
    (folder / "YANGCH2" / "b.xml").write_bytes(aecg(patient_id="P2", name="演示乙"))
    await until(lambda: (folder / "YANGCH2" / "done" / "b.xml").exists())
    assert [study.device_id for study in await studies(parts)] == [cart(1).id, cart(2).id]
    (folder / "c.xml").write_bytes(aecg(patient_id="P3", name="演示丙"))       # beside the sub-folders
    await until(lambda: (folder / "done" / "c.xml").exists())
    assert (await studies(parts))[-1].device_id is None
    await folders.stop()


async def test_a_device_that_nobody_registered_sends_for_its_site_under_its_name(parts, folder):
    folders = await watching(parts, f"yangchang/NEWCART={folder}")
    (folder / "a.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "a.xml").exists())
    (study,) = await studies(parts)
    (arrival,) = await parts.database.read(lambda tx: tx.arrivals.of_study(study.id, EVERYWHERE))
    assert (study.site_id, study.device_id, arrival.calling_ae_title) == ("yangchang", None, "NEWCART")
    await folders.stop()


async def test_a_pdf_is_taken_and_a_makers_own_file_is_set_aside_with_its_reason(parts, folder):
    folders = await watching(parts, f"yangchang={folder}")
    (folder / "a.pdf").write_bytes(small_pdf())
    (folder / "b.dat").write_bytes(b"MAKER-NATIVE" * 20)          # ".dat" waits for a header that may come
    (folder / "c.ecgraw").write_bytes(b"MAKER-NATIVE" * 30)
    await until(lambda: (folder / "done" / "a.pdf").exists())
    await until(lambda: (folder / "failed" / "c.ecgraw.reason.txt").exists())
    assert (folder / "failed" / "c.ecgraw.reason.txt").read_text().startswith("unknown-format\n")
    (kept,) = await parts.database.read(lambda tx: tx.arrivals.quarantine(EVERYWHERE))
    assert parts.objects.get(kept.object_sha256) == b"MAKER-NATIVE" * 30
    assert (folder / "b.dat").exists()
    await folders.stop()


class OneFails:
    """The real store; one file makes it fail in a way that nobody foresaw."""

    def __init__(self, objects, poison: bytes):
        self._objects, self._poison, self.failures = objects, poison, 0

    def put(self, data):
        if bytes(data) == self._poison:
            self.failures += 1
            raise ZeroDivisionError
        return self._objects.put(data)

    def __getattr__(self, name):
        return getattr(self._objects, name)


async def poisoned(parts, folder, pair_wait_s):
    store = OneFails(parts.objects, aecg(patient_id="poison"))
    folder.mkdir(exist_ok=True)
    (folder / "a.xml").write_bytes(aecg(patient_id="poison"))
    (folder / "b.xml").write_bytes(aecg(patient_id="good"))
    folders = WatchedFolders(
        replace(parts, objects=store, settings=replace(parts.settings, ecg_folders=(f"a={folder}",))),
        settle_s=0.05, poll_s=0.05, pair_wait_s=pair_wait_s)
    await folders.start()
    return folders, store


async def test_a_file_that_fails_for_no_known_reason_starves_nobody_and_stays(parts, folder):
    folders, store = await poisoned(parts, folder, 600)
    await until(lambda: (folder / "done" / "b.xml").exists())
    await until(lambda: store.failures >= 7)
    assert (folder / "a.xml").exists()
    await folders.stop()


async def test_a_file_that_goes_on_failing_is_put_aside_with_the_reason(parts, folder):
    folders, store = await poisoned(parts, folder, 0.2)
    await until(lambda: (folder / "failed" / "a.xml.reason.txt").exists())
    assert (folder / "failed" / "a.xml.reason.txt").read_text().startswith("failed\n")
    assert (folder / "failed" / "a.xml").read_bytes() == aecg(patient_id="poison")
    assert (folder / "done" / "b.xml").exists()
    assert store.failures >= 5
    await folders.stop()


async def test_a_file_that_vanishes_during_a_look_costs_the_others_nothing(watched, folder, monkeypatch):
    real = Path.lstat

    def lstat(path):
        if path.name == "gone.xml":
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    (folder / "gone.xml").write_bytes(b"x")
    (folder / "a.xml").write_bytes(aecg())
    await until(lambda: (folder / "done" / "a.xml").exists())


def test_what_is_read_is_a_regular_file_of_bounded_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert content(tmp_path / "a", 5) == b"12345"
    with pytest.raises(Unreadable) as refusal:
        content(tmp_path / "a", 4)
    assert refusal.value.reason == "too-large"
    (tmp_path / "link").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match=r"link|symbolic|regular"):
            content(tmp_path / name, 5)


async def test_a_link_put_there_after_the_look_is_not_followed(watched, folder, tmp_path, monkeypatch):
    """The look sees a regular file, as it was a moment before."""
    (tmp_path / "secret.xml").write_bytes(aecg(patient_id="secret"))
    real = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: path.stat() if path.name == "a.xml" else real(path))
    (folder / "a.xml").symlink_to(tmp_path / "secret.xml")
    (folder / "b.xml").write_bytes(aecg(patient_id="2"))
    await until(lambda: (folder / "done" / "b.xml").exists())
    assert len(await studies(watched)) == 1
    assert (folder / "a.xml").readlink() == tmp_path / "secret.xml"


@pytest.mark.parametrize(("text", "folder"), [
    ("a=/x", Folder("a", Path("/x"))), ("a/CART=/x=y", Folder("a", Path("/x=y"), "CART")),
    (" a / 心电图机 1 = /x ", Folder("a", Path("/x"), "心电图机 1")), ("a/*=/x", Folder("a", Path("/x"), "*")),
    ("a=/x/y", Folder("a", Path("/x/y")))])
def test_a_setting_names_site_device_and_folder(text, folder):
    assert Folder.parse(text) == folder


@pytest.mark.parametrize("text", ["", "yangchang", "=folder", "yangchang=", "yangchang/=folder", "/cart=folder"])
def test_a_setting_that_names_no_site_or_folder_is_refused(text):
    with pytest.raises(InvalidFolder):
        Folder.parse(text)
