"""TLS by the "BCP 195 RFC 8996" profile (PS3.15 B.12): what the secure ports of the gateway accept.

TLS 1.2 and 1.3 only; with 1.2 only ephemeral elliptic curves with AES-GCM; no compression, no renegotiation, no
session tickets (a resumed session would not look at the revocation list again). The files are read again when they
change, so a new certificate or revocation list counts from the next connection on, without a restart.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CIPHERS_OF_TLS_1_2 = "ECDHE+AESGCM:@SECLEVEL=2"
"""ECDHE-ECDSA and ECDHE-RSA with AES-128-GCM or AES-256-GCM; keys of 112 bits of strength at least."""

_log = logging.getLogger("gateway.wire.tls")


class TlsFault(Exception):
    """The files of a secure port cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a secure port."""

    certificate: Path                    # own certificate, then those between it and its authority
    key: Path
    trusted: Path | None = None          # authorities, or single certificates, that peers are checked against
    revoked: Path | None = None          # revocation lists (CRL) of these authorities
    demands_certificate: bool = False    # a peer without a certificate is not let in


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """The server's side. Raises TlsFault."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS_OF_TLS_1_2)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.trusted is not None:
            context.load_verify_locations(files.trusted)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN      # a single device's certificate may be listed
            context.verify_mode = ssl.CERT_REQUIRED if files.demands_certificate else ssl.CERT_OPTIONAL
        if files.revoked is not None:
            context.load_verify_locations(files.revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except (OSError, ValueError) as exc:                               # ssl.SSLError is an OSError
        raise TlsFault(f"{_names(files)}: {exc}") from exc
    if files.demands_certificate and files.trusted is None:
        raise TlsFault("A port that demands certificates needs a file of those it trusts.")
    return context


class ServerTls:
    """The context in force, made anew when a file has changed. Used from many threads."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsFault."""
        self._files = files
        self._lock = threading.Lock()
        self._seen = _state_of(files)
        self._context = make_context(files)

    def context(self) -> ssl.SSLContext:
        """What the next handshake uses. Files that cannot be used leave the last good ones in force."""
        with self._lock:
            now = _state_of(self._files)
            if now != self._seen:
                self._seen = now
                try:
                    self._context = make_context(self._files)
                    _log.warning("certificates were read again")
                except TlsFault as exc:
                    _log.error("changed certificates cannot be used, the last ones stay in force: %s", exc)
            return self._context

    def listening_context(self) -> ssl.SSLContext:
        """A context for a server that takes one for good: every handshake gets the certificate now in force."""
        listening = make_context(self._files)

        def renew(connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self.context()

        # Called once a handshake, also where the client names no host.
        listening.sni_callback = renew
        return listening


Refused = Callable[[str, str], None]
"""Told of a handshake that failed: the peer's address and why."""


def _state_of(files: TlsFiles) -> tuple[tuple[int, int] | None, ...]:
    """What tells that a file was replaced: its time and its number on the disk."""
    state = []
    for path in (files.certificate, files.key, files.trusted, files.revoked):
        try:
            found = path.stat() if path is not None else None
        except OSError:
            found = None
        state.append((found.st_mtime_ns, found.st_ino) if found is not None else None)
    return tuple(state)


def _names(files: TlsFiles) -> str:
    used = (files.certificate, files.key, files.trusted, files.revoked)
    return ", ".join(str(path) for path in dict.fromkeys(used) if path is not None)
