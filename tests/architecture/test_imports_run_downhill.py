"""The picture of the house is true: rules decide, storage remembers, the gateway acts, the reading UI shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

EDGES = ("gateway.dicom", "gateway.ecg", "gateway.hl7", "gateway.http", "gateway.delivery")
MAKERS = ("gateway.reports", "gateway.renditions", "gateway.signals", "gateway.formats")
WORDS = ("storage.model", "storage.errors")      # plain words that anyone in gateway/ may use
COMMON = ("gateway.__version__", "gateway.core", "gateway.settings", "gateway.observability", *WORDS)
BELOW_SERVICES = (*MAKERS, *COMMON)

# room → what it may import besides itself; the longest matching name is the room of a module
ALLOWED: dict[str, tuple[str, ...]] = {
    "gateway.core": WORDS,
    "gateway.settings": (),
    "gateway.observability": (),
    "gateway.wire": (),
    **{maker: COMMON for maker in MAKERS},
    "gateway.renditions": ("gateway.formats", *COMMON),      # a picture or a copy is made of what a format reads
    "gateway.services": (*BELOW_SERVICES, "storage.interface", "routing_rules"),
    **{edge: ("gateway.services", "gateway.wire", *BELOW_SERVICES) for edge in EDGES},
    "gateway.http": ("gateway.services", *BELOW_SERVICES),
    "gateway.demo": ("gateway", *WORDS, "storage.interface", "routing_rules"),
    "gateway.cli": ("gateway", "storage", "routing_rules"),
    "gateway.main": ("gateway", "storage"),
    "gateway.__main__": ("gateway.cli",),
    "gateway": (),
    "storage": (),
    "routing_rules": (),
    "reading_ui": ("gateway.http.messages",),      # the browser's types are generated from the messages
}


def is_inside(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def room_of(module: str) -> str:
    return max((room for room in ALLOWED if is_inside(module, room)), key=len)


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("gateway", "storage", "routing_rules", "reading_ui"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(module: str, path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, also inside functions and for typing alone."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def uphill(module: str, path: Path) -> Iterator[str]:
    room = room_of(module)
    for imported in imports_of(module, path):
        if imported.split(".")[0] not in ("gateway", "storage", "routing_rules", "reading_ui", "tests"):
            continue
        if is_inside(imported, room) and not (room == "gateway" and is_inside(imported, "gateway.")):
            continue
        if not any(is_inside(imported, allowed) for allowed in ALLOWED[room]):
            yield f"{module} imports {imported}"


def test_every_import_runs_downhill() -> None:
    wrong = [line for module, path in modules() for line in uphill(module, path)]
    assert not wrong, "imports that run uphill:\n  " + "\n  ".join(wrong)


def test_an_import_that_runs_uphill_is_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("from gateway.http import app\n")
    assert list(uphill("gateway.core.bad", bad)) == ["gateway.core.bad imports gateway.http.app"]
    bad.write_text("def f():\n    from ..dicom import storage_scp\n")
    assert list(uphill("gateway.http.bad", bad)) == ["gateway.http.bad imports gateway.dicom.storage_scp"]
    bad.write_text("import tests.support.peers\n")
    assert list(uphill("storage.bad", bad)) == ["storage.bad imports tests.support.peers"]


def test_every_room_has_a_readme() -> None:
    rooms = {path.parent for top in ("gateway", "storage", "routing_rules", "reading_ui")
             for path in (ROOT / top).rglob("__init__.py") if "node_modules" not in path.parts}
    rooms |= {p for p in (ROOT / "reading_ui" / "src").iterdir() if p.is_dir() and p.name.endswith("_viewer")}
    rooms |= {ROOT / "tests", ROOT / "docker"}
    missing = sorted(str(room.relative_to(ROOT)) for room in rooms if not (room / "README.md").exists())
    assert not missing, f"rooms without a README: {missing}"


def test_no_source_file_outgrows_four_hundred_lines() -> None:
    """House style: a file with a second subject is split. A file named here has a reason that a reader accepts."""
    accepted = {
        "gateway/http/messages/__init__.py": "every JSON body, one after another",
        "reading_ui/src/api/types.ts": "generated",
    }
    long = {}
    for top in ("gateway", "storage", "routing_rules", "reading_ui/src", "tests"):
        for path in (ROOT / top).rglob("*"):
            if path.suffix in (".py", ".ts", ".tsx", ".css") and "node_modules" not in path.parts:
                lines = len(path.read_text(encoding="utf-8").splitlines())
                if lines > 400 and str(path.relative_to(ROOT)) not in accepted:
                    long[str(path.relative_to(ROOT))] = lines
    assert not long, long
