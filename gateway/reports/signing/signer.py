"""The signer port: who can put a doctor's electronic signature on a PDF (F4).

Today one adapter answers it, the local test CA. A hospital's CA, its sign server or a USB token becomes another file
in this room. SM2/SM3 cannot live inside PAdES with any library we know; it would be a detached signature beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.errors import GatewayError


class SigningFailed(GatewayError):
    """The signature could not be made; nothing was signed."""

    reason = "signing-failed"


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """One person's certificate, and the private key as the adapter keeps it. Both are opaque to others."""

    certificate_pem: str
    encrypted_key_pem: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is printed of a certificate."""

    subject: str
    serial: str                          # hex
    issuer: str
    notice: str                          # words that must stand wherever its signature shows, "" for none


class Signer(Protocol):
    """Signs with a key that belongs to one person alone. Blocking: call it from a thread."""

    def issue(self, *, user_id: str, name: str, title: str, at: datetime) -> SigningIdentity:
        """Make the person's key and certificate. Raises SigningFailed."""

    def describe(self, identity: SigningIdentity) -> CertificateFacts:
        """Say what the certificate says."""

    def sign(self, pdf: bytes, identity: SigningIdentity, *, name: str, reason: str, location: str,
             at: datetime) -> bytes:
        """Return the PDF with the signature appended; not a byte of `pdf` changes. Raises SigningFailed."""
