"""`reading-gateway ecg show FILE`: what is in an ECG file, without a server."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from gateway.core.errors import Unreadable
from gateway.core.waveform import MISSING_NV, EcgLead, EcgRecord
from gateway.formats.ecg import read_ecg
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
    try:
        record = read_ecg(_bytes_of(file), time_zone=ZoneInfo(time_zone), file_name=file.name)
    except Unreadable as exc:
        if as_json:
            click.echo(json.dumps({"reason": exc.reason, "detail": str(exc)}, ensure_ascii=False))
        click.echo(f"{file.name}: {exc.reason}: {exc}", err=True)
        sys.exit(1)
    described = describe(record)
    click.echo(json.dumps(described, ensure_ascii=False, indent=1) if as_json else _text(record, described))


def describe(record: EcgRecord) -> dict[str, Any]:
    """The JSON of `ecg show`."""
    return {
        "format": record.format, "fs_hz": round(record.sampling_frequency_hz, 6), "interval_us": record.interval_us,
        "n_leads": len(record.leads), "n_samples": record.sample_count,
        "recorded_at": record.recorded_at.isoformat() if record.recorded_at else None,
        "device_model": record.device_model, "filters": record.filters,
        "leads": {lead.name: _lead(lead) for lead in record.leads}, "measurements": dict(record.measurements),
        "statements": list(record.statements), "warnings": list(record.warnings), "notes": list(record.notes),
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
