"""What we lean on inside pynetdicom is as we know it. When this fails, upstream changed: read, adapt, then renew.

pyproject.toml pins pynetdicom to 3.0; a release inside that range may still move what it does not promise to keep.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
from pathlib import Path
from typing import Any

import pynetdicom
import pytest
from pynetdicom import acse, association, dimse, dul, fsm, timer, transport

from gateway.wire import upper_layer

ROOT = Path(__file__).parents[2]
THE_FILE = ROOT / "gateway/wire/upper_layer.py"

# Of the release 3.0.4: the code that we override, call, or stand beside, its hash, and how its signature begins.
KNOWN: tuple[tuple[Any, str, str], ...] = (
    (dul.DULServiceProvider._read_pdu_data, "90e4453840f7e31a", "(self) -> None"),
    (dul.DULServiceProvider._is_transport_event, "e6689baa15a2f1f3", "(self) -> bool"),
    (dul.DULServiceProvider._process_recv_primitive, "e2389839bb29c2d9", "(self) -> bool"),
    (dul.DULServiceProvider.__init__, "dc16729890247595", "(self, assoc: 'Association') -> None"),
    (dul.DULServiceProvider.run_reactor, "5510d9fcbcb03759", "(self) -> None"),
    (dul.DULServiceProvider.idle_timer_expired, "838521f53c176e76", "(self) -> bool"),
    (transport.AssociationSocket.recv, "2ff85c4fe61fad1f", "(self, nr_bytes: int) -> bytearray"),
    (vars(transport.AssociationSocket)["ready"].fget, "c787149e1841866f", "(self) -> bool"),
    (transport.AssociationSocket.send, "708b958ffa1159dc", "(self, bytestream: bytes) -> None"),
    (transport.AssociationSocket.close, "79511ad659f89c3b", "(self) -> None"),
    (transport.AssociationSocket._shutdown_socket, "7204b62c971703b7", "(self) -> None"),
    (transport.RequestHandler._create_association, "9b13762e0fcedb3a", "(self) -> 'Association'"),
    (dimse.DIMSEServiceProvider.receive_primitive, "30ca257ed4a4d320", "(self, primitive: 'P_DATA') -> None"),
    (dimse.DIMSEServiceProvider.get_msg, "1185aa737de8b616", "(self, block: bool = False)"),
    (association.Association._run_reactor, "cb82fc19c31a1eef", "(self) -> None"),
    (association.Association._abort_blocking, "c95ce39384751c78", "(self, block: bool = True) -> None"),
    (acse.ACSE._negotiate_as_acceptor, "6472492e99f8fa2a", "(self) -> None"),
    (timer.Timer.restart, "431512a05d4bdda9", "(self) -> None"),
    (fsm.DT_2, "6541e369216c2ab5", "(dul: 'DULServiceProvider') -> str"),
)


def print_of(code: Any) -> str:
    """A hash of the source, layout at the line ends aside."""
    lines = [line.rstrip() for line in inspect.getsource(code).splitlines()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_the_release_is_one_that_we_know():
    assert pynetdicom.__version__.startswith("3.0."), "read what changed, then renew the pin and this file"


@pytest.mark.parametrize(("code", "known", "signature"), KNOWN, ids=lambda value: getattr(value, "__qualname__", ""))
def test_the_code_that_we_lean_on_is_as_we_know_it(code, known, signature):
    assert str(inspect.signature(code)).startswith(signature)
    assert print_of(code) == known, f"{code.__qualname__} changed in pynetdicom {pynetdicom.__version__}"


def test_every_private_name_that_is_listed_exists():
    ae = pynetdicom.AE()
    one = association.Association(ae, "requestor")
    instances = {"DULServiceProvider": one.dul, "Association": one}
    for owner, names in upper_layer.PRIVATE_NAMES.items():
        if owner == "pynetdicom":
            assert all(hasattr(pynetdicom, name) for name in names)
            continue
        module, _, kind = owner.rpartition(".")
        cls = getattr(importlib.import_module(module), kind)
        for name in names:
            assert hasattr(instances.get(kind, cls), name) or name in inspect.getsource(cls.__init__), (owner, name)


def test_the_switches_that_we_set_exist():
    for name in ("UNRESTRICTED_STORAGE_SERVICE", "LOG_HANDLER_LEVEL", "VALIDATORS"):
        assert hasattr(pynetdicom._config, name)
    assert "UI" in pynetdicom._config.VALIDATORS


def test_a_c_store_between_messages_is_read_in_state_six():
    assert "Sta6" in fsm.STATES
    assert fsm.TRANSITION_TABLE["Evt10", "Sta6"] == "DT-2"
    assert fsm.TRANSITION_TABLE["Evt17", "Sta6"] == "AA-4"
    assert fsm.TRANSITION_TABLE["Evt19", "Sta6"] == "AA-8"


def private_names(path: Path, *, is_own_counted: bool) -> set[str]:
    """Private names that a file imports from pynetdicom or reaches for on an object, its own `self` perhaps aside."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            found |= {node.attr} if is_own_counted or not is_own else set()
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pynetdicom"):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


OUR_OWN = {"_put", "_on_put", "_is_between_messages"}       # `_put` is queue.Queue's, documented for subclasses


def test_one_file_touches_private_names_of_pynetdicom_and_lists_them_all():
    listed = {name for names in upper_layer.PRIVATE_NAMES.values() for name in names}
    assert private_names(THE_FILE, is_own_counted=True) - OUR_OWN == listed
    users = [path for path in (ROOT / "gateway").rglob("*.py")
             if "pynetdicom" in path.read_text(encoding="utf-8") and path != THE_FILE]
    assert len(users) > 3
    touching = {path.name: names for path in users if (names := private_names(path, is_own_counted=False))}
    assert touching == {}
