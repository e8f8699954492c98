"""`reading-gateway ecg show FILE` and `ecg convert FILE --to FORMAT`: ECG files without a server.

What is shown and written are the leads of the file; leads that follow from others are the viewer's business.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from gateway.core.errors import GatewayError, InvalidRequest, Unreadable
from gateway.core.waveform import MISSING_NV, EcgLead, EcgRecord
from gateway.formats.ecg import read_ecg
from gateway.formats.ecg_export import EcgTarget, export
from gateway.formats.wfdb_record import signal_files
from gateway.formats.zip_members import pack


@click.group()
def ecg() -> None:
    """Look into ECG files."""


@ecg.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@click.option("--time-zone", default="Asia/Shanghai", show_default=True, help="Zone of a device clock without one.")
def show(file: Path, as_json: bool, time_zone: str) -> None:
    """Decode one ECG; a WFDB header (.hea) is read with the signal files beside it."""
    record = _record(file, time_zone, as_json=as_json)
    described = describe(record)
    click.echo(json.dumps(described, ensure_ascii=False, indent=1) if as_json else _text(record, described))


@ecg.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "target", required=True, type=click.Choice([target.value for target in EcgTarget]),
              help="dicom: General ECG Waveform; scp: SCP-ECG 2.0; aecg: HL7 Annotated ECG; wfdb: a zip.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The file to write; an existing one is replaced.")
@click.option("--twelve-lead", is_flag=True, help="dicom: the 12-lead object, where its limits fit.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@click.option("--time-zone", default="Asia/Shanghai", show_default=True, help="Zone of a device clock without one.")
def convert(file: Path, target: str, output: Path, twelve_lead: bool, as_json: bool, time_zone: str) -> None:
    """Write one ECG in another format, and say what that format cannot hold."""
    record = _record(file, time_zone, as_json=as_json)
    try:
        exported = export(record, EcgTarget(target), as_twelve_lead=twelve_lead)
        output.write_bytes(exported.data)
    except InvalidRequest as exc:
        _refuse(file, exc, as_json=as_json)
    except OSError as exc:
        _refuse(file, GatewayError(f"{output} cannot be written: {exc.strerror}.", reason="cannot-write"),
                as_json=as_json)
    if as_json:
        click.echo(json.dumps({
            "from": record.format, "to": target, "output": str(output), "size_bytes": len(exported.data),
            "n_leads": len(record.leads), "losses": list(exported.losses), "warnings": list(record.warnings),
        }, ensure_ascii=False, indent=1))
        return
    click.echo(f"{record.format} → {target}  {len(record.leads)} leads × {record.sample_count}  "
               f"{len(exported.data)} bytes  {output}")
    for words in record.warnings:
        click.echo(f"  warning: {words}")
    for words in exported.losses:
        click.echo(f"  lost: {words}")


def _record(file: Path, time_zone: str, *, as_json: bool) -> EcgRecord:
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise click.BadParameter(f"There is no time zone {time_zone!r}.", param_hint="--time-zone") from exc
    try:
        return read_ecg(_bytes_of(file), time_zone=zone, file_name=file.name)
    except Unreadable as exc:
        _refuse(file, exc, as_json=as_json)


def _refuse(file: Path, error: GatewayError, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"reason": error.reason, "detail": str(error)}, ensure_ascii=False))
    click.echo(f"{file.name}: {error.reason}: {error}", err=True)
    sys.exit(1)


def describe(record: EcgRecord) -> dict[str, Any]:
    """The JSON of `ecg show`."""
    return {
        "format": record.format, "fs_hz": round(record.sampling_frequency_hz, 6) if record.leads else 0.0,
        "interval_us": record.interval_us,
        "n_leads": len(record.leads), "n_samples": record.sample_count,
        "recorded_at": record.recorded_at.isoformat() if record.recorded_at else None,
        "device_model": record.device_model, "filters": record.filters,
        "leads": {lead.name: _lead(lead) for lead in record.leads}, "measurements": dict(record.measurements),
        "statements": list(record.statements), "critical_statements": list(record.critical_statements),
        "n_marks": len(record.marks), "n_representative_beats": len(record.representative_beats),
        "warnings": list(record.warnings), "notes": list(record.notes),
    }


def _lead(lead: EcgLead) -> dict[str, Any]:
    nanovolts = lead.nanovolts()
    present = nanovolts[nanovolts != MISSING_NV]
    return {
        "first5_uV": [None if value == MISSING_NV else int(value) / 1000 for value in nanovolts[:5]],
        "min_uV": int(present.min()) / 1000 if len(present) else None,
        "max_uV": int(present.max()) / 1000 if len(present) else None,
        "sha256_nV_i32le": hashlib.sha256(nanovolts.astype("<i4").tobytes()).hexdigest(),
    }


def _bytes_of(file: Path) -> bytes:
    data = file.read_bytes()
    if file.suffix.lower() != ".hea":
        return data
    files = {file.name: data}
    wanted = [*signal_files(data), f"{file.stem}.atr"]
    while wanted:
        beside = file.parent / Path(wanted.pop(0)).name
        if beside.name not in files and beside.is_file():
            files[beside.name] = beside.read_bytes()
            if beside.suffix.lower() == ".hea":          # a segment's header names files of its own
                wanted += signal_files(files[beside.name])
    return pack(files)


def _text(record: EcgRecord, described: dict[str, Any]) -> str:
    lines = [f"{record.format}  {described['fs_hz']:g} Hz  {described['n_leads']} leads × {described['n_samples']}"]
    lines += [f"  {name:<5} {lead['min_uV']} … {lead['max_uV']} µV" for name, lead in described["leads"].items()]
    lines += [f"  {key} = {value:g}" for key, value in record.measurements.items()]
    lines += [f"  cart says: {words}" for words in record.statements]
    lines += [f"  warning: {words}" for words in record.warnings]
    lines += [f"  note: {words}" for words in record.notes]
    return "\n".join(lines)
