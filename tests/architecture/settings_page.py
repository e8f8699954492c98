"""Make docs/settings.md from gateway/settings.py: `python -m tests.architecture.settings_page`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gateway.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

HEAD = """# Settings

Read once at start: defaults, then `gateway.toml` (`--config`), then `READING_GATEWAY_<NAME>` in the environment, then
the command line. A secret may also be read from a file: `READING_GATEWAY_<NAME>_FILE`. Made from
`gateway/settings.py`.

| Setting | Default | Meaning |
| --- | --- | --- |
"""


def page() -> str:
    rows = []
    for setting in dataclasses.fields(Settings):
        choices = setting.metadata["choices"]
        meaning = setting.metadata["help"] + (f" One of: {', '.join(choices)}." if choices else "")
        meaning += " Secret: environment or file only." if setting.metadata["secret"] else ""
        default = setting.default if not isinstance(setting.default, tuple) else ", ".join(setting.default)
        rows.append(f"| `{setting.name}` | {f'`{default}`' if str(default) else 'none'} | {meaning} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
