"""How a command reaches the store: through the running gateway where there is one, else directly.

SQLite means exactly one process, so a command never opens a data folder that a gateway holds; it asks the gateway.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway.settings import InvalidSetting, Settings, load


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config and --data to a command; it gets `settings`."""

    @click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Settings file.")
    @click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.  [default: ./var]")
    @click.pass_context
    def with_settings(context: click.Context, /, config: Path | None, data: Path | None, **more: Any) -> Any:
        return context.invoke(command, settings=read_settings(config, data_dir=data), **more)

    with_settings.__name__ = command.__name__
    with_settings.__doc__ = command.__doc__
    if hasattr(command, "__click_params__"):
        with_settings.__click_params__ = [*with_settings.__click_params__, *command.__click_params__]  # type: ignore[attr-defined]
    return with_settings


def read_settings(config: Path | None, **overrides: Any) -> Settings:
    """Settings of this call; a mistake in them is a usage error (exit code 2)."""
    try:
        return load(config, overrides=overrides)
    except InvalidSetting as exc:
        raise click.UsageError(str(exc)) from exc


def run_on_store(settings: Settings, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a registered command and return its answer; a refusal ends the program with exit code 1."""
    from gateway.cli.ask_running import CommandFailed, ask_running

    try:
        answer = ask_running(settings.data_dir, command, arguments)
    except CommandFailed as exc:
        raise click.ClickException(str(exc)) from exc
    return _run_here(settings, command, arguments) if answer is None else answer


def _run_here(settings: Settings, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    # Imported here: a command that asks the running gateway must not pay for the whole of it.
    from gateway.cli.ask_running import CommandFailed
    from gateway.cli.local_socket import run_command
    from gateway.main import open_parts
    from storage.errors import StorageError

    async def run() -> dict[str, Any]:
        parts = await open_parts(settings)
        try:
            return await run_command(parts, command, arguments)
        finally:
            await parts.database.close()

    try:
        return asyncio.run(run())
    except (CommandFailed, StorageError) as exc:
        raise click.ClickException(str(exc) or type(exc).__name__) from exc


def show(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print an answer: JSON for machines; for people a table of its `rows`, or its fields line by line."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    rows = answer.get("rows")
    if rows is None:
        for key, value in answer.items():
            click.echo(f"{key}: {value}")
        return
    if not rows:
        click.echo("nothing yet")
        return
    table = Table(*rows[0], box=None, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
