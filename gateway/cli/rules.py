"""`rules`: check a file, put it into force, approve, compare, roll back, and explain where a study went.

`rules simulate` is in rules_simulate.py.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.bridge import data_options, run_on_store, show
from gateway.cli.rules_simulate import simulate
from gateway.cli.text_file import text_of
from gateway.settings import Settings

if TYPE_CHECKING:
    from routing_rules.model import Problem

PASSWORD_VARIABLE = "READING_GATEWAY_PASSWORD"  # noqa: S105  the name of a variable
_MARKS = {True: "✓", False: "✗"}

# The rule engine is imported where it is used: `--help` must not pay for it.
as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
as_person = click.option("--login", help=f"Your login; the password is asked for, or taken from {PASSWORD_VARIABLE}.")
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

    _tell(file, check_text(text_of(file)), as_json=as_json)


@rules.command()
@data_options
@rules_file
@click.option("--note", default="", help="Why, for the people who approve and look back.")
@click.option("--based-on", type=int, help="Refuse if another version than this one is in force.")
@as_person
@as_json
def activate(settings: Settings, file: Path, note: str, based_on: int | None, login: str | None,
             as_json: bool) -> None:
    """Check a rule set against this gateway's people and sites, and put it into force or before its approver."""
    from routing_rules.model import Problem

    source = text_of(file)
    checked = run_on_store(settings, "rules.check", {"source": source, "days": 30})
    _tell(file, [Problem(**row) for row in checked["problems"]], as_json=as_json, is_quiet=True)
    show(run_on_store(settings, "rules.activate", {"source": source, "note": note, "based_on": based_on,
                                                   **_person(login)}), as_json=as_json)


@rules.command()
@data_options
@click.argument("version", type=int)
@click.option("--based-on", type=int, help="Version in force that you saw, if newer than the proposal's own.")
@as_person
@as_json
def approve(settings: Settings, version: int, based_on: int | None, login: str | None, as_json: bool) -> None:
    """Put a VERSION into force that another person proposed."""
    show(run_on_store(settings, "rules.approve", {"version": version, "based_on": based_on, **_person(login)}),
         as_json=as_json)


@rules.command()
@data_options
@click.argument("version", type=int)
@click.option("--reason", required=True, help="Why not.")
@as_person
@as_json
def refuse(settings: Settings, version: int, reason: str, login: str | None, as_json: bool) -> None:
    """Say no to a VERSION that waits for approval."""
    show(run_on_store(settings, "rules.refuse", {"version": version, "reason": reason, **_person(login)}),
         as_json=as_json)


@rules.command("roll-back")
@data_options
@click.argument("version", type=int)
@click.option("--note", default="", help="Why.")
@as_person
@as_json
def roll_back(settings: Settings, version: int, note: str, login: str | None, as_json: bool) -> None:
    """Bring the text of an older VERSION again, as a new one; approved like any other."""
    show(run_on_store(settings, "rules.roll-back", {"version": version, "note": note, **_person(login)}),
         as_json=as_json)


@rules.command("list")
@data_options
@as_json
def list_(settings: Settings, as_json: bool) -> None:
    """List the versions, newest first: state, who proposed and who approved."""
    show(run_on_store(settings, "rules.list", {}), as_json=as_json)


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
@click.option("--version", type=int, help="Another version than the one in force.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="File.  [default: standard output]")
def export(settings: Settings, version: int | None, output: Path | None) -> None:
    """Write the text of a version exactly as it was activated, so that it can live in git."""
    source = run_on_store(settings, "rules.show", {"version": version})["source"]
    if output is None:
        click.echo(source, nl=False)
        return
    try:
        output.write_bytes(source.encode())
    except OSError as exc:
        raise click.ClickException(f"{output}: {exc.strerror}") from exc


@rules.command()
@data_options
@click.argument("old")
@click.argument("new", required=False)
@as_json
def diff(settings: Settings, old: str, new: str | None, as_json: bool) -> None:
    """Say in words what differs between OLD and NEW: files, or numbers of versions. One alone is compared with the
    version in force. Exit 0 also when they differ."""
    sides = {"from": None, "to": old} if new is None else {"from": old, "to": new}
    answer = run_on_store(settings, "rules.diff", {key: value for side, what in sides.items()
                                                   for key, value in _side(side, what).items()})
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for change in answer["changes"]:
        click.echo(f"{change['zh']} / {change['en']}")
    if not answer["changes"]:
        click.echo("没有不同 / no difference")


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
             f"due {answer['due_at']}, rules version {answer['rules_version']}{_responsible(answer)}"]
    if answer["tags"]:
        lines.append("  tags: " + ", ".join(answer["tags"]))
    lines += [f"! {hint['item']} {hint['level']}: {hint['zh']}" for hint in answer.get("hints", [])]
    for rule in answer["because"]:
        gives = ", ".join(f"{k} {_said(v)}" for k, v in rule.get("gives", {}).items()) if rule["matched"] else ""
        lines.append(f"{_MARKS[rule['matched']]} {rule['rule']}" + (f"  ({gives})" if gives else ""))
        for condition in rule["conditions"]:
            seen = ", ".join(f"{name} = {'not known' if value is None else json.dumps(value, ensure_ascii=False)}"
                             for name, value in condition["seen"].items())
            lines.append(f"    {_MARKS[condition['holds']]} {condition['text']}" + (f"    [{seen}]" if seen else ""))
    return "\n".join(lines)


def _responsible(answer: Mapping[str, Any]) -> str:
    """Who answers for the version."""
    rules = answer.get("rules") or {}
    approved = f", approved by {rules['approved_by']}" if rules.get("approved_by") else ""
    return f" 「{rules['title']}」 of {rules['proposed_by']}{approved}" if rules else ""


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _side(side: str, what: str | None) -> dict[str, Any]:
    """A version by its number, or the text of a file."""
    if what is None:
        return {}
    if what.isdigit() and not Path(what).exists():
        return {f"{side}_version": int(what)}
    if not Path(what).is_file():
        raise click.UsageError(f"{what} is neither a file nor the number of a version.")
    return {f"{side}_source": text_of(Path(what))}


def _person(login: str | None) -> dict[str, Any]:
    """Login and password; the password is asked for or comes from the environment: options can be seen by others."""
    if login is None:
        return {}
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt("Password", hide_input=True, err=True)
    return {"login": login, "password": password}


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


rules.add_command(simulate)
