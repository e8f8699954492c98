"""Docs are held by tests: settings, routes and commands appear on their pages, and nothing else does."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import click

from gateway.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_settings_page_names_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert text == settings_page(), "run: python -m tests.architecture.settings_page"


def settings_page() -> str:
    from tests.architecture.settings_page import page

    return page()


def test_every_settings_help_is_a_sentence_with_a_unit() -> None:
    for setting in dataclasses.fields(Settings):
        text = setting.metadata["help"]
        assert text.endswith("."), setting.name
        for suffix, word in (("_s", "second"), ("_bytes", "bytes"), ("_minutes", "minutes"), ("_hours", "hours"),
                             ("_days", "days")):
            if setting.name.endswith(suffix):
                assert word in text, f"{setting.name}: the unit is missing in its help"


def test_the_readme_names_only_commands_that_exist() -> None:
    from gateway.cli.program import main

    context = click.Context(main)
    known = set(main.list_commands(context))
    for readme in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        for name in re.findall(r"reading-gateway (?!\s)([a-z][a-z-]+)", readme.read_text(encoding="utf-8")):
            assert name in known, f"{readme.name}: reading-gateway {name}"


def test_make_help_lists_every_target_that_the_readme_names() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in set(re.findall(r"`make ([a-z-]+)`", (ROOT / "README.md").read_text(encoding="utf-8"))):
        assert re.search(rf"make {name}\b", shown), name


def test_the_program_starts_without_loading_the_gateway() -> None:
    """A command that asks the running gateway is quick: the heavy parts load only when a command needs them."""
    heavy = ["pynetdicom", "wfdb", "pandas", "highdicom", "imagecodecs", "sqlalchemy", "aiohttp", "numpy"]
    code = ("import sys, gateway.cli.program, gateway.cli.admin, gateway.cli.ask_running; "
            f"print([name for name in {heavy} if name in sys.modules])")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
