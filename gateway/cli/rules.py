"""`rules`: check a file, put it into force, show what is in force, and explain where a study went."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.bridge import data_options, run_on_store, show
from gateway.settings import Settings

if TYPE_CHECKING:
    from routing_rules.model import Problem

_MARKS = {True: "✓", False: "✗"}

# The rule engine is imported where it is used: `--help` must not pay for it.
as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
rules_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def rules() -> None:
    """Rules that decide who reads what."""


@rules.command()
@rules_file
@as_json
def check(file: Path, as_json: bool) -> None:
    """Check a rule set without a store: every error with line and column; exit 1 if there is one."""
    from routing_rules.parse import check as check_text

    _tell(file, check_text(_text_of(file)), as_json=as_json)


@rules.command()
@data_options
@rules_file
@as_json
def activate(settings: Settings, file: Path, as_json: bool) -> None:
    """Check a rule set against the users and sites of this gateway, and put it into force."""
    from routing_rules.model import Problem

    source = _text_of(file)
    checked = run_on_store(settings, "rules.check", {"source": source})
    _tell(file, [Problem(**row) for row in checked["problems"]], as_json=as_json, is_quiet=True)
    show(run_on_store(settings, "rules.activate", {"source": source}), as_json=as_json)


@rules.command("show")
@data_options
@click.option("--version", type=int, help="Another version than the one in force.")
def show_(settings: Settings, version: int | None) -> None:
    """Print the rule set that is in force."""
    answer = run_on_store(settings, "rules.show", {"version": version})
    click.echo(f"# version {answer['version']}")
    click.echo(answer["source"], nl=False)


@rules.command()
@data_options
@click.argument("study")
@as_json
def explain(settings: Settings, study: str, as_json: bool) -> None:
    """Print the stored decision of a STUDY (our id, Study Instance UID, or the reading's id) with its reasons."""
    answer = run_on_store(settings, "rules.explain", {"study": study})
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else explanation(answer))


def explanation(answer: Mapping[str, Any]) -> str:
    """The decision as lines to read."""
    lines = [f"study {answer['study_instance_uid']}",
             f"→ group {answer['group']}, reader {answer['reader'] or '-'}, {answer['priority']}, "
             f"due {answer['due_at']}, rules version {answer['rules_version']}"]
    if answer["tags"]:
        lines.append("  tags: " + ", ".join(answer["tags"]))
    lines += [f"! {hint['item']} {hint['level']}: {hint['zh']}" for hint in answer.get("hints", [])]
    for rule in answer["because"]:
        gives = ", ".join(f"{k} {v}" for k, v in rule.get("gives", {}).items()) if rule["matched"] else ""
        lines.append(f"{_MARKS[rule['matched']]} {rule['rule']}" + (f"  ({gives})" if gives else ""))
        for condition in rule["conditions"]:
            seen = ", ".join(f"{name} = {'not known' if value is None else json.dumps(value, ensure_ascii=False)}"
                             for name, value in condition["seen"].items())
            lines.append(f"    {_MARKS[condition['holds']]} {condition['text']}" + (f"    [{seen}]" if seen else ""))
    return "\n".join(lines)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise click.ClickException(f"{file}: is not UTF-8 text (byte {exc.start})") from exc


def _tell(file: Path, problems: list[Problem], *, as_json: bool, is_quiet: bool = False) -> None:
    errors = [p for p in problems if not p.is_warning]
    if as_json and not (is_quiet and not errors):
        click.echo(json.dumps({"is_valid": not errors, "problems": [asdict(p) for p in problems]},
                              ensure_ascii=False, indent=2))
    elif not as_json:
        for p in problems:
            click.echo(f"{file}:{p.line}:{p.column}: {'warning' if p.is_warning else 'error'}: {p.zh} / {p.en}",
                       err=True)
        if not problems and not is_quiet:
            click.echo(f"{file}: 正确 / correct")
    if errors:
        sys.exit(1)
