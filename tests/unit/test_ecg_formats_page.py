"""The page about ECG formats names every reader and every writer, and says what proves each (B8)."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.formats.ecg import FORMATS
from gateway.formats.ecg_export import EcgTarget

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ecg-formats.md"
ROW = re.compile(r"^\| ([^|]+) \| `(\w+)` \| ([^|]*)\|([^|]*)\|$", re.MULTILINE)


def rows(heading: str) -> dict[str, str]:
    """Name and what proves it, of the table under a heading."""
    part = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {name: proof.strip() for _, name, proof, _ in ROW.findall(part)}


def test_every_format_that_is_read_says_what_proves_it_and_no_other_is_named():
    assert set(rows("Read")) == {known.name for known in FORMATS}
    assert all(rows("Read").values())


def test_every_form_that_is_written_says_who_reads_it_back():
    assert set(rows("Written")) == {target.value for target in EcgTarget}
    assert all("our reader" in proof for proof in rows("Written").values())
