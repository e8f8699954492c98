"""Put the built reading UI inside the wheel and the sdist.

A wheel without its pages looks installed and is useless, so the build fails with one sentence instead. Node is
needed only for a checkout: the sdist carries reading_ui/dist, and an editable install builds nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReadingUiBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        ui = Path(self.root) / "reading_ui"
        if version == "editable" or (ui / "dist" / "index.html").exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("The reading UI is not built and npm was not found: install Node 20.19 or newer.")
        for step in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
            subprocess.run([npm, *step], cwd=ui, check=True)
        if not (ui / "dist" / "index.html").exists():
            raise RuntimeError("The reading UI build left no reading_ui/dist/index.html.")
