"""What people and alarms need to know of an X.509 certificate."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.core.errors import InvalidRequest, Unreadable

_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    sha256: str                          # of its DER bytes: what devices and browsers show as its fingerprint
    subject: str                         # RFC 4514 text
    issuer: str
    not_after: datetime


def read_certificate(data: bytes) -> CertificateFacts:
    """Read a certificate, DER or PEM (then the first one). Raises Unreadable ("not-a-certificate")."""
    try:
        found = (x509.load_pem_x509_certificate(data[data.index(_PEM_BEGIN):]) if _PEM_BEGIN in data
                 else x509.load_der_x509_certificate(data))
        return CertificateFacts(hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest(),
                                found.subject.rfc4514_string(), found.issuer.rfc4514_string(),
                                found.not_valid_after_utc)
    except ValueError as exc:
        raise Unreadable("This is no X.509 certificate.", reason="not-a-certificate") from exc


def fingerprint(text: str) -> str:
    """SHA-256 of a certificate, given as PEM or as the fingerprint itself, with or without colons; "" for "".

    Raises InvalidRequest.
    """
    given = text.strip()
    if not given:
        return ""
    if _PEM_BEGIN.decode() in given:
        try:
            return read_certificate(given.encode("ascii", "replace")).sha256
        except Unreadable as exc:
            raise InvalidRequest(str(exc), reason=exc.reason) from exc
    digits = re.sub(r"[\s:]", "", given.rpartition("=")[2]).lower()      # openssl prints "sha256 Fingerprint=AB:…"
    if not _SHA256.fullmatch(digits):
        raise InvalidRequest("A fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits.",
                             reason="not-a-certificate")
    return digits
