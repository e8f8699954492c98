"""What the DICOM port negotiates; gateway/dicom/CONFORMANCE.md lists the same, and a test compares them."""

from __future__ import annotations

from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AllStoragePresentationContexts

VERIFICATION_SOP_CLASS = "1.2.840.10008.1.1"
HTJ2K_SYNTAXES = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")
UNCOMPRESSED_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2")

STORAGE_SOP_CLASSES: tuple[str, ...] = tuple(sorted(
    str(context.abstract_syntax) for context in AllStoragePresentationContexts))
"""Every storage SOP class of the standard that pynetdicom knows, retired ones among them."""

TRANSFER_SYNTAXES: tuple[str, ...] = tuple(dict.fromkeys(
    (*UNCOMPRESSED_SYNTAXES, *(str(uid) for uid in AllTransferSyntaxes), *HTJ2K_SYNTAXES)))
"""Every transfer syntax of the standard; an object is kept as it was sent, never transcoded."""
