"""`site`, `device`, `user`, `token`, `destination`, `partner`: add, list, show, disable; gateway running or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gateway.cli.bridge import data_options, run_on_store, show
from gateway.settings import Settings

as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


def _common(group: click.Group, kind: str, by: str) -> None:
    """list, show and disable are the same for every kind."""

    @group.command("list")
    @data_options
    @as_json
    def list_(settings: Settings, as_json: bool) -> None:
        show(run_on_store(settings, f"{kind} list", {}), as_json=as_json)

    @group.command("show")
    @data_options
    @click.argument("id")
    @as_json
    def show_(settings: Settings, id: str, as_json: bool) -> None:
        show(run_on_store(settings, f"{kind} show", {"id": id}), as_json=as_json)

    @group.command("disable")
    @data_options
    @click.argument("id")
    @as_json
    def disable(settings: Settings, id: str, as_json: bool) -> None:
        show(run_on_store(settings, f"{kind} disable", {"id": id}), as_json=as_json)

    for command, verb in ((list_, "List every"), (show_, "Show one"), (disable, "Disable one")):
        command.help = f"{verb} {kind}{'' if command is list_ else f', by {by}'}."


def _add(group: click.Group, kind: str, help: str, *options: Callable[[Any], Any], verb: str = "add") -> None:
    """`add` differs by its options alone, and so does `edit`."""

    def add(settings: Settings, as_json: bool, **given: Any) -> None:
        said = {name: value for name, value in given.items() if value is not None}
        show(run_on_store(settings, f"{kind} {verb}", said), as_json=as_json)

    command: Any = as_json(add)
    for option in reversed(options):
        command = option(command)
    group.add_command(click.command(verb, help=help)(data_options(command)))


@click.group()
def site() -> None:
    """Clinics, hospitals and centres."""


_add(site, "site", "Add a site, e.g. `site add yangchang --name 羊昌卫生院 --kind township`.",
     click.argument("id"), click.option("--name", required=True), click.option("--name-en"),
     click.option("--kind", type=click.Choice(["centre", "hospital", "township", "village"]), default="township"),
     click.option("--phone"))
_common(site, "site", "id")


@click.group()
def device() -> None:
    """Modalities and ECG carts that may send."""


def _read_certificate(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A file's text, or a fingerprint as it is."""
    if value is None or not Path(value).is_file():
        return value
    return Path(value).read_text(encoding="ascii", errors="replace")


_DEVICE_OPTIONS = (
    click.option("--address", help="IP address it must call from."),
    click.option("--modality", help="DICOM modality code it usually sends."),
    click.option("--character-set", help="Codec of a device that mislabels its text, e.g. gb18030."),
    click.option("--port", type=click.IntRange(0, 65535), help="Where it listens itself; 0: it only calls."),
    click.option("--answer-character-set", help="Of our answers to it, e.g. GB18030; pinyin: Latin letters."),
    click.option("--certificate", "certificate_sha256", metavar="FILE|SHA256", callback=_read_certificate,
                 help="The client certificate that it must show: a PEM file, or its SHA-256; '': none."),
    click.option("--max-associations", type=click.IntRange(0), help="Open at the same time; 0: no own limit."),
    click.option("--quiet-period", "quiet_period_s", type=click.FloatRange(0), metavar="SECONDS",
                 help="Silence after which its studies are complete; 0: as set for all."),
    click.option("--relay/--no-relay", "is_relay", default=None, help="It speaks for several clinics."),
)

_add(device, "device", "Register a device by its AE title.",
     click.argument("ae_title"), click.option("--site", "site_id", required=True),
     click.option("--name", required=True), *_DEVICE_OPTIONS)
_add(device, "device", "Change what is said of a device, found by id or AE title, and nothing else.",
     click.argument("id"), click.option("--site", "site_id"), click.option("--name"), click.option("--ae-title"),
     *_DEVICE_OPTIONS, click.option("--enable/--disable", "is_enabled", default=None), verb="edit")
_common(device, "device", "id or AE title")


@click.group()
def user() -> None:
    """People who log in."""


def _parse_grants(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> list[list[str | None]]:
    grants: list[list[str | None]] = []
    for value in values:
        role, _, site_id = value.partition("@")
        if role not in ("clinic", "reader", "reviewer", "admin") or not site_id:
            raise click.BadParameter(f"{value!r}: say role@site, e.g. reader@yangchang, or role@all")
        grants.append([role, None if site_id == "all" else site_id])
    return grants


def _read_password(context: click.Context, option: click.Parameter, value: bool) -> str | None:
    return sys.stdin.readline().rstrip("\n") if value else None


_add(user, "user", "Add a person; without --password-stdin a password is made and printed once.",
     click.argument("login"), click.option("--name", "display_name", required=True),
     click.option("--title", help="职称, printed beside the signature."),
     click.option("--grant", "grants", multiple=True, required=True, callback=_parse_grants,
                  help="role@site or role@all; roles: clinic, reader, reviewer, admin. Repeatable."),
     click.option("--password-stdin", "password", is_flag=True, callback=_read_password,
                  help="Read the password from the first line of standard input."))
_common(user, "user", "login")


@click.group()
def token() -> None:
    """Bearer tokens of machines."""


_add(token, "token", "Add a token; it is printed once.",
     click.option("--site", "site_id", required=True),
     click.option("--scope", type=click.Choice(["ingest", "read", "perform", "admin"]), required=True),
     click.option("--name", default="", help="What it is for."))
_common(token, "token", "id")


@click.group()
def destination() -> None:
    """Where the reports of a site go, besides its own page."""


_add(destination, "destination", "Add a DICOM node, an Orthanc, or a clinic's own program that fetches (pull).",
     click.option("--site", "site_id", required=True), click.option("--name", required=True),
     click.option("--kind", type=click.Choice(["dicom", "orthanc", "pull"]), default="dicom"),
     click.option("--ae-title"), click.option("--host", help="Not for pull."),
     click.option("--port", type=click.IntRange(1, 65535), help="Not for pull."),
     click.option("--asks-commitment", is_flag=True,
                  help="A report is accepted once the DICOM node has committed to keeping it."),
     click.option("--uses-tls", is_flag=True, help="The DICOM node's port is secured by TLS."),
     click.option("--certificate-sha256", help="Fingerprint of the certificate that it must show; without it, one "
                                               "that names the host."))
_common(destination, "destination", "id")


@click.group()
def partner() -> None:
    """Systems that may send orders by HL7 v2."""


_add(partner, "partner", "Let a system send, e.g. `partner add YCHIS --site yangchang --character-set GB18030`.",
     click.argument("facility"), click.option("--site", "site_id", required=True),
     click.option("--application", help="MSH-3; left out: any."), click.option("--name"),
     click.option("--character-set", help="Of its text where MSH-18 says nothing.  [default: UTF-8]"))
_common(partner, "partner", "id")
