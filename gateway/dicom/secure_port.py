"""The files of the secure ports, and of the calls to others' secure ports, from the settings."""

from __future__ import annotations

from pathlib import Path

from gateway.settings import InvalidSetting, Settings
from gateway.wire.tls_context import ClientTls, TlsFiles


def tls_files(settings: Settings, *, asks_for_certificate: bool = True,
              demands_certificate: bool = False) -> TlsFiles:
    """Raises InvalidSetting when there is no certificate."""
    if not settings.tls_certificate_file:
        raise InvalidSetting("tls_certificate_file: a secure port needs a certificate")
    certificate = Path(settings.tls_certificate_file)
    key = Path(settings.tls_key_file) if settings.tls_key_file else certificate
    if not asks_for_certificate:
        return TlsFiles(certificate, key)
    return TlsFiles(certificate, key, Path(settings.tls_trusted_file) if settings.tls_trusted_file else None,
                    Path(settings.tls_revoked_file) if settings.tls_revoked_file else None, demands_certificate)


def calling_tls(settings: Settings) -> ClientTls | None:
    """How others are called by TLS; None without a certificate of our own or without any that is trusted.

    Raises TlsFault when the files cannot be used.
    """
    if not settings.tls_certificate_file or not settings.tls_trusted_file:
        return None
    return ClientTls(tls_files(settings))
