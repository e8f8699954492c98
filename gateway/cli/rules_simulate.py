"""`rules simulate`: try a draft on the real arrivals of some days, or prove that the version in force replays.

It reads the store itself, for reading only, beside a gateway that may hold it: nothing of it runs in the gateway.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gateway.cli.bridge import data_options
from gateway.cli.text_file import text_of
from gateway.settings import Settings

if TYPE_CHECKING:
    from storage.interface import Database

T = TypeVar("T")
Told = Callable[[int, int], None]
_MOST_MOVES = 20
_BARS = " ▁▂▃▄▅▆▇█"


@click.command()
@data_options
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far back.")
@click.option("--active", "is_active", is_flag=True,
              help="Replay the version in force instead of a FILE, and exit 1 unless it gives every stored decision.")
@click.option("--whole", "is_whole", is_flag=True, help="With --active: compare every reason, too (slower).")
@click.option("--against", type=click.Choice(["decided", "active"]), default="decided", show_default=True,
              help="Compare with what was decided, or with the version in force.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def simulate(settings: Settings, file: Path | None, days: int, is_active: bool, is_whole: bool, against: str,
             as_json: bool) -> None:
    """Replay the arrivals of the last days against the rules in FILE: what would move, load, due times that break."""
    if is_active == (file is not None):
        raise click.UsageError("Name a FILE, or say --active.")
    until = datetime.now(UTC)
    window: dict[str, Any] = {"since": until - timedelta(days=days), "until": until,
                              "zone": ZoneInfo(settings.time_zone)}
    if file is None:
        answer = _run(settings, lambda database, told: _proof(database, window, is_whole=is_whole, told=told))
    else:

        source = text_of(file)
        answer = _run(settings, lambda database, told: _simulation(database, source, window, against, told))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif is_active:
        _print_proof(answer)
    else:
        _print_simulation(answer)
    if is_active and answer["replayed"] != answer["equal"]:
        sys.exit(1)


async def _simulation(database: Database, source: str, window: dict[str, Any], against: str,
                      told: Told) -> dict[str, Any]:
    from gateway.services.rules.simulate import simulate as replay_all

    return _plain(await replay_all(database, source, against=against, on_progress=told, **window))


async def _proof(database: Database, window: dict[str, Any], *, is_whole: bool, told: Told) -> dict[str, Any]:
    from gateway.services.rules.prove import prove

    active = await database.read(lambda tx: tx.decisions.active_rule_set())
    if active is None:
        raise click.ClickException("No rules are in force yet.")
    return _plain(await prove(database, active[0], active[1], is_whole=is_whole, on_progress=told, **window))


def _run(settings: Settings, work: Callable[[Database, Told], Awaitable[T]]) -> T:
    """Open the store for reading only and work on it, with progress where a person looks."""
    from gateway.services.rules.simulate import GARBAGE_THRESHOLDS
    from routing_rules.model import InvalidRules
    from storage.errors import StorageError
    from storage.migrations.upgrading import current_revision, revisions
    from storage.opening import DATABASE_FILE, open_storage

    if not settings.database_url and not (settings.data_dir / DATABASE_FILE).exists():
        raise click.ClickException(f"There is no store in {settings.data_dir}.")

    async def run(told: Told) -> T:
        storage = await open_storage(data_dir=settings.data_dir, database_url=settings.database_url,
                                     node="simulation", is_read_only=True)
        try:
            if await storage.database.read(lambda tx: current_revision(tx.connection)) != revisions()[-1]:
                raise click.ClickException("The store is of another release: start the gateway of this one first.")
            return await work(storage.database, told)
        finally:
            await storage.database.close()

    gc.set_threshold(*GARBAGE_THRESHOLDS)
    console = Console(stderr=True)
    columns = (TextColumn("重放 / replayed"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=None)
            return asyncio.run(run(lambda done, total: progress.update(task, completed=done, total=total)))
    except InvalidRules as exc:
        raise click.ClickException(str(exc)) from exc
    except StorageError as exc:
        raise click.ClickException(str(exc) or type(exc).__name__) from exc


def _plain(value: Any) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(value)
    return found


def _print_proof(answer: dict[str, Any]) -> None:
    share = 100.0 * answer["equal"] / answer["replayed"] if answer["replayed"] else 100.0
    click.echo(f"version {answer['version']}: replayed {answer['replayed']}, equal {answer['equal']} ({share:.2f} %)"
               + (f", not made by the rules {answer['undecided']}" if answer["undecided"] else ""))
    for different in answer["differences"]:
        click.echo(f"  {different['at']} study {different['study_id']} {different['what']}: "
                   f"{different['stored']} → {different['replayed']}")


def _print_simulation(answer: dict[str, Any]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    due = answer["due"]
    console.print(f"{answer['since'][:10]} – {answer['until'][:10]}: 检查 / studies {answer['studies']}, "
                  f"换去处 / moved {answer['moved']}, 有变化 / changed {answer['changed']}  ({answer['seconds']} s)")
    _table(console, ("从 / from", "到 / to", "检查 / studies", "规则 / by rule"), [
        (_place(move, "from"), _place(move, "to"), str(move["studies"]),
         move["examples"][0]["rule"] if move["examples"] else "") for move in answer["moves"][:_MOST_MOVES]])
    if len(answer["moves"]) > _MOST_MOVES:
        console.print(f"… {len(answer['moves']) - _MOST_MOVES} more; --json shows all")
    _table(console, ("什么 / what", "原来 / before", "以后 / after", "检查 / studies"), [
        (change["aspect"], _value(change["before"]), _value(change["after"]), str(change["studies"]))
        for change in answer["changes"][:_MOST_MOVES]])
    _table(console, ("负荷 / load", "原来 / before", "0–23 h", "以后 / after", "0–23 h", "高峰 / peak"), [
        (load["name"] or "任何人 / anybody", f"{load['before_total']:.0f}", _curve(load["before"], load),
         f"{load['after_total']:.0f}", _curve(load["after"], load),
         f"{load['peak_before']:.1f} → {load['peak_after']:.1f}")
        for load in answer["load"]])
    console.print(f"时限 / due: 超时 / late {due['late_before']} → {due['late_after']} "
                  f"(新增 / newly {due['newly_late']}, 不再 / no longer {due['no_longer_late']}; "
                  f"未签发 / unsigned {due['unsigned']})")
    never = [rule["name"] for rule in answer["rules"] if rule["matched"] == 0]
    if never:
        console.print(f"从未匹配的规则 / rules that never matched: {len(never)}, " + "; ".join(never[:5]))
    if answer["unknown_facts"]:
        console.print("没有一份检查有这些事实 / facts that no study had: " + ", ".join(answer["unknown_facts"]))
    if answer["unreadable"]:
        console.print(f"不能重放 / cannot be replayed: {answer['unreadable']}")
    for zh, en in zip(answer["notes_zh"], answer["notes_en"], strict=True):
        console.print(f"· {zh} / {en}", style="dim")


def _table(console: Console, titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = Table(*titles, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _place(move: dict[str, Any], side: str) -> str:
    reader = move[f"{side}_reader"]
    return f"{move[f'{side}_group']} · {reader}" if reader else str(move[f"{side}_group"])


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _curve(hours: list[float], load: dict[str, Any]) -> str:
    most = max(*load["before"], *load["after"]) or 1.0
    return "".join(_BARS[round(hour / most * (len(_BARS) - 1))] for hour in hours)
