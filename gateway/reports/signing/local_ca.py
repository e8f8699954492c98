"""A certificate authority of our own, for trials: every certificate says 测试证书 无法律效力 in its subject.

It lives in the data folder: `ca.pem` (give it to whoever checks signatures), `ca_key.pem`, and `key_secret`, the
secret under which the private keys are encrypted at rest; the last two are readable by their owner alone (0600).
A person's P-256 key and certificate are kept by the caller, one pair a user, encrypted by the same secret.
The signature is PAdES B-B (ETSI EN 319 142-1) by pyHanko. It proves that nothing changed; it has no legal force.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.reports.signing.signer import CertificateFacts, SigningFailed, SigningIdentity

NOTICE = "测试证书，无法律效力"
_MARK = "测试证书 无法律效力"
_VALID = timedelta(days=3650)
_CA_VALID = timedelta(days=7300)


class LocalCa:
    """The signer port over a folder. Opening it makes the authority when there is none yet."""

    def __init__(self, folder: Path, *, centre_name: str, at: datetime) -> None:
        # Loaded with the first signer: pyHanko takes a second, and only processes that sign need it.
        importlib.import_module("pyhanko.sign.signers")
        self._centre_name = centre_name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._secret = _read_or_make(folder / "key_secret", lambda: secrets.token_hex(32).encode())
            key = _read_or_make(folder / "ca_key.pem", lambda: _encrypted(_new_key(), self._secret))
            self._ca_key = _load_key(key, self._secret)
            certificate = _read_or_make(folder / "ca.pem", lambda: _pem(self._make_ca(at)), mode=0o644)
            self._ca = x509.load_pem_x509_certificate(certificate)
        except (OSError, ValueError, TypeError) as exc:
            raise SigningFailed(f"The local test CA in {folder} cannot be opened: {exc}") from exc

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate."""
        return _pem(self._ca)

    def issue(self, *, user_id: str, name: str, title: str, at: datetime) -> SigningIdentity:
        """Make one person's P-256 key and certificate."""
        key = _new_key()
        subject = x509.Name([
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._centre_name[:64]),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, _MARK),
            x509.NameAttribute(NameOID.TITLE, title[:64] or "—"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:48]}({_MARK})"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, user_id[:64]),
        ])
        certificate = (
            _builder(subject, self._ca.subject, key, at, _VALID)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True, content_commitment=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key()),
                           critical=False)
            .sign(self._ca_key, hashes.SHA256()))
        return SigningIdentity(_pem(certificate).decode(), _encrypted(key, self._secret).decode())

    def describe(self, identity: SigningIdentity) -> CertificateFacts:
        """What is printed of the certificate."""
        certificate = _load_certificate(identity)
        return CertificateFacts(_common_name(certificate.subject), f"{certificate.serial_number:X}",
                                _common_name(certificate.issuer), NOTICE)

    def sign(self, pdf: bytes, identity: SigningIdentity, *, name: str, reason: str, location: str,
             at: datetime) -> bytes:
        """PAdES B-B, invisible: the printed page already shows who signed."""
        from asn1crypto import keys as asn1_keys
        from asn1crypto import x509 as asn1_x509
        from pyhanko.keys import load_certs_from_pemder_data
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.pdf_utils.misc import PdfError
        from pyhanko.sign import fields, signers
        from pyhanko.sign.general import SigningError
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        class TimedSigner(signers.PdfSigner):
            def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
                session = super().init_signing_session(*args, **kwargs)
                session.system_time = at         # the gateway's clock, the same minute that is printed
                return session

        key = _load_key(identity.encrypted_key_pem.encode(), self._secret)
        own: asn1_x509.Certificate = next(load_certs_from_pemder_data(identity.certificate_pem.encode()))
        store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(load_certs_from_pemder_data(self.ca_pem))
        key_der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1", md_algorithm="sha256", name=name, reason=reason, location=location,
            subfilter=fields.SigSeedSubFilter.PADES)
        try:
            signer = signers.SimpleSigner(signing_cert=own, cert_registry=store, embed_roots=False,
                                          signing_key=asn1_keys.PrivateKeyInfo.load(key_der))
            output = TimedSigner(metadata, signer).sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
        except (PdfError, SigningError, ValueError) as exc:
            raise SigningFailed(f"The signature could not be made: {exc}") from exc
        signed: bytes = output.getvalue()
        return signed

    def _make_ca(self, at: datetime) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
                          x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._centre_name[:64]),
                          x509.NameAttribute(NameOID.COMMON_NAME, f"本地测试CA({_MARK})")])
        return (_builder(name, name, self._ca_key, at, _CA_VALID)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
                .sign(self._ca_key, hashes.SHA256()))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, at: datetime,
             valid: timedelta) -> x509.CertificateBuilder:
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - timedelta(days=1)).not_valid_after(at + valid)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))


def _usage(*, digital_signature: bool = False, content_commitment: bool = False, key_cert_sign: bool = False,
           crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature, content_commitment, False, False, False, key_cert_sign, crl_sign, False,
                         False)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _encrypted(key: ec.EllipticCurvePrivateKey, secret: bytes) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.BestAvailableEncryption(secret))


def _load_key(pem: bytes, secret: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, secret)
    except (ValueError, TypeError) as exc:
        raise SigningFailed("The signing key cannot be opened with this installation's secret.") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SigningFailed("The signing key is not an elliptic-curve key.")
    return key


def _load_certificate(identity: SigningIdentity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.certificate_pem.encode())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _common_name(name: x509.Name) -> str:
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _read_or_make(path: Path, make: Callable[[], bytes], *, mode: int = 0o600) -> bytes:
    """Read the file, or make it whole and durable under its name; the first of two makers wins."""
    if not path.exists():
        waiting = path.with_suffix(f".{os.getpid()}.new")
        handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(waiting, path)
        waiting.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return path.read_bytes()
