"""Who may look into the data folder: patients' names and pictures lie there."""

from __future__ import annotations

import stat

from storage.opening import open_storage


async def test_a_new_data_folder_is_closed_to_other_accounts(tmp_path):
    folder = tmp_path / "srv" / "gateway"
    storage = await open_storage(data_dir=folder, reserve_bytes=0)
    await storage.database.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_data_folder_that_an_administrator_made_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o750)
    storage = await open_storage(data_dir=tmp_path, reserve_bytes=0)
    await storage.database.close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750
