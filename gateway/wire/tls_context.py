"""TLS by the "BCP 195 RFC 8996" profile (PS3.15 B.12): what our secure ports accept, what we ask of others'.

TLS 1.2 and 1.3 only; with 1.2 only ephemeral elliptic curves with AES-GCM; no compression, no renegotiation, no
session tickets (a resumed session would not look at the revocation list again). The files are read again when they
change, so a new certificate or revocation list counts from the next connection on, without a restart.
"""

from __future__ import annotations

import hashlib
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
    context = _begin(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    _load(context, files)
    if files.trusted is not None:
        context.verify_mode = ssl.CERT_REQUIRED if files.demands_certificate else ssl.CERT_OPTIONAL
    elif files.demands_certificate:
        raise TlsFault("A port that demands certificates needs a file of those it trusts.")
    return context


def make_client_context(files: TlsFiles, certificate_sha256: str = "") -> ssl.SSLContext:
    """The client's side: our certificate is shown, theirs is checked. Raises TlsFault.

    A trusted authority alone would let every device of the county stand for every other: the peer's certificate must
    also name the host that is called, or be the very one whose fingerprint is given.
    """
    if files.trusted is None:
        raise TlsFault("To call others by TLS, a file of those that are trusted is needed.")
    context = _begin(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, files)
    if certificate_sha256:
        context.check_hostname = False
        context.sslsocket_class = _only(certificate_sha256)
    return context


class ServerTls:
    """The context in force, made anew when a file has changed. Used from many threads."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsFault."""
        self._renewed = _Renewed(files, make_context)

    def context(self) -> ssl.SSLContext:
        """What the next handshake uses. Files that cannot be used leave the last good ones in force."""
        return self._renewed.context()

    def listening_context(self) -> ssl.SSLContext:
        """For a server on the event loop, which takes a context for good: each handshake is made by the one now in
        force, its certificate and whom it trusts."""
        listening = _Listening(ssl.PROTOCOL_TLS_SERVER)
        listening.in_force = self._renewed.context
        return listening


class ClientTls:
    """Contexts for calling others, made anew when a file has changed. Used from many threads."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsFault."""
        self._files = files
        self._lock = threading.Lock()
        self._by_fingerprint = {"": _Renewed(files, make_client_context)}

    def context(self, certificate_sha256: str = "") -> ssl.SSLContext:
        """For a peer whose certificate has this fingerprint, or names the host that is called. Raises TlsFault."""
        with self._lock:
            renewed = self._by_fingerprint.get(certificate_sha256)
            if renewed is None:
                renewed = self._by_fingerprint[certificate_sha256] = _Renewed(
                    self._files, lambda files: make_client_context(files, certificate_sha256))
        return renewed.context()


def client_context(tls: ClientTls | None, certificate_sha256: str = "") -> ssl.SSLContext:
    """As `ClientTls.context`. Raises TlsFault also where the gateway was given nothing to call others with."""
    if tls is None:
        raise TlsFault("The gateway has no certificate of its own, or no file of those it trusts.")
    return tls.context(certificate_sha256)


class _Renewed:
    """One context, made anew when one of its files has changed."""

    def __init__(self, files: TlsFiles, make: Callable[[TlsFiles], ssl.SSLContext]) -> None:
        self._files = files
        self._make = make
        self._lock = threading.Lock()
        self._seen = _state_of(files)
        self._context = make(files)

    def context(self) -> ssl.SSLContext:
        with self._lock:
            now = _state_of(self._files)
            if now != self._seen:
                self._seen = now
                try:
                    self._context = self._make(self._files)
                    _log.warning("certificates were read again")
                except TlsFault as exc:
                    _log.error("changed certificates cannot be used, the last ones stay in force: %s", exc)
            return self._context


class _Listening(ssl.SSLContext):
    """Hands every handshake of an event loop's server on to the context that is in force then."""

    in_force: Callable[[], ssl.SSLContext]

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, server_side: bool = False,
                 server_hostname: str | bytes | None = None, session: ssl.SSLSession | None = None
                 ) -> ssl.SSLObject:
        return self.in_force().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


Refused = Callable[[str, str], None]
"""Told of a handshake that failed: the peer's address and why."""


def _begin(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS_OF_TLS_1_2)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Our own certificate, and whom we trust. Raises TlsFault."""
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.trusted is not None:
            context.load_verify_locations(files.trusted)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN      # a single device's certificate may be listed
        if files.revoked is not None:
            context.load_verify_locations(files.revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except (OSError, ValueError) as exc:                               # ssl.SSLError is an OSError
        raise TlsFault(f"{_names(files)}: {exc}") from exc


def _only(certificate_sha256: str) -> type[ssl.SSLSocket]:
    """Sockets whose handshake fails unless the peer shows this very certificate."""

    class OneCertificate(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if shown != certificate_sha256:
                raise ssl.SSLCertVerificationError(f"the peer shows another certificate than its own ({shown})")

    return OneCertificate


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
