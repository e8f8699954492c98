"""`make bench`: run every benchmark, print one table, write var/bench.json.

A benchmark is a module bench_*.py with `measure() -> Iterable[Row]`. Figures are medians; a `peer` is measured in the
same run and `ratio` is ours / peer. These figures are never asserted: machines are noisy, ratios tell.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.row import Row, as_json

HERE = Path(__file__).parent


def main(wanted: list[str]) -> None:
    names = sorted(path.stem for path in HERE.glob("bench_*.py"))
    rows: list[Row] = []
    for name in names:
        if wanted and not any(part in name for part in wanted):
            continue
        print(f"» {name}", file=sys.stderr, flush=True)
        for row in importlib.import_module(f"tests.benchmarks.{name}").measure():
            rows.append(row)
            print(f"  {row.name}: {row.value:.4g} {row.unit}", "" if row.ratio is None else f"({row.ratio:.2f})",
                  file=sys.stderr, flush=True)
    table = Table("what", "value", "unit", "goal", "peer", "ratio", box=None, header_style="bold")
    for row in rows:
        table.add_row(row.name, f"{row.value:.4g}", row.unit, row.goal, row.peer,
                      "" if row.ratio is None else f"{row.ratio:.2f}")
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    out = Path("var/bench.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps([as_json(row) for row in rows], ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
