"""The program `reading-gateway`: one door to everything that is done from a terminal.

Exit codes: 0 done, 1 failed or refused, 2 used wrongly. `--json` prints what machines read.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path

import click

from gateway import __version__
from gateway.cli.bridge import data_options, read_settings, run_on_store, show
from gateway.settings import Settings

# Loaded when called: asking the running gateway for a list must not pay for rule engine, codecs and ECG readers.
ELSEWHERE = {
    "site": "gateway.cli.admin", "device": "gateway.cli.admin", "user": "gateway.cli.admin",
    "token": "gateway.cli.admin", "destination": "gateway.cli.admin", "partner": "gateway.cli.admin",
    "rules": "gateway.cli.rules",
    "keeping": "gateway.cli.keeping", "hold": "gateway.cli.keeping",
    "deletion": "gateway.cli.keeping",
    "demo": "gateway.cli.demo", "ecg": "gateway.cli.ecg",
}


class LazyGroup(click.Group):
    """A group whose other commands live in modules of their own, imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *ELSEWHERE})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in ELSEWHERE:
            return super().get_command(context, name)
        command: click.Command = getattr(import_module(ELSEWHERE[name]), name)
        return command


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="reading-gateway")
def main() -> None:
    """Receive studies and ECGs, route them to readers, return the signed report."""


@main.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Settings file.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.  [default: ./var]")
@click.option("--http", metavar="HOST:PORT", help="Web pages, API, DICOMweb.  [default: 127.0.0.1:8080]")
@click.option("--dicom", metavar="HOST:PORT", help="DICOM port.  [default: 127.0.0.1:11112]")
@click.option("--mllp", metavar="HOST:PORT", help="HL7 v2 port.  [default: 127.0.0.1:2575]")
@click.option("--ae-title", metavar="TITLE", help="Own AE title.  [default: GATEWAY]")
def serve(config: Path | None, data: Path | None, http: str | None, dicom: str | None, mllp: str | None,
          ae_title: str | None) -> None:
    """Run the gateway until SIGTERM; prints one line with the addresses when ready."""
    from gateway.main import Gateway
    from gateway.main import serve as serve_forever
    from gateway.observability.logs import configure_logs
    from gateway.settings import InvalidSetting
    from gateway.wire.tls_context import TlsFault
    from storage.errors import StorageError

    settings = read_settings(config, data_dir=data, http=http, dicom=dicom, mllp=mllp, ae_title=ae_title)
    configure_logs(settings.log_format)

    def ready(gateway: Gateway) -> None:
        secured = [f"{name}{address} " for name, address in (("https://", gateway.https_address),
                                                            ("dicom-tls ", gateway.dicom_tls_address),
                                                            ("mllp ", gateway.mllp_address),
                                                            ("mllp-tls ", gateway.mllp_tls_address)) if address]
        click.echo(f"reading-gateway {__version__} ready: http://{gateway.http_address} "
                   f"dicom {settings.ae_title}@{gateway.dicom_address} {''.join(secured)}"
                   f"data {settings.data_dir.resolve()}")

    try:
        asyncio.run(serve_forever(settings, on_ready=ready))
    except (StorageError, OSError, InvalidSetting, TlsFault) as exc:
        raise click.ClickException(str(exc)) from exc


@main.command()
@data_options
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor(settings: Settings, as_json: bool) -> None:
    """Look at what will fail soon: space, objects, second copy, clock, certificates. Exit 1 if anything is bad."""
    answer = run_on_store(settings, "doctor", {})
    show(answer, as_json=as_json)
    if not answer["is_well"]:
        raise SystemExit(1)


@main.command()
@data_options
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def verify(settings: Settings, as_json: bool) -> None:
    """Re-hash every object, check the index against them, and the audit chain. Exit 1 unless all is sound."""
    answer = run_on_store(settings, "verify", {})
    show(answer, as_json=as_json)
    if not answer["is_sound"]:
        raise SystemExit(1)
