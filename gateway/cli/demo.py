"""`demo`: a demo county in the data folder, and studies played into the gateway as modalities would send them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateway.cli.bridge import read_settings, run_on_store
from gateway.settings import Settings

LOGINS_FILE = "demo-logins.txt"
PLAYED_FILE = "demo-played"            # every study arrived once; a first start that was cut short plays again
FIRST_NODE_PORT = 11113
WAIT_FOR_READING_S = 60.0


@click.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Settings file.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.  [default: ./var]")
@click.option("--http", metavar="HOST:PORT", help="Where the gateway's pages are.  [default: 127.0.0.1:8080]")
@click.option("--dicom", metavar="HOST:PORT", help="The gateway's DICOM port.  [default: 127.0.0.1:11112]")
@click.option("--with-gateway", is_flag=True, help="Also run the gateway and the clinics' own DICOM nodes here; "
                                                   "studies are played once.")
@click.option("--node-port", type=click.IntRange(1, 65534), default=FIRST_NODE_PORT, show_default=True,
              help="Port of the first clinic's DICOM node; the second one has the next.")
@click.option("--new-passwords", is_flag=True, help="Make new passwords for the demo accounts.")
@click.option("--no-studies", is_flag=True, help="Make the county and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def demo(config: Path | None, data: Path | None, http: str | None, dicom: str | None, with_gateway: bool,
         node_port: int, new_passwords: bool, no_studies: bool, as_json: bool) -> None:
    """Make a demo county (marked 演示) and play studies into the running gateway over its real ports.

    May be run again: the county is kept, the studies come once more with fresh UIDs.
    """
    settings = read_settings(config, data_dir=data, http=http, dicom=dicom)
    if with_gateway:
        _run_all(settings, config, node_port, new_passwords=new_passwords, no_studies=no_studies)
        return
    county = make_county(settings, node_port, new_passwords=new_passwords)
    played = [] if no_studies else play(settings, county["ingest_token"], is_quiet=as_json)
    if as_json:
        shown = {key: value for key, value in county.items() if key != "ingest_token"}
        click.echo(json.dumps({**shown, "studies": played}, ensure_ascii=False, indent=2))
    else:
        tell_logins(settings, county)


def make_county(settings: Settings, node_port: int, *, new_passwords: bool = False) -> dict[str, Any]:
    """Make what is missing of the county; new passwords go to a file that only its owner may read."""
    from gateway.demo.county import NODES

    ports = {site_id: node_port + offset for offset, site_id in enumerate(NODES)}
    county = run_on_store(settings, "demo.county", {"node_ports": ports, "new_passwords": new_passwords})
    fresh = [row for row in county["logins"] if row["password"] is not None]
    if fresh:
        _keep_logins(settings.data_dir / LOGINS_FILE, fresh)
    return county


def play(settings: Settings, ingest_token: str, *, is_quiet: bool = False) -> list[dict[str, Any]]:
    """Play every scene in and wait until a reader has it. A refusal ends the program with exit code 1."""
    # Imported here: drawing and the DICOM client are not needed for `--help`.
    from gateway.demo.players import Gateway, SendFailed, scenes

    host, port = settings.host_port("dicom")
    gateway = Gateway(settings.http, host, port, settings.ae_title, ingest_token)
    sent: list[str] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=is_quiet) as progress:
        for scene in scenes(ZoneInfo(settings.time_zone)):
            task = progress.add_task(scene.title, total=scene.object_count)
            try:
                sent.append(scene.play(
                    gateway, lambda done, total, task=task: progress.update(task, completed=done, total=total)))  # type: ignore[misc]
            except SendFailed as exc:
                raise click.ClickException(str(exc)) from exc
    rows = wait_for_readings(settings, sent)
    (settings.data_dir / PLAYED_FILE).touch()
    return rows


def wait_for_readings(settings: Settings, studies: list[str]) -> list[dict[str, Any]]:
    """Ask until every study is on the worklist, for a minute at most; returns their states."""
    deadline = time.monotonic() + WAIT_FOR_READING_S
    while True:
        rows: list[dict[str, Any]] = run_on_store(settings, "demo.studies", {"studies": studies})["rows"]
        if all(row["group"] is not None for row in rows):
            return rows
        if time.monotonic() > deadline:
            raise click.ClickException("Not every study reached the worklist within a minute.")
        time.sleep(0.25)


def tell_logins(settings: Settings, county: dict[str, Any]) -> None:
    """Print the accounts: passwords once, afterwards where they are kept."""
    path = settings.data_dir / LOGINS_FILE
    fresh = [row for row in county["logins"] if row["password"] is not None]
    for row in fresh:
        click.echo(f"  {row['login']:<18} {row['password']:<16} {row['name']} ({', '.join(row['roles'])})")
    if path.exists():
        click.echo(f"  登录名与密码 / logins and passwords: {path}")
    elif not fresh:
        click.echo("  密码文件不在了 / the file with the passwords is gone: demo --new-passwords makes new ones")


def _keep_logins(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{row['login']}\t{row['password']}\t{row['name']}\t{','.join(row['roles'])}\n" for row in rows)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    # Created readable by the owner alone: at no instant may others read it.
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(lines)
    part.replace(path)


def _run_all(settings: Settings, config: Path | None, node_port: int, *, new_passwords: bool,
             no_studies: bool) -> None:
    """County, clinic nodes and gateway in this process; the senders in one of their own, as outsiders."""
    import asyncio

    from gateway.demo.clinic_node import ClinicNode
    from gateway.main import Gateway, serve
    from gateway.observability.logs import configure_logs
    from storage.errors import StorageError

    configure_logs(settings.log_format)
    county = make_county(settings, _free_pair(node_port), new_passwords=new_passwords)
    nodes = [ClinicNode(row["ae_title"], row["port"], settings.data_dir / "demo-nodes" / row["site_id"])
             for row in county["nodes"]]
    senders: list[subprocess.Popen[bytes]] = []

    def ready(gateway: Gateway) -> None:
        click.echo(f"\nReading Gateway: http://{gateway.http_address}    DICOM {settings.ae_title}@"
                   f"{gateway.dicom_address}    (Ctrl+C 停止 / stops it)")
        tell_logins(settings, county)
        if not no_studies and not (settings.data_dir / PLAYED_FILE).exists():
            command = [sys.executable, "-m", "gateway", "demo", "--data", str(settings.data_dir),
                       "--http", gateway.http_address, "--dicom", gateway.dicom_address]
            senders.append(subprocess.Popen([*command, "--config", str(config)] if config else command))

    try:
        for node in nodes:
            try:
                node.start()
            except OSError as exc:
                click.echo(f"演示诊所节点未启动 / a clinic node did not start, reports will wait: {exc}", err=True)
        asyncio.run(serve(settings, on_ready=ready))
    except (StorageError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    finally:
        for sender in senders:
            if sender.poll() is None:
                sender.terminate()
            sender.wait()
        for node in nodes:
            node.stop()


def _free_pair(first: int) -> int:
    """The first of two neighbouring free ports, from `first` on."""
    for port in range(first, min(first + 200, 65534), 2):
        if all(_is_free(p) for p in (port, port + 1)):
            return port
    return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
