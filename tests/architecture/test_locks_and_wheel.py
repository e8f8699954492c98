"""What is shipped and installed: locks by hash without addresses, and a wheel with its pages inside."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEEL_LIMIT_BYTES = 8 * 1024 * 1024


def test_python_locks_carry_hashes_and_no_addresses() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text()
        assert "://" not in text, lock
        pinned = re.findall(r"^[A-Za-z0-9._-]+(?:\[[a-z,]+\])?==\S+", text, re.MULTILINE)
        assert pinned, lock
        blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
        assert all("--hash=sha256:" in block for block in blocks), lock


def test_every_dependency_is_in_the_lock() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    locked = {re.sub(r"[-_.]+", "-", name).lower()
              for name in re.findall(r"^([A-Za-z0-9._-]+?)(?:\[[a-z,]+\])?==", lock, re.MULTILINE)}
    for wanted in project["dependencies"] + project["optional-dependencies"]["scale"]:
        name = re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", wanted)[0]).lower()
        assert name in locked, f"{name} is not in requirements/runtime.txt: compile it again"


def test_npm_lock_carries_integrity_and_no_download_addresses() -> None:
    lock = json.loads((ROOT / "reading_ui" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name and not entry.get("link")}
    assert packages
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert not [name for name, entry in packages.items() if "integrity" not in entry and not entry.get("inBundle")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "reading_ui" / "dist" / "index.html").exists():
        pytest.fail("the reading UI is not built: run `make ui`")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=ROOT, check=True,
                   capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_the_program_its_pages_and_its_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("gateway/main.py", "gateway/cli/program.py", "storage/tables/schema/columns.py",
                   "routing_rules/schema.json", "routing_rules/holidays.json",
                   "reading_ui/dist/index.html", "reading_ui/__init__.py"):
        assert wanted in names, wanted
    for pattern in (r"reading_ui/dist/assets/.*\.js$", r"reading_ui/dist/assets/.*\.css$", r"\.typ$",
                    r"\.otf$|\.ttf$", r"storage/migrations/versions/.*\.py$", r"routing_rules/examples/.*\.yaml$",
                    r"dist-info/licenses/LICENSE$", r"reading_ui/dist/assets/.*\.wasm$"):
        assert any(re.search(pattern, name) for name in names), pattern


def test_the_wheel_holds_nothing_that_only_a_checkout_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    only_here = r"node_modules|^tests/|reading_ui/src/|package(-lock)?\.json|\.map$|__pycache__"
    unwanted = [name for name in names if re.search(only_here, name)]
    assert not unwanted, unwanted[:5]


def test_the_wheel_is_small_enough_for_a_thin_line(wheel: Path) -> None:
    assert wheel.stat().st_size <= WHEEL_LIMIT_BYTES, f"{wheel.stat().st_size / 1e6:.1f} MB"
