"""`keeping`, `hold`, `deletion`: how much room is left, how long things are kept, what is sealed."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.bridge import data_options, run_on_store, show
from gateway.settings import Settings

as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group()
def keeping() -> None:
    """Room, background checks, second copies, retention."""


@keeping.command("show")
@data_options
@as_json
def show_(settings: Settings, as_json: bool) -> None:
    """Room left and for how long, progress of the checks, lag of the second copy."""
    show(run_on_store(settings, "keeping show", {}), as_json=as_json)


@keeping.command("begin-copies")
@data_options
@as_json
def begin_copies(settings: Settings, as_json: bool) -> None:
    """Begin the second copy anew: after its disk was replaced. Everything is copied there."""
    show(run_on_store(settings, "keeping begin-copies", {}), as_json=as_json)


@keeping.command("retention")
@data_options
@click.argument("words", default="")
@as_json
def retention(settings: Settings, words: str, as_json: bool) -> None:
    """Until when studies are kept: by UID, accession number, patient ID or name; without words those that may go."""
    show(run_on_store(settings, "keeping retention", {"words": words}), as_json=as_json)


@click.group()
def hold() -> None:
    """Seal studies (封存) and release them."""


@hold.command("list")
@data_options
@click.option("--released", is_flag=True, help="Also those that were released.")
@as_json
def list_(settings: Settings, released: bool, as_json: bool) -> None:
    """List sealed studies."""
    show(run_on_store(settings, "hold list", {"released": released}), as_json=as_json)


@hold.command("place")
@data_options
@click.argument("study")
@click.option("--reason", required=True)
@click.option("--demanded-by", required=True, help="Who demands it, by name.")
@as_json
def place(settings: Settings, study: str, reason: str, demanded_by: str, as_json: bool) -> None:
    """Seal a study, by Study Instance UID or accession number."""
    show(run_on_store(settings, "hold place", {"study": study, "reason": reason, "demanded_by": demanded_by}),
         as_json=as_json)


@hold.command("release")
@data_options
@click.argument("id")
@click.option("--reason", required=True)
@as_json
def release(settings: Settings, id: str, reason: str, as_json: bool) -> None:
    """End a hold."""
    show(run_on_store(settings, "hold release", {"id": id, "reason": reason}), as_json=as_json)


@hold.command("manifest")
@data_options
@click.argument("id")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: the screen.")
def manifest(settings: Settings, id: str, out: Path | None) -> None:
    """Hand out what was sealed, by hash; its own hash stands in the audit trail."""
    answer = run_on_store(settings, "hold manifest", {"id": id})
    if out is None:
        click.echo(answer["manifest"])
    else:
        out.write_bytes(answer["manifest"].encode())
        click.echo(f"{answer['manifest_sha256']}  {out}")


@click.group()
def deletion() -> None:
    """Look at deletions; they are asked for and approved on the administrator's page, by two people."""


@deletion.command("list")
@data_options
@as_json
def list_deletions(settings: Settings, as_json: bool) -> None:
    """List what was asked for, what waits, and what is done."""
    show(run_on_store(settings, "deletion list", {}), as_json=as_json)
