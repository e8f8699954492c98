"""Read a text file that somebody named at the terminal."""

from __future__ import annotations

from pathlib import Path

import click


def text_of(file: Path) -> str:
    """Its text; ends the program where it is no UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise click.ClickException(f"{file}: is not UTF-8 text (byte {exc.start})") from exc
