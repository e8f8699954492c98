"""A PDF as an ECG without leads: kept, shown as it is, read by a person; never traced into samples (B8).

When it was made is not when the ECG was recorded, so it is a note and not the time of the study. A DICOM Encapsulated
PDF holds the same; `pdf_inside` takes it out.
"""

from __future__ import annotations

import io
from datetime import tzinfo

import pydicom
from pydicom.errors import InvalidDicomError

from gateway.core.errors import Unreadable
from gateway.core.waveform import EcgRecord
from gateway.formats import pdf_ecg

NAME = pdf_ecg.NAME
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
recognise = pdf_ecg.recognise


def read(data: bytes, *, time_zone: tzinfo) -> EcgRecord:
    """What the PDF says of itself, in notes; no leads."""
    facts = pdf_ecg.describe(data, time_zone=time_zone)
    notes = [f"PDF, {facts.page_count} page(s)" if facts.page_count else "PDF"]
    if facts.title:
        notes.append(f"title: {facts.title[:200]}")
    if facts.created_at is not None:
        notes.append(f"made {facts.created_at.isoformat(timespec='minutes')}")
    warnings = ("The PDF asks for a password.",) if facts.has_encryption else ()
    return EcgRecord(format=NAME, interval_us=0.0, leads=(), recorded_at=None, warnings=warnings, notes=tuple(notes))


def pdf_inside(data: bytes) -> bytes:
    """The PDF of an Encapsulated PDF object (PS3.3 A.45.1). Raises Unreadable("pdf-missing")."""
    try:
        ds = pydicom.dcmread(io.BytesIO(data))
        document = bytes(ds.EncapsulatedDocument)
    except (InvalidDicomError, AttributeError, TypeError, ValueError, EOFError, OSError) as exc:
        raise Unreadable("The object holds no document.", reason="pdf-missing") from exc
    length = ds.get("EncapsulatedDocumentLength")
    if isinstance(length, int) and 0 < length <= len(document):
        document = document[:length]
    if not document.lstrip(b"\r\n \t\0").startswith(b"%PDF-"):
        raise Unreadable("The document is no PDF.", reason="pdf-missing")
    return document
