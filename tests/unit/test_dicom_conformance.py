"""The conformance statement says what the code does (PS3.2)."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from pydicom.datadict import keyword_for_tag

from gateway.core.commitment import FailureReason
from gateway.core.errors import Unreadable
from gateway.core.query_keys import ATTRIBUTES, Level
from gateway.core.workitems import Status
from gateway.core.worklist import REQUEST, STEP
from gateway.dicom import commitment_scp, mpps_scp, query_scp, retrieve_scp, statuses, ups_scp, worklist_scp
from gateway.dicom.loop_bridge import LoopBridge
from gateway.dicom.offered_services import PortContext, offered_services
from gateway.formats.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from gateway.services.receive_instance import Sender
from gateway.settings import Settings
from gateway.wire.event_report_scu import OpenLines
from gateway.wire.presentation import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES, VERIFICATION_SOP_CLASS
from storage.errors import StorageFull, StorageUnavailable
from storage.model import ArrivalVia

ROOT = Path(__file__).parents[2]
STATEMENT = (ROOT / "gateway/dicom/CONFORMANCE.md").read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """The UIDs in the last column of the table under a heading."""
    section = STATEMENT.split(heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"\| ([0-9.]+) \|$", section, flags=re.MULTILINE)


def test_the_statement_lists_the_sop_classes_of_the_code():
    assert tuple(table("## 14. Storage SOP classes")) == STORAGE_SOP_CLASSES


def test_the_statement_lists_the_transfer_syntaxes_of_the_code():
    assert tuple(table("## 13. Transfer syntaxes")) == TRANSFER_SYNTAXES


@pytest.mark.parametrize("uid", [
    "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.9.1.2",
    "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.88.59",
    "1.2.840.10008.5.1.4.1.1.11.1"])
def test_every_class_that_a_remote_reading_gateway_must_take_is_among_them(uid):
    """Requirements 2.N: CR, DX, CT, MR, US, US multi-frame, SC, waveforms, SR, encapsulated PDF, KOS, PR."""
    assert uid in STORAGE_SOP_CLASSES


def statuses_under(heading: str) -> set[int]:
    """The codes in the first column of the table with this head."""
    section = STATEMENT.split(heading, 1)[1].split("\n\n", 1)[0]
    return {int(found, 16) for found in re.findall(r"^\| ([0-9A-F]{4}) \|", section, flags=re.MULTILINE)}


def codes_of(module: ModuleType) -> set[int]:
    """The status codes that a module itself names: in its source, NAME = 0x…, or several at once."""
    source = inspect.getsource(module)
    lines = re.findall(r"^[A-Z][A-Z_0-9, ]*= (0x[0-9A-F]{4}(?:, 0x[0-9A-F]{4})*)", source, flags=re.MULTILINE)
    return {int(code, 16) for line in lines for code in line.split(", ")}


def test_the_statement_lists_the_statuses_of_the_code():
    assert statuses_under("| Status | When | Kept |") == {
        statuses.SUCCESS, statuses.PROCESSING_FAILURE, *statuses.STATUSES.values()}


@pytest.mark.parametrize(("module", "heading", "besides"), [
    (query_scp, "| Status | When (C-FIND) |", set()),
    (retrieve_scp, "| Status | When (C-GET, C-MOVE) |", {0x0000, 0xA900, 0xFE00, 0xFF00}),
    (worklist_scp, "| Status | When (worklist) |", set()),
    (mpps_scp, "| Status | When (MPPS) |", {0xA710}),
    (commitment_scp, "| Status | When (N-ACTION, N-EVENT-REPORT) |", set())])
def test_the_statement_lists_the_statuses_of_each_service(module, heading, besides):
    """`besides`: named by query_scp or a room below, or an Error ID beside a status (A710)."""
    assert statuses_under(heading) ^ codes_of(module) == besides


def test_the_statement_lists_the_statuses_of_unified_procedure_steps():
    """They are those of the pure state machine, and what the port adds; action numbers are no statuses."""
    assert statuses_under("| Status | When (UPS) |") == {int(status) for status in Status} | codes_of(ups_scp)


def test_the_statement_lists_the_reasons_for_which_a_commitment_fails():
    told = statuses_under("| Failure Reason | When |") | {FailureReason.DUPLICATE_TRANSACTION_UID}
    assert told == {reason.value for reason in FailureReason}


async def test_the_statement_lists_every_service_that_the_port_offers(parts):
    section = STATEMENT.split("| Service | SCU | SCP | SOP class |", 1)[1].split("\n\n", 1)[0]
    listed = set(re.findall(r"\| ([0-9.]+) \|$", section, flags=re.MULTILINE))
    bridge = LoopBridge(asyncio.get_running_loop(), timeout_s=1.0)
    offered = offered_services(PortContext(
        parts, bridge, sender_of=lambda peer: Sender("", None, ArrivalVia.DICOM), lines=OpenLines()))
    assert listed == {VERIFICATION_SOP_CLASS, *(uid for service in offered for uid in service.sop_class_uids)}


@pytest.mark.parametrize("level", Level)
def test_the_statement_lists_the_keys_of_each_level(level):
    (row,) = re.findall(rf"^\| {level.name} \| (.*) \|$", STATEMENT, flags=re.MULTILINE)
    assert set(row.split(", ")) == {key.keyword for key in ATTRIBUTES.values() if key.level is level}


@pytest.mark.parametrize(("where", "keys"), [("Scheduled Procedure Step Sequence", STEP), ("beside it", REQUEST)])
def test_the_statement_lists_the_keys_of_the_worklist(where, keys):
    (row,) = re.findall(rf"^\| {where} \| (.*) \|$", STATEMENT, flags=re.MULTILINE)
    assert set(row.split(", ")) == {keyword_for_tag(tag) for tag in keys}


def test_the_statement_names_every_setting_that_it_speaks_of_rightly():
    named = set(re.findall(r"`([a-z_]+)(?: = [^`]*)?`", STATEMENT)) - {"pinyin"}
    assert named <= {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize(("error", "status"), [
    (StorageFull(), 0xA700), (StorageUnavailable(), 0xA700), (statuses.UnexpectedInstance(), 0xA900),
    (Unreadable(), 0xC000), (RuntimeError(), 0x0110)])
def test_an_error_is_answered_with_its_status(error, status):
    """B2."""
    assert statuses.status_of(error) == status


def test_the_statement_names_our_implementation():
    assert IMPLEMENTATION_CLASS_UID in STATEMENT
    assert IMPLEMENTATION_VERSION_NAME in STATEMENT
    assert VERIFICATION_SOP_CLASS in STATEMENT
