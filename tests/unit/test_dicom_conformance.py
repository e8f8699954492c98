"""The conformance statement says what the code does (PS3.2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.core.errors import Unreadable
from gateway.dicom import statuses
from gateway.formats.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from gateway.wire.presentation import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES, VERIFICATION_SOP_CLASS
from storage.errors import StorageFull, StorageUnavailable

ROOT = Path(__file__).parents[2]
STATEMENT = (ROOT / "gateway/dicom/CONFORMANCE.md").read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """The UIDs in the last column of the table under a heading."""
    section = STATEMENT.split(heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"\| ([0-9.]+) \|$", section, flags=re.MULTILINE)


def test_the_statement_lists_the_sop_classes_of_the_code():
    assert tuple(table("## 7. Storage SOP classes")) == STORAGE_SOP_CLASSES


def test_the_statement_lists_the_transfer_syntaxes_of_the_code():
    assert tuple(table("## 6. Transfer syntaxes")) == TRANSFER_SYNTAXES


@pytest.mark.parametrize("uid", [
    "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.9.1.2",
    "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.88.59",
    "1.2.840.10008.5.1.4.1.1.11.1"])
def test_every_class_that_a_remote_reading_gateway_must_take_is_among_them(uid):
    """Requirements 2.N: CR, DX, CT, MR, US, US multi-frame, SC, waveforms, SR, encapsulated PDF, KOS, PR."""
    assert uid in STORAGE_SOP_CLASSES


def test_the_statement_lists_the_statuses_of_the_code():
    section = STATEMENT.split("| Status | When | Kept |", 1)[1].split("\n\n", 1)[0]
    listed = {int(found, 16) for found in re.findall(r"^\| ([0-9A-F]{4}) \|", section, flags=re.MULTILINE)}
    assert listed == {statuses.SUCCESS, statuses.PROCESSING_FAILURE, *statuses.STATUSES.values()}


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
