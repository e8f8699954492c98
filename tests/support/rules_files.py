"""The rule sets that ship with the program, as texts."""

from __future__ import annotations

from importlib.resources import files


def examples() -> dict[str, str]:
    """File name to text."""
    folder = files("routing_rules").joinpath("examples")
    return {entry.name: entry.read_text(encoding="utf-8") for entry in sorted(folder.iterdir(), key=lambda e: e.name)
            if entry.name.endswith(".yaml")}
